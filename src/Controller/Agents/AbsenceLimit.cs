using System.Collections.Concurrent;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy.Inventory;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Agents;

/// <summary>
/// Takes the addresses of a workload whose agent has been silent for <see cref="Limit"/>: by then somebody else may have them. The clock starts anew
/// with the controller, which may have been the one that was away.
/// </summary>
public sealed class AbsenceLimit(AgentDirectory directory, LiveState live, Ledger ledger, TimeProvider time, ILogger<AbsenceLimit> logger) : BackgroundService
{
    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(5);
    private readonly ConcurrentDictionary<WorkloadId, DateTimeOffset> _absentSince = new();

    /// <summary>How long a silent agent's addresses are kept.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromHours(24);

    /// <summary>Looks once who is absent, and releases the addresses of those that have been for too long.</summary>
    public async Task EnforceAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var overdue = new List<WorkloadEntry>();
        foreach (var entry in live.Current.Entries.Values.Where(entry => entry.Agent is not null))
        {
            if (directory.IsConnected(entry.Workload.Id))
            {
                _absentSince.TryRemove(entry.Workload.Id, out _);
            }
            else if (entry.Workload.Addresses.Count > 0 && now - _absentSince.GetOrAdd(entry.Workload.Id, now) >= Limit)
            {
                overdue.Add(entry);
            }
        }

        foreach (var entry in overdue)
        {
            await ledger.WriteAsync<bool>(Ledger.System, async (edit, token) =>
            {
                if (edit.Before.Entries.GetValueOrDefault(entry.Workload.Id) is not { Workload.Addresses.Count: > 0 })
                {
                    // Another controller was first.
                    return Outcomes.Tried(false);
                }

                await edit.Database.Addresses.Where(a => a.WorkloadId == entry.Workload.Id.Value).ExecuteDeleteAsync(token).ConfigureAwait(false);
                edit.Touch(entry.Workload.Id);
                edit.Audit("workload.absent", entry.Workload.Name, $"Its agent was silent for {Limit.TotalHours:0} hours, so its addresses ({string.Join(", ", entry.Workload.Addresses)}) no longer count.");
                return true;
            }, cancellation).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_period, time);
        do
        {
            try
            {
                await EnforceAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (Exception problem) when (problem is DbUpdateException or System.Data.Common.DbException)
            {
                Log.BackgroundFailed(logger, problem, "absence limit");
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }
}
