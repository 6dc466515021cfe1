using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;

namespace Bulkhead.Controller.Storage;

/// <summary>PostgreSQL, which any number of controllers may share. Writers take turns by an advisory lock; <c>NOTIFY</c> tells the others.</summary>
public sealed class PostgresDatabase : StoreDatabase
{
    /// <summary>"Bulkhead", as a number.</summary>
    private const long WriterLock = 0x42756c6b68656164;

    private const string Channel = "bulkhead";
    private static readonly TimeSpan s_poll = TimeSpan.FromSeconds(1);
    private readonly NpgsqlDataSource _source;
    private readonly string _self = Guid.CreateVersion7().ToString("N");
    private NpgsqlConnection? _listener;
    private bool _toldByOthers;

    /// <summary>Connects when first used.</summary>
    /// <param name="connection">As Npgsql writes it: <c>Host=…;Database=…;Username=…</c>.</param>
    /// <exception cref="InvalidDataException">It cannot be read as that.</exception>
    public PostgresDatabase(string connection)
    {
        try
        {
            var builder = new NpgsqlConnectionStringBuilder(connection) { ApplicationName = "bulkhead-controller", IncludeErrorDetail = false, Enlist = false };
            _source = new NpgsqlDataSourceBuilder(builder.ConnectionString).Build();
        }
        catch (Exception problem) when (problem is ArgumentException or FormatException or OverflowException or KeyNotFoundException)
        {
            // Not its message, which quotes what was written.
            throw new InvalidDataException($"The connection string in '{ConnectionSecret.Name}' cannot be read. Write it like: Host=db.example;Database=bulkhead;Username=bulkhead;Password=…;SSL Mode=VerifyFull");
        }
    }

    /// <inheritdoc/>
    public override string Engine => "PostgreSQL";

    /// <inheritdoc/>
    public override bool IsShared => true;

    /// <summary>Failures keep their type: the provider's own strategy would wrap those that may pass.</summary>
    public override void Configure(DbContextOptionsBuilder options) =>
        options.UseNpgsql(_source, postgres => postgres.ExecutionStrategy(dependencies => new NonRetryingExecutionStrategy(dependencies)));

    /// <inheritdoc/>
    public override async Task<DbTransaction> BeginReadAsync(DbConnection connection, CancellationToken cancellation) =>
        await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    internal override Task LockAsync(ControllerDb database, CancellationToken cancellation) =>
        database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({WriterLock})", cancellation);

    /// <inheritdoc/>
    internal override Task AnnounceAsync(ControllerDb database, CancellationToken cancellation) =>
        database.Database.ExecuteSqlAsync($"SELECT pg_notify({Channel}, {_self})", cancellation);

    /// <inheritdoc/>
    internal override async Task WaitAsync(CancellationToken cancellation)
    {
        try
        {
            if (_listener is null)
            {
                _listener = await _source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
                _listener.Notification += (_, told) => _toldByOthers |= told.Payload != _self;
                await using var listen = new NpgsqlCommand($"LISTEN {Channel}", _listener);
                await listen.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
                // What was told before anybody listened is looked for now.
                return;
            }

            _toldByOthers = false;
            while (!_toldByOthers && await _listener.WaitAsync(s_poll, cancellation).ConfigureAwait(false))
            {
            }
        }
        catch (Exception problem) when (problem is NpgsqlException or IOException or InvalidOperationException)
        {
            await CloseListenerAsync().ConfigureAwait(false);
            await Task.Delay(s_poll, cancellation).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await CloseListenerAsync().ConfigureAwait(false);
        await _source.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private async Task CloseListenerAsync()
    {
        if (_listener is { } listener)
        {
            _listener = null;
            await listener.DisposeAsync().ConfigureAwait(false);
        }
    }
}
