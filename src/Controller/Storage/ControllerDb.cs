using Bulkhead.Controller.Storage.Rows;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace Bulkhead.Controller.Storage;

/// <summary>
/// The relational store: inventory, policy, access. Columns are text, integers, booleans and bytes only, so that SQLite and PostgreSQL hold the same
/// schema; instants are Unix milliseconds.
/// </summary>
public sealed class ControllerDb(DbContextOptions<ControllerDb> options) : DbContext(options)
{
    /// <summary>Workloads.</summary>
    public DbSet<WorkloadRow> Workloads => Set<WorkloadRow>();

    /// <summary>Addresses with their holders.</summary>
    public DbSet<AddressRow> Addresses => Set<AddressRow>();

    /// <summary>Last reports of agents.</summary>
    public DbSet<ObservationRow> Observations => Set<ObservationRow>();

    /// <summary>Pairing keys.</summary>
    public DbSet<PairingKeyRow> PairingKeys => Set<PairingKeyRow>();

    /// <summary>Accounts.</summary>
    public DbSet<AccountRow> Accounts => Set<AccountRow>();

    /// <summary>Sessions.</summary>
    public DbSet<SessionRow> Sessions => Set<SessionRow>();

    /// <summary>API keys.</summary>
    public DbSet<ApiKeyRow> ApiKeys => Set<ApiKeyRow>();

    /// <summary>The draft policy.</summary>
    public DbSet<DraftObjectRow> Draft => Set<DraftObjectRow>();

    /// <summary>Revisions.</summary>
    public DbSet<RevisionRow> Revisions => Set<RevisionRow>();

    /// <summary>Revisions provisioned for a time.</summary>
    public DbSet<TrialRow> Trials => Set<TrialRow>();

    /// <summary>Settings.</summary>
    public DbSet<SettingRow> Settings => Set<SettingRow>();

    /// <summary>Requests for approval.</summary>
    public DbSet<ApprovalRow> Approvals => Set<ApprovalRow>();

    /// <summary>Declared label keys.</summary>
    public DbSet<LabelKeyRow> LabelKeys => Set<LabelKeyRow>();

    /// <summary>Controllers that have used this store.</summary>
    public DbSet<ControllerRow> Controllers => Set<ControllerRow>();

    /// <summary>The change log.</summary>
    public DbSet<ChangeRow> Changes => Set<ChangeRow>();

    /// <summary>Counters.</summary>
    public DbSet<CounterRow> Counters => Set<CounterRow>();

    /// <summary>The audit log.</summary>
    public DbSet<AuditRow> Audit => Set<AuditRow>();

    /// <inheritdoc/>
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<UnixMilliseconds>();
        configurationBuilder.Properties<Enum>().HaveConversion<string>();
        configurationBuilder.Properties<Guid>().HaveConversion<GuidText>();
    }

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<WorkloadRow>(row =>
        {
            row.ToTable("workloads").HasKey(w => w.Id);
            row.Property(w => w.Version).IsConcurrencyToken();
            row.HasIndex(w => new { w.MachineId, w.HardwareUuid }).IsUnique();
            row.HasIndex(w => w.Name);
            row.HasMany(w => w.Addresses).WithOne().HasForeignKey(a => a.WorkloadId).OnDelete(DeleteBehavior.Cascade);
        });
        modelBuilder.Entity<AddressRow>(row =>
        {
            row.ToTable("addresses").HasKey(a => new { a.Space, a.Address });
            row.HasIndex(a => a.WorkloadId);
        });
        modelBuilder.Entity<ObservationRow>(row =>
        {
            row.ToTable("observations").HasKey(o => o.WorkloadId);
            row.HasIndex(o => o.Stamp);
        });
        modelBuilder.Entity<PairingKeyRow>(row =>
        {
            row.ToTable("pairing_keys").HasKey(k => k.Id);
            row.HasIndex(k => k.SecretHash).IsUnique();
        });
        modelBuilder.Entity<AccountRow>(row =>
        {
            row.ToTable("accounts").HasKey(a => a.Id);
            row.HasIndex(a => a.Name).IsUnique();
        });
        modelBuilder.Entity<SessionRow>(row =>
        {
            row.ToTable("sessions").HasKey(s => s.TokenHash);
            row.HasOne<AccountRow>().WithMany().HasForeignKey(s => s.AccountId).OnDelete(DeleteBehavior.Cascade);
        });
        modelBuilder.Entity<ApiKeyRow>(row =>
        {
            row.ToTable("api_keys").HasKey(k => k.Id);
            row.HasIndex(k => k.SecretHash).IsUnique();
        });
        modelBuilder.Entity<DraftObjectRow>().ToTable("draft").HasKey(d => new { d.Kind, d.Name });
        modelBuilder.Entity<RevisionRow>(row =>
        {
            row.ToTable("revisions").HasKey(r => r.Number);
            row.Property(r => r.Number).ValueGeneratedNever();
        });
        modelBuilder.Entity<TrialRow>(row =>
        {
            row.ToTable("trials").HasKey(t => t.Revision);
            row.Property(t => t.Revision).ValueGeneratedNever();
        });
        modelBuilder.Entity<SettingRow>().ToTable("settings").HasKey(s => s.Name);
        modelBuilder.Entity<ApprovalRow>(row =>
        {
            row.ToTable("approvals").HasKey(a => a.Number);
            row.Property(a => a.Number).ValueGeneratedNever();
        });
        modelBuilder.Entity<LabelKeyRow>().ToTable("label_keys").HasKey(k => k.Key);
        modelBuilder.Entity<ControllerRow>().ToTable("controllers").HasKey(c => c.Id);
        modelBuilder.Entity<ChangeRow>(row =>
        {
            row.ToTable("changes").HasKey(c => c.Sequence);
            row.Property(c => c.Sequence).ValueGeneratedNever();
            row.Property(c => c.Id).IsRequired();
        });
        modelBuilder.Entity<CounterRow>().ToTable("counters").HasKey(c => c.Name);
        modelBuilder.Entity<AuditRow>(row =>
        {
            row.ToTable("audit").HasKey(a => a.Sequence);
            row.Property(a => a.Sequence).ValueGeneratedNever();
        });
    }

    /// <summary>Without a length, which PostgreSQL would make part of the column's type.</summary>
    private sealed class GuidText() : ValueConverter<Guid, string>(value => value.ToString("D"), value => Guid.Parse(value));

    private sealed class UnixMilliseconds() : ValueConverter<DateTimeOffset, long>(
        value => value.ToUnixTimeMilliseconds(), value => DateTimeOffset.FromUnixTimeMilliseconds(value));
}
