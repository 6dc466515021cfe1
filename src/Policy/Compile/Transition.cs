using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Compile;

/// <summary>What a host enforces at one moment: a policy, and while a revision lands perhaps another that must allow too.</summary>
/// <param name="Policy">Must allow.</param>
/// <param name="Also">Must allow as well; null if there is no other.</param>
public sealed record HostPhase(HostPolicy Policy, HostPolicy? Also = null);

/// <summary>How one host goes from a revision to the next: first to what both allow, then to the next.</summary>
/// <param name="Host">The host.</param>
/// <param name="First">Old and new in conjunction: the new policy if that only tightens, the old one if it only opens, else both.</param>
/// <param name="Then">The new policy, once the hosts that it waits for have reached their first phase.</param>
/// <param name="Tightens">Whether anything that passed here may not pass any more.</param>
/// <param name="Opens">Whether anything that did not pass here may.</param>
/// <param name="OpenedSets">The peer sets towards which it opens; sorted.</param>
public sealed record HostTransition(WorkloadId Host, HostPhase First, HostPolicy Then, bool Tightens, bool Opens, EquatableArray<string> OpenedSets);

/// <summary>
/// Lands a revision or a relabelling on many hosts, so that no connection passes at any moment that neither the old nor the new policy
/// allows. The argument: hosts are in {old, old∧new} or, after all have left old, in {old∧new, new}; of two ends in such a pair of phases
/// both have been asked by the old policy, or both by the new one. A host that opens nothing has no second phase to wait with.
/// </summary>
public sealed class Transition
{
    private readonly CompiledPolicy _after;
    private readonly Dictionary<WorkloadId, HostTransition> _hosts;
    private readonly Lazy<List<Workload>> _tightening;

    private Transition(CompiledPolicy after, Dictionary<WorkloadId, HostTransition> hosts)
    {
        (_after, _hosts) = (after, hosts);
        _tightening = new(() => [.. hosts.Values.Where(host => host.Tightens).Select(host => after.Workloads.Find(host.Host)!).OrderBy(workload => workload.Id)]);
    }

    /// <summary>The hosts whose policy differs, by id.</summary>
    public IReadOnlyDictionary<WorkloadId, HostTransition> Hosts => _hosts;

    /// <summary>Plans the way from one version to the next. A host that had no policy before only tightens.</summary>
    public static Transition Of(CompiledPolicy before, PolicyStep step)
    {
        var hosts = new Dictionary<WorkloadId, HostTransition>();
        foreach (var id in step.Delta.Hosts)
        {
            var now = step.After.Hosts[id];
            if (!before.Hosts.TryGetValue(id, out var old))
            {
                hosts.Add(id, new(id, new(now), now, Tightens: true, Opens: false, []));
            }
            else if (step.Delta.For(id) is { } delta)
            {
                hosts.Add(id, Plan(id, old, now, delta));
            }
        }

        return new(step.After, hosts);
    }

    /// <summary>The tightening hosts at the other end of what a host opens: they must have reached their first phase before it goes on.</summary>
    public IEnumerable<WorkloadId> WaitsFor(WorkloadId host)
    {
        if (!_hosts.TryGetValue(host, out var transition) || !transition.Opens)
        {
            yield break;
        }

        var space = _after.Workloads.Find(host)!.Space;
        var peers = transition.Then.PeerSets.Where(set => transition.OpenedSets.Contains(set.Name)).Select(set => new Evaluate.PeerMembership(set.Members)).ToList();
        foreach (var workload in _tightening.Value)
        {
            if (workload.Id != host && workload.Addresses.Any(address => address.Space == space && peers.Any(set => set.Contains(address.Address))))
            {
                yield return workload.Id;
            }
        }
    }

    private static HostTransition Plan(WorkloadId id, HostPolicy old, HostPolicy now, HostDelta delta)
    {
        var namedBy = old.Entries.Concat(now.Entries).Distinct().ToLookup(entry => entry.Peers, StringComparer.Ordinal);
        var gained = delta.AddedEntries.Concat(delta.ChangedSets.Where(set => set.Added.Count > 0).SelectMany(set => namedBy[set.Name])).ToList();
        var lost = delta.RemovedEntries.Concat(delta.ChangedSets.Where(set => set.Removed.Count > 0).SelectMany(set => namedBy[set.Name])).ToList();
        var opening = gained.Where(Allows).Concat(lost.Where(entry => !Allows(entry))).Select(entry => entry.Peers);
        if (delta.Header is not null && !OnlyTightens(old, now))
        {
            opening = now.PeerSets.Select(set => set.Name);
        }

        var opened = opening.Distinct().Order(StringComparer.Ordinal).ToEquatableArray();
        var opens = opened.Count > 0 || (delta.Header is not null && !OnlyTightens(old, now));
        var tightens = delta.Header is not null || lost.Any(Allows) || gained.Any(entry => !Allows(entry));
        return new(id, !opens ? new(now) : !tightens ? new(old) : new(now, old), now, tightens, opens, opened);
    }

    private static bool Allows(HostEntry entry) => entry.Action == RuleAction.Allow;

    /// <summary>Whether all that differs in the headers is stricter modes or a quarantine.</summary>
    private static bool OnlyTightens(HostPolicy old, HostPolicy now) =>
        now.Modes.Inbound >= old.Modes.Inbound && now.Modes.Outbound >= old.Modes.Outbound && (now.Quarantined || !old.Quarantined)
        && old.QuarantinedPeers.All(now.QuarantinedPeers.Contains)
        && old.Responders == now.Responders && old.Controllers == now.Controllers && old.FailSafe == now.FailSafe;
}
