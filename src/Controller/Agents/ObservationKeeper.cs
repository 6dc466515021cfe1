using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Storage;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Agents;

/// <summary>Keeps the last reports of agents over a restart. Losing the newest of them in a crash harms nothing: agents report again.</summary>
public sealed class ObservationKeeper(AgentDirectory directory, Ledger ledger, TimeProvider time, ILogger<ObservationKeeper> logger) : BackgroundService
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(30);
    private DateTimeOffset _savedUpTo;

    /// <summary>Loads what was kept.</summary>
    public async Task RestoreAsync(CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        await foreach (var row in database.Observations.AsNoTracking().AsAsyncEnumerable().WithCancellation(cancellation).ConfigureAwait(false))
        {
            directory.Observe(new(row.WorkloadId), StateReport.Parser.ParseFrom(row.Report), row.LastSeen);
        }

        _savedUpTo = time.GetUtcNow();
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        await SaveAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await SaveAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (Exception problem) when (problem is DbUpdateException or System.Data.Common.DbException)
            {
                Log.BackgroundFailed(logger, problem, "keep observations");
            }
        }
    }

    private async Task SaveAsync(CancellationToken cancellation)
    {
        var since = _savedUpTo;
        var now = time.GetUtcNow();
        var fresh = directory.Observations.Where(pair => pair.Value.LastSeen >= since).ToList();
        if (fresh.Count == 0)
        {
            return;
        }

        await ledger.WriteAsync<bool>(Ledger.System, async (edit, token) =>
        {
            var ids = fresh.Select(pair => pair.Key.Value).ToHashSet();
            var rows = await edit.Database.Observations.Where(row => ids.Contains(row.WorkloadId)).ToDictionaryAsync(row => row.WorkloadId, token).ConfigureAwait(false);
            foreach (var (id, observation) in fresh.Where(pair => edit.Before.Entries.ContainsKey(pair.Key)))
            {
                if (!rows.TryGetValue(id.Value, out var row))
                {
                    edit.Database.Observations.Add(row = new() { WorkloadId = id.Value });
                }

                row.LastSeen = observation.LastSeen;
                row.Report = Google.Protobuf.MessageExtensions.ToByteArray(observation.Report);
            }

            return true;
        }, cancellation).ConfigureAwait(false);
        _savedUpTo = now;
    }
}
