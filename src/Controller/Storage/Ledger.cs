using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage.Rows;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Storage;

/// <summary>
/// The only writer. Edits run one after the other; each is one transaction that holds its rows, its change-log entries and its audit entries, and
/// compiles the policy it leads to before it commits, so that an answer means that it is durable and that hosts are being told.
/// </summary>
public sealed class Ledger(IDbContextFactory<ControllerDb> databases, SnapshotLoader loader, LiveState live, TimeProvider time) : IDisposable
{
    /// <summary>The actor of what the controller does by itself.</summary>
    public const string System = "system";

    private readonly SemaphoreSlim _writer = new(1, 1);

    /// <summary>Loads a snapshot of a store that a controller, perhaps running now, has opened before.</summary>
    public async Task AttachAsync(CancellationToken cancellation)
    {
        await using var database = await databases.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        live.Start(await loader.LoadAsync(database, time.GetUtcNow(), cancellation).ConfigureAwait(false));
    }

    /// <summary>Brings the schema up to date and loads the first snapshot.</summary>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        await using var database = await databases.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        await database.Database.MigrateAsync(cancellation).ConfigureAwait(false);
        // Kept in the file; connections that only look whether it exists are read-only and could not set it.
        await database.Database.ExecuteSqlRawAsync("PRAGMA journal_mode=WAL;", cancellation).ConfigureAwait(false);
        if (!await database.Counters.AnyAsync(counter => counter.Name == Counters.Epoch, cancellation).ConfigureAwait(false))
        {
            database.Counters.Add(new() { Name = Counters.Epoch, Value = 1 });
        }

        // A new number at each start: what is compiled now may differ from what the last run told its hosts.
        var generation = await database.Counters.FindAsync([Counters.Generation], cancellation).ConfigureAwait(false);
        if (generation is null)
        {
            database.Counters.Add(generation = new() { Name = Counters.Generation });
        }

        generation.Value++;
        await database.SaveChangesAsync(cancellation).ConfigureAwait(false);
        live.Start(await loader.LoadAsync(database, time.GetUtcNow(), cancellation).ConfigureAwait(false));
    }

    /// <summary>Runs an edit; refused ones, and those that are only tried, leave nothing behind.</summary>
    /// <param name="actor">Who, for the audit log.</param>
    /// <param name="change">Checks and changes rows.</param>
    /// <param name="cancellation">Counts until the commit begins.</param>
    public async Task<Outcome<T>> WriteAsync<T>(string actor, Func<Edit, CancellationToken, Task<Outcome<T>>> change, CancellationToken cancellation)
    {
        await _writer.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await using var database = await databases.CreateDbContextAsync(cancellation).ConfigureAwait(false);
            await using var transaction = await database.Database.BeginTransactionAsync(cancellation).ConfigureAwait(false);
            var edit = new Edit(database, loader, live.Current, actor, time.GetUtcNow());
            var outcome = await change(edit, cancellation).ConfigureAwait(false);
            if (!outcome.Commits)
            {
                return outcome;
            }

            var snapshot = await edit.SealAsync(cancellation).ConfigureAwait(false);
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
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>A view of the tables to read from; dispose it.</summary>
    public Task<ControllerDb> ReadAsync(CancellationToken cancellation) => databases.CreateDbContextAsync(cancellation);

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
