using System.Data;
using System.Data.Common;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage.Rows;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;

namespace Bulkhead.Controller.Storage;

/// <summary>
/// The only way to write. Edits run one after the other, those of all controllers on the store; each is one transaction that holds its rows, its
/// change-log entries and its audit entries, and compiles the policy it leads to before it commits, so that an answer means that it is durable and that
/// hosts are being told.
/// </summary>
public sealed class Ledger(IDbContextFactory<ControllerDb> databases, StoreDatabase store, LiveState live, TimeProvider time) : IDisposable
{
    /// <summary>The actor of what the controller does by itself.</summary>
    public const string System = "system";

    private readonly SemaphoreSlim _writer = new(1, 1);

    /// <summary>Loads a snapshot of a store that a controller, perhaps running now, has opened before.</summary>
    public async Task AttachAsync(CancellationToken cancellation)
    {
        await using var database = await databases.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        await using var moment = await store.BeginReadAsync(database, cancellation).ConfigureAwait(false);
        live.Start(await SnapshotLoader.LoadAsync(database, cancellation).ConfigureAwait(false));
    }

    /// <summary>Brings the schema up to date, registers this controller and loads the first snapshot.</summary>
    /// <exception cref="InvalidDataException">The store belongs to a newer version of the controller, or to controllers with another authority.</exception>
    public async Task OpenAsync(ControllerSelf self, CancellationToken cancellation)
    {
        await using var database = await databases.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        await store.MigrateAsync(database, cancellation).ConfigureAwait(false);
        live.Start(await SnapshotLoader.LoadAsync(database, cancellation).ConfigureAwait(false));
        await WriteAsync<bool>(System, async (edit, token) =>
        {
            await RegisterAsync(edit, self, token).ConfigureAwait(false);
            var epoch = await edit.CounterAsync(Counters.Epoch, token).ConfigureAwait(false);
            epoch.Value = Math.Max(epoch.Value, 1);
            // A new generation at each start: what is compiled now may differ from what the last run told its hosts.
            edit.Touch(ChangeKind.Controllers, self.Id.ToString("D"));
            return true;
        }, cancellation).ConfigureAwait(false);
    }

    /// <summary>Runs an edit; refused ones, and those that are only tried, leave nothing behind.</summary>
    /// <param name="actor">Who, for the audit log.</param>
    /// <param name="change">Checks and changes rows.</param>
    /// <param name="cancellation">Counts until the commit begins.</param>
    public Task<Outcome<T>> WriteAsync<T>(string actor, Func<Edit, CancellationToken, Task<Outcome<T>>> change, CancellationToken cancellation) => AloneAsync<Outcome<T>>(
        database => database.Database.BeginTransactionAsync(cancellation),
        async (database, transaction) =>
        {
            await store.LockAsync(database, cancellation).ConfigureAwait(false);
            await CatchUpAsync(database, cancellation).ConfigureAwait(false);
            var edit = new Edit(database, live.Current, actor, time.GetUtcNow());
            try
            {
                var outcome = await change(edit, cancellation).ConfigureAwait(false);
                if (!outcome.Commits)
                {
                    return outcome;
                }

                var snapshot = await edit.SealAsync(cancellation).ConfigureAwait(false);
                await store.AnnounceAsync(database, cancellation).ConfigureAwait(false);
                await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
                if (snapshot is not null)
                {
                    live.Publish(snapshot);
                }

                return outcome;
            }
            catch (DbUpdateConcurrencyException)
            {
                return Problems.Conflict("changed-meanwhile", "Somebody else changed it meanwhile; nothing was changed.", "Load it again and repeat the edit.");
            }
        },
        cancellation);

    /// <summary>Takes up what other controllers have committed.</summary>
    public Task FollowAsync(CancellationToken cancellation) => AloneAsync(
        database => store.BeginReadAsync(database, cancellation),
        async (database, _) =>
        {
            await CatchUpAsync(database, cancellation).ConfigureAwait(false);
            return true;
        },
        cancellation);

    /// <summary>A view of the tables to read from; dispose it.</summary>
    public Task<ControllerDb> ReadAsync(CancellationToken cancellation) => databases.CreateDbContextAsync(cancellation);

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

    /// <summary>Does one thing after the other, each in a transaction of its own.</summary>
    /// <exception cref="DbException">The database failed.</exception>
    private async Task<T> AloneAsync<T>(Func<ControllerDb, Task<IDbContextTransaction>> begin, Func<ControllerDb, IDbContextTransaction, Task<T>> work, CancellationToken cancellation)
    {
        await _writer.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await using var database = await databases.CreateDbContextAsync(cancellation).ConfigureAwait(false);
            await using var transaction = await begin(database).ConfigureAwait(false);
            try
            {
                return await work(database, transaction).ConfigureAwait(false);
            }
            catch (InvalidOperationException problem) when (database.Database.GetDbConnection().State != ConnectionState.Open)
            {
                // To what follows a command that lost the connection at its very end, Npgsql says only that the transaction is over.
                throw new StoreLostException(problem);
            }
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>Loads what the change log names after the current snapshot. Within the caller's transaction the tables show one moment.</summary>
    private async Task CatchUpAsync(ControllerDb database, CancellationToken cancellation)
    {
        var before = live.Current;
        var sequence = await database.Counters.AsNoTracking().Where(c => c.Name == Counters.Sequence).Select(c => c.Value).SingleOrDefaultAsync(cancellation).ConfigureAwait(false);
        if (sequence < before.Sequence)
        {
            throw new InvalidDataException($"The database went back from change {before.Sequence} to {sequence}: it was restored while this controller ran. Restart the controller.");
        }

        if (sequence == before.Sequence)
        {
            return;
        }

        var log = await database.Changes.AsNoTracking().Where(c => c.Sequence > before.Sequence).ToListAsync(cancellation).ConfigureAwait(false);
        var changes = log.Select(change => (change.Kind, change.Id)).ToHashSet();
        live.Publish(await SnapshotLoader.ReloadAsync(database, before, changes, sequence, cancellation).ConfigureAwait(false));
        database.ChangeTracker.Clear();
    }

    private async Task RegisterAsync(Edit edit, ControllerSelf self, CancellationToken cancellation)
    {
        var rows = await edit.Database.Controllers.ToListAsync(cancellation).ConfigureAwait(false);
        if (!store.IsShared)
        {
            // The folder was copied or restored: whoever it was, it is this one now.
            edit.Database.Controllers.RemoveRange(rows.Where(row => row.Id != self.Id));
        }
        else if (rows.Find(row => row.Authority != self.Authority) is { } other)
        {
            throw new InvalidDataException($"The controller on {other.Name} uses this database with another authority. Copy ca.key and ca.crt from its data folder into this one's.");
        }

        var own = rows.Find(row => row.Id == self.Id);
        if (own is null)
        {
            edit.Database.Controllers.Add(own = new() { Id = self.Id });
        }

        self.WriteTo(own, edit.Now);
    }
}
