using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;

namespace Bulkhead.Controller.Storage;

/// <summary>
/// The engine that holds the relational store. Both hold the same schema and give the same promises: a commit is on disk when it returns, and while
/// one process writes no other does, so that the order of the change log is the order of commits.
/// </summary>
public abstract class StoreDatabase : IAsyncDisposable
{
    /// <summary>What it is, for people.</summary>
    public abstract string Engine { get; }

    /// <summary>Whether other controllers may use it at the same time.</summary>
    public abstract bool IsShared { get; }

    /// <summary>The engine of a data folder: PostgreSQL if it says so (see <see cref="ConnectionSecret"/>), else SQLite in the folder itself.</summary>
    /// <exception cref="IOException">The connection string cannot be read, or others can read it too.</exception>
    /// <exception cref="InvalidDataException">The connection string is none.</exception>
    public static StoreDatabase Of(DataFolder data) =>
        ConnectionSecret.Find(data) is { } secret ? new PostgresDatabase(secret) : new SqliteDatabase(data);

    /// <summary>Says to EF how to reach it.</summary>
    public abstract void Configure(DbContextOptionsBuilder options);

    /// <summary>Brings the schema up to date, or makes it.</summary>
    /// <exception cref="InvalidDataException">A newer version of the controller has written it.</exception>
    public async Task MigrateAsync(ControllerDb database, CancellationToken cancellation)
    {
        var newer = (await database.Database.GetAppliedMigrationsAsync(cancellation).ConfigureAwait(false)).Except(database.Database.GetMigrations()).ToList();
        if (newer.Count > 0)
        {
            throw new InvalidDataException($"The database was written by a newer version of the controller ({newer[^1]}). Start that version, or restore a backup of this one.");
        }

        await PrepareAsync(database, cancellation).ConfigureAwait(false);
        await database.Database.MigrateAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Begins a transaction of one connection whose queries all see the same moment, and which waits for no writer.</summary>
    public abstract Task<DbTransaction> BeginReadAsync(DbConnection connection, CancellationToken cancellation);

    /// <summary>Begins a transaction that sees one moment.</summary>
    public async Task<IDbContextTransaction> BeginReadAsync(ControllerDb database, CancellationToken cancellation)
    {
        await database.Database.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        var transaction = await BeginReadAsync(database.Database.GetDbConnection(), cancellation).ConfigureAwait(false);
        return (await database.Database.UseTransactionAsync(transaction, cancellation).ConfigureAwait(false))!;
    }

    /// <summary>In a transaction: waits until no other process writes, and keeps others from it until the transaction ends.</summary>
    internal abstract Task LockAsync(ControllerDb database, CancellationToken cancellation);

    /// <summary>In a transaction: tells whoever <see cref="WaitAsync"/>s, once it commits.</summary>
    internal abstract Task AnnounceAsync(ControllerDb database, CancellationToken cancellation);

    /// <summary>Waits until another process may have committed something. Returns from time to time even if none did, or if nothing can be learned.</summary>
    internal abstract Task WaitAsync(CancellationToken cancellation);

    /// <summary>Makes ready for migrations.</summary>
    protected virtual Task PrepareAsync(ControllerDb database, CancellationToken cancellation) => Task.CompletedTask;

    /// <inheritdoc/>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
