using System.Globalization;
using System.Net;
using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Live;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Inventory;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Agents;

/// <summary>
/// Keeps the last reports of agents over a restart, and tells other controllers on the store of agents that are connected here. Losing the newest of
/// that in a crash harms nothing: agents report again.
/// </summary>
public sealed class ObservationKeeper(
    AgentDirectory directory, Ledger ledger, StoreDatabase store, ControllerSelf self, LiveFeed feed, TimeProvider time, ILogger<ObservationKeeper> logger) : BackgroundService
{
    private static readonly TimeSpan s_alone = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_shared = TimeSpan.FromMilliseconds(500);
    private readonly OtherControllers _others = new(self.Id, time);
    private readonly string _self = self.Id.ToString("D", CultureInfo.InvariantCulture);
    private long _followed;

    /// <summary>Loads what was kept. What this controller served before it stopped is connected no longer.</summary>
    public async Task RestoreAsync(CancellationToken cancellation)
    {
        await ledger.WriteAsync<bool>(Ledger.System, async (edit, token) =>
        {
            var stamp = await edit.NextAsync(Counters.Observation, 1, token).ConfigureAwait(false);
            await edit.Database.Observations.Where(row => row.Controller == _self)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.Controller, "").SetProperty(row => row.Stamp, stamp), token).ConfigureAwait(false);
            return true;
        }, cancellation).ConfigureAwait(false);
        await FollowAsync(cancellation).ConfigureAwait(false);
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
        using var timer = new PeriodicTimer(store.IsShared ? s_shared : s_alone, time);
        var failing = false;
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await SaveAsync(stoppingToken).ConfigureAwait(false);
                if (store.IsShared)
                {
                    await FollowAsync(stoppingToken).ConfigureAwait(false);
                }

                failing = false;
            }
            catch (Exception problem) when (problem is DbUpdateException or System.Data.Common.DbException)
            {
                if (!failing)
                {
                    Log.BackgroundFailed(logger, problem, "keep observations");
                }

                failing = true;
            }
        }
    }

    private async Task SaveAsync(CancellationToken cancellation)
    {
        var unsaved = directory.TakeUnsaved();
        var beats = store.IsShared && _others.BeatIsDue();
        if (unsaved.Count == 0 && !beats)
        {
            return;
        }

        try
        {
            await ledger.WriteAsync<bool>(Ledger.System, async (edit, token) =>
            {
                if (unsaved.Count > 0)
                {
                    await WriteAsync(edit, [.. unsaved.Where(edit.Before.Entries.ContainsKey)], token).ConfigureAwait(false);
                }

                if (beats)
                {
                    await edit.Database.Controllers.Where(row => row.Id == self.Id)
                        .ExecuteUpdateAsync(set => set.SetProperty(row => row.LastSeen, edit.Now), token).ConfigureAwait(false);
                }

                return true;
            }, cancellation).ConfigureAwait(false);
        }
        catch
        {
            directory.ReturnUnsaved(unsaved);
            throw;
        }
    }

    private async Task WriteAsync(Edit edit, IReadOnlyList<WorkloadId> workloads, CancellationToken cancellation)
    {
        var ids = workloads.Select(id => id.Value).ToHashSet();
        var rows = await edit.Database.Observations.Where(row => ids.Contains(row.WorkloadId)).ToDictionaryAsync(row => row.WorkloadId, cancellation).ConfigureAwait(false);
        var stamp = await edit.NextAsync(Counters.Observation, 1, cancellation).ConfigureAwait(false);
        foreach (var id in workloads)
        {
            if (!rows.TryGetValue(id.Value, out var row))
            {
                edit.Database.Observations.Add(row = new() { WorkloadId = id.Value });
            }

            row.Stamp = stamp;
            if (directory.Session(id) is { } session)
            {
                if (row.Controller.Length > 0 && row.Controller != _self && row.Remote != session.Remote.ToString())
                {
                    // Both connected before either controller knew of the other's: the one that was written first stays.
                    directory.Flag(id, Diagnostic.Error("clone", "identity", $"A second live host at {session.Remote} has this workload's identity and was cut off; the first is at {row.Remote}."));
                    session.End();
                    continue;
                }

                (row.Controller, row.Remote) = (_self, session.Remote.ToString());
            }
            else if (row.Controller == _self)
            {
                row.Controller = "";
            }

            if (directory.Observation(id) is { } observation && observation.LastSeen >= row.LastSeen)
            {
                row.LastSeen = observation.LastSeen;
                row.Report = Google.Protobuf.MessageExtensions.ToByteArray(observation.Report);
            }
        }
    }

    /// <summary>Takes over what others have written, own rows included: they say that an agent is not elsewhere.</summary>
    private async Task FollowAsync(CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var rows = await database.Observations.AsNoTracking().Where(row => row.Stamp > _followed).ToListAsync(cancellation).ConfigureAwait(false);
        foreach (var row in rows)
        {
            _followed = Math.Max(_followed, row.Stamp);
            var elsewhere = row.Controller.Length == 0 || row.Controller == _self ? null : new AgentElsewhere(Guid.Parse(row.Controller), IPAddress.Parse(row.Remote));
            directory.Follow(new(row.WorkloadId), row.Report.Length == 0 ? null : new(row.LastSeen, StateReport.Parser.ParseFrom(row.Report)), elsewhere);
        }

        var controllers = await database.Controllers.AsNoTracking().ToListAsync(cancellation).ConfigureAwait(false);
        directory.Follow(controllers.Count(row => row.Id != self.Id), _others.Gone(controllers));

        if (rows.Any(row => row.Controller != _self))
        {
            feed.Publish(LiveKinds.Workloads | LiveKinds.Rollout);
        }
    }
}
