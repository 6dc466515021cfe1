using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Bulkhead.Controller.Storage;

/// <summary>SQLite in the data folder: one controller, and commands beside it.</summary>
public sealed class SqliteDatabase(string path) : StoreDatabase
{
    /// <summary>The file of a data folder, which only the owner may read.</summary>
    public SqliteDatabase(DataFolder data)
        : this(data.CreateSecret(DataFolder.DatabaseFile))
    {
    }

    /// <inheritdoc/>
    public override string Engine => "SQLite";

    /// <inheritdoc/>
    public override bool IsShared => false;

    /// <inheritdoc/>
    public override void Configure(DbContextOptionsBuilder options) => options.UseSqlite($"Data Source={path}").AddInterceptors(new Pragmas());

    /// <inheritdoc/>
    protected override async Task PrepareAsync(ControllerDb database, CancellationToken cancellation)
    {
        // Kept in the file; connections that only look whether it exists are read-only and could not set it.
        await database.Database.ExecuteSqlRawAsync("PRAGMA journal_mode=WAL;", cancellation).ConfigureAwait(false);
        // EF takes this lock while it migrates, and waits for ever for one that a killed process left. The data folder's own lock keeps others away.
        await database.Database.ExecuteSqlRawAsync("DROP TABLE IF EXISTS __EFMigrationsLock;", cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override Task<DbTransaction> BeginReadAsync(DbConnection connection, CancellationToken cancellation) =>
        Task.FromResult<DbTransaction>(((SqliteConnection)connection).BeginTransaction(System.Data.IsolationLevel.Serializable, deferred: true));

    /// <summary>Its transactions begin with the lock.</summary>
    internal override Task LockAsync(ControllerDb database, CancellationToken cancellation) => Task.CompletedTask;

    /// <inheritdoc/>
    internal override Task AnnounceAsync(ControllerDb database, CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>Nobody else changes what a controller shows; what commands write is taken up with the next edit.</summary>
    internal override Task WaitAsync(CancellationToken cancellation) => Task.Delay(Timeout.Infinite, cancellation);

    /// <summary>Settings of each connection: a commit is on disk when it returns.</summary>
    private sealed class Pragmas : DbConnectionInterceptor
    {
        private const string Settings = "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000;";

        public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData)
        {
            using var command = connection.CreateCommand();
            command.CommandText = Settings;
            command.ExecuteNonQuery();
        }

        public override async Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = Settings;
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
