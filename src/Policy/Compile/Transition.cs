using Bulkhead.Policy.Addresses;
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
/// <param name="OpensTo">Peers to which it opens, sorted; null for any peer, as when a mode loosens or a quarantine ends.</param>
public sealed record HostTransition(WorkloadId Host, HostPhase First, HostPolicy Then, bool Tightens, bool Opens, EquatableArray<IpPrefix>? OpensTo);

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
                hosts.Add(id, new(id, new(now), now, Tightens: true, Opens: false, OpensTo: []));
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

        // A host with addresses in several spaces meets peers of each, and a table matches addresses without their space.
        var opened = transition.OpensTo is { } peers ? new Evaluate.PeerMembership(peers) : null;
        foreach (var workload in _tightening.Value)
        {
            if (workload.Id != host && (opened is null || VisibleAt(workload).Any(address => opened.Contains(address.Address))))
            {
                yield return workload.Id;
            }
        }
    }

    private static IEnumerable<ScopedAddress> VisibleAt(Workload workload) =>
        workload.Addresses.Concat(workload.Sources).Concat(workload.Published.Select(publication => publication.Address));

    private static HostTransition Plan(WorkloadId id, HostPolicy old, HostPolicy now, HostDelta delta)
    {
        var (tightened, opened) = (Differences(old, now, delta, action => action != RuleAction.Allow), Differences(old, now, delta, action => action == RuleAction.Allow));
        var tightens = tightened.Count > 0 || !OnlyTightens(now, old);
        var opensToAll = !OnlyTightens(old, now);
        var opens = opensToAll || opened.Count > 0;
        return new(id, !opens ? new(now) : !tightens ? new(old) : new(now, old), now, tightens, opens, opensToAll ? null : opened.ToEquatableArray());
    }

    /// <summary>The peers for whom entries of some actions are new, and those for whom entries of the other actions are gone.</summary>
    private static SortedSet<IpPrefix> Differences(HostPolicy old, HostPolicy now, HostDelta delta, Func<RuleAction, bool> gain)
    {
        var namedBy = old.Entries.Concat(now.Entries).ToLookup(entry => entry.Peers, entry => entry.Action);
        IEnumerable<IpPrefix> Members(HostPolicy policy, IEnumerable<HostEntry> entries) =>
            entries.Select(entry => entry.Peers).Distinct().SelectMany(name => policy.PeerSets.First(set => set.Name == name).Members);
        return
        [
            .. Members(now, delta.AddedEntries.Where(entry => gain(entry.Action))),
            .. Members(old, delta.RemovedEntries.Where(entry => !gain(entry.Action))),
            .. delta.ChangedSets.Where(set => namedBy[set.Name].Any(gain)).SelectMany(set => set.Added),
            .. delta.ChangedSets.Where(set => namedBy[set.Name].Any(action => !gain(action))).SelectMany(set => set.Removed),
        ];
    }

    /// <summary>Whether all that differs in the headers is stricter modes or a quarantine.</summary>
    private static bool OnlyTightens(HostPolicy old, HostPolicy now) =>
        now.Modes.Inbound >= old.Modes.Inbound && now.Modes.Outbound >= old.Modes.Outbound && (now.Quarantined || !old.Quarantined)
        && old.QuarantinedPeers.All(now.QuarantinedPeers.Contains)
        && old.Responders == now.Responders && old.Controllers == now.Controllers && old.FailSafe == now.FailSafe;
}
