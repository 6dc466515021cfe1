using System.Collections.Immutable;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Policies;

/// <summary>How far the newest revision has come: the hosts whose policy it changes, and whether they enforce it.</summary>
public sealed class Rollout(LiveState live, AgentStatus status, AgentDirectory directory)
{
    private volatile Affected _affected = new(0, []);

    private sealed record Affected(long Revision, ImmutableHashSet<WorkloadId> Hosts);

    /// <summary>Works out, after a start, what the newest revision changed, and follows new ones from then on.</summary>
    public async Task StartAsync(Ledger ledger, CancellationToken cancellation)
    {
        var now = live.Current;
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var parent = await database.Revisions.AsNoTracking().Where(r => r.Number == now.Provisioned.Number - 1).Select(r => r.Document).SingleOrDefaultAsync(cancellation).ConfigureAwait(false);
        var model = PolicyParser.Parse(parent is null ? new() : StoredText.Policy(parent), now.LabelKeys).Value ?? Policy.Rules.PolicyModel.Empty;
        _affected = new(now.Provisioned.Number, Changed(PolicyCompiler.Compile(model, now.Workloads, now.Settings), now.Enforced));
        live.Changed += (before, after) =>
        {
            if (before.Provisioned.Number != after.Provisioned.Number)
            {
                _affected = new(after.Provisioned.Number, Changed(before.Enforced, after.Enforced));
            }
        };
    }

    /// <summary>How far a revision has come; null unless it is the newest.</summary>
    public RolloutView? Of(long revision)
    {
        var affected = _affected;
        if (revision == 0 || revision != affected.Revision)
        {
            return null;
        }

        var snapshot = live.Current;
        var hosts = affected.Hosts.Select(id => snapshot.Entries.GetValueOrDefault(id)).OfType<WorkloadEntry>().OrderBy(e => e.Workload.Name, StringComparer.Ordinal).ToList();
        var byState = hosts.ToLookup(entry =>
            status.HasApplied(entry) ? State.Applied
            : !directory.IsConnected(entry.Workload.Id) ? State.Offline
            : status.Reported(entry).Any() ? State.Failed
            : State.Waiting, entry => entry.Workload.Name);
        return new(hosts.Count, byState[State.Applied].Count(), [.. byState[State.Waiting]], [.. byState[State.Offline]], [.. byState[State.Failed]]);
    }

    private enum State
    {
        Applied,
        Waiting,
        Offline,
        Failed,
    }

    private static ImmutableHashSet<WorkloadId> Changed(CompiledPolicy before, CompiledPolicy after) =>
        [.. after.Hosts.Where(pair => !before.Hosts.TryGetValue(pair.Key, out var held) || !held.EnforcesSameAs(pair.Value)).Select(pair => pair.Key)];
}
