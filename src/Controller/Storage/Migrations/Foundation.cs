using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Bulkhead.Controller.Storage.Migrations;

/// <summary>The first schema. Written by hand, without provider types; a test compares it with the model.</summary>
[DbContext(typeof(ControllerDb))]
[Migration("20261122000000_Foundation")]
public sealed class Foundation : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable("workloads", table => new
        {
            Id = table.Column<string>(nullable: false),
            Name = table.Column<string>(nullable: false),
            Managed = table.Column<bool>(nullable: false),
            Labels = table.Column<string>(nullable: false),
            Quarantined = table.Column<bool>(nullable: false),
            Admitted = table.Column<bool>(nullable: false),
            Features = table.Column<string>(nullable: false),
            MachineId = table.Column<string>(nullable: true),
            HardwareUuid = table.Column<string>(nullable: true),
            Networks = table.Column<string>(nullable: false),
            Pairing = table.Column<long>(nullable: false),
            Version = table.Column<long>(nullable: false),
        }, constraints: table => table.PrimaryKey("PK_workloads", row => row.Id));
        migrationBuilder.CreateIndex("IX_workloads_MachineId_HardwareUuid", "workloads", ["MachineId", "HardwareUuid"], unique: true);
        migrationBuilder.CreateIndex("IX_workloads_Name", "workloads", "Name");

        migrationBuilder.CreateTable("addresses", table => new
        {
            Space = table.Column<string>(nullable: false),
            Address = table.Column<string>(nullable: false),
            WorkloadId = table.Column<string>(nullable: false),
        }, constraints: table =>
        {
            table.PrimaryKey("PK_addresses", row => new { row.Space, row.Address });
            table.ForeignKey("FK_addresses_workloads_WorkloadId", row => row.WorkloadId, "workloads", "Id", onDelete: ReferentialAction.Cascade);
        });
        migrationBuilder.CreateIndex("IX_addresses_WorkloadId", "addresses", "WorkloadId");

        migrationBuilder.CreateTable("observations", table => new
        {
            WorkloadId = table.Column<string>(nullable: false),
            LastSeen = table.Column<long>(nullable: false),
            Report = table.Column<byte[]>(nullable: false),
        }, constraints: table => table.PrimaryKey("PK_observations", row => row.WorkloadId));

        migrationBuilder.CreateTable("pairing_keys", table => new
        {
            Id = table.Column<string>(nullable: false),
            Name = table.Column<string>(nullable: false),
            SecretHash = table.Column<string>(nullable: false),
            Labels = table.Column<string>(nullable: false),
            Networks = table.Column<string>(nullable: false),
            Uses = table.Column<int>(nullable: false),
            MaxUses = table.Column<int>(nullable: true),
            Expires = table.Column<long>(nullable: false),
            AutoAdmit = table.Column<bool>(nullable: false),
            Revoked = table.Column<bool>(nullable: false),
            Created = table.Column<long>(nullable: false),
        }, constraints: table => table.PrimaryKey("PK_pairing_keys", row => row.Id));
        migrationBuilder.CreateIndex("IX_pairing_keys_SecretHash", "pairing_keys", "SecretHash", unique: true);

        Access(migrationBuilder);
        Policy(migrationBuilder);
        Ledger(migrationBuilder);
    }

    private static void Access(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable("accounts", table => new
        {
            Id = table.Column<string>(nullable: false),
            Name = table.Column<string>(nullable: false),
            Role = table.Column<string>(nullable: false),
            PasswordHash = table.Column<string>(nullable: false),
            OneTime = table.Column<bool>(nullable: false),
        }, constraints: table => table.PrimaryKey("PK_accounts", row => row.Id));
        migrationBuilder.CreateIndex("IX_accounts_Name", "accounts", "Name", unique: true);

        migrationBuilder.CreateTable("sessions", table => new
        {
            TokenHash = table.Column<string>(nullable: false),
            AccountId = table.Column<string>(nullable: false),
            Expires = table.Column<long>(nullable: false),
        }, constraints: table =>
        {
            table.PrimaryKey("PK_sessions", row => row.TokenHash);
            table.ForeignKey("FK_sessions_accounts_AccountId", row => row.AccountId, "accounts", "Id", onDelete: ReferentialAction.Cascade);
        });
        migrationBuilder.CreateIndex("IX_sessions_AccountId", "sessions", "AccountId");

        migrationBuilder.CreateTable("api_keys", table => new
        {
            Id = table.Column<string>(nullable: false),
            Name = table.Column<string>(nullable: false),
            Role = table.Column<string>(nullable: false),
            SecretHash = table.Column<string>(nullable: false),
            CreatedBy = table.Column<string>(nullable: false),
            Created = table.Column<long>(nullable: false),
            Expires = table.Column<long>(nullable: true),
            LastUsed = table.Column<long>(nullable: true),
        }, constraints: table => table.PrimaryKey("PK_api_keys", row => row.Id));
        migrationBuilder.CreateIndex("IX_api_keys_SecretHash", "api_keys", "SecretHash", unique: true);
    }

    private static void Policy(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable("draft", table => new
        {
            Kind = table.Column<string>(nullable: false),
            Name = table.Column<string>(nullable: false),
            Body = table.Column<string>(nullable: false),
        }, constraints: table => table.PrimaryKey("PK_draft", row => new { row.Kind, row.Name }));

        migrationBuilder.CreateTable("revisions", table => new
        {
            Number = table.Column<long>(nullable: false),
            Parent = table.Column<long>(nullable: false),
            Hash = table.Column<string>(nullable: false),
            Note = table.Column<string>(nullable: false),
            Author = table.Column<string>(nullable: false),
            Created = table.Column<long>(nullable: false),
            RestoredFrom = table.Column<long>(nullable: true),
            Document = table.Column<string>(nullable: false),
            Changes = table.Column<string>(nullable: false),
        }, constraints: table => table.PrimaryKey("PK_revisions", row => row.Number));

        migrationBuilder.CreateTable("label_keys", table => new
        {
            Key = table.Column<string>(nullable: false),
        }, constraints: table => table.PrimaryKey("PK_label_keys", row => row.Key));
    }

    private static void Ledger(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable("changes", table => new
        {
            Sequence = table.Column<long>(nullable: false),
            Kind = table.Column<string>(nullable: false),
            Id = table.Column<string>(nullable: false),
        }, constraints: table => table.PrimaryKey("PK_changes", row => row.Sequence));

        migrationBuilder.CreateTable("counters", table => new
        {
            Name = table.Column<string>(nullable: false),
            Value = table.Column<long>(nullable: false),
        }, constraints: table => table.PrimaryKey("PK_counters", row => row.Name));

        migrationBuilder.CreateTable("audit", table => new
        {
            Sequence = table.Column<long>(nullable: false),
            At = table.Column<long>(nullable: false),
            Actor = table.Column<string>(nullable: false),
            Action = table.Column<string>(nullable: false),
            Subject = table.Column<string>(nullable: false),
            Detail = table.Column<string>(nullable: false),
            Before = table.Column<string>(nullable: true),
            Hash = table.Column<string>(nullable: false),
        }, constraints: table => table.PrimaryKey("PK_audit", row => row.Sequence));
    }
}
