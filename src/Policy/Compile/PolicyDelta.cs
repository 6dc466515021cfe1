using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Policy.Compile;

/// <summary>A version of a compiled policy and how it differs from the one before it.</summary>
/// <param name="After">The version.</param>
/// <param name="Delta">What hosts must be told.</param>
public sealed record PolicyStep(CompiledPolicy After, PolicyDelta Delta);

/// <summary>
/// What hosts must be told for one version of a policy to become the next. Each host takes its <see cref="HostDelta"/> in one transaction,
/// so it is never in a state between the two.
/// </summary>
public sealed class PolicyDelta
{
    private readonly PolicyState _before;
    private readonly PolicyState _after;
    private readonly IReadOnlyList<SubscribedChange> _sets;
    private readonly int[] _remoded;
    private readonly int[] _groups;
    private readonly bool _everyone;
    private readonly Lazy<IReadOnlyList<WorkloadId>> _hosts;
    private readonly Lazy<Dictionary<string, PeerSetChange>> _setsByName;

    internal PolicyDelta(
        PolicyState before, PolicyState after, IReadOnlyList<SubscribedChange> sets, IReadOnlyList<WorkloadId> moved, IReadOnlyList<WorkloadId> removed, int[] remoded, int[] groups, bool everyone = false)
    {
        (_before, _after, _sets, Moved, Removed, _remoded, _groups) = (before, after, sets, moved, removed, remoded, groups);
        _everyone = everyone || before.Settings.Generation.Epoch != after.Settings.Generation.Epoch || before.Settings.Controllers != after.Settings.Controllers || before.Policy.FailSafe != after.Policy.FailSafe
            || before.Policy.Responders != after.Policy.Responders || !SameQuarantine();
        _hosts = new(FindHosts);
        _setsByName = new(() => _sets.ToDictionary(set => set.Change.Name, set => set.Change, StringComparer.Ordinal));
    }

    /// <summary>The delta to a version that was compiled from scratch: any host may differ, and sets are compared when a host is asked for.</summary>
    internal static PolicyDelta Whole(PolicyState before, PolicyState after) => new(
        before,
        after,
        [],
        [.. after.Workloads.TouchedSince(before.Workloads).Where(id => after.Workloads.Find(id) is not null)],
        [.. after.Workloads.TouchedSince(before.Workloads).Where(id => after.Workloads.Find(id) is null)],
        [],
        [],
        everyone: true);

    /// <summary>Workloads that are new, or that changed in labels or in what else compiling looks at; in no order.</summary>
    public IReadOnlyList<WorkloadId> Moved { get; }

    /// <summary>Workloads that are gone; in no order.</summary>
    public IReadOnlyList<WorkloadId> Removed { get; }

    /// <summary>The peer sets that gain or lose members, by name; each of their subscribers is told just that.</summary>
    public IEnumerable<PeerSetChange> PeerSets => _sets.Select(set => set.Change);

    /// <summary>The managed workloads whose host policy may differ, in id order.</summary>
    public IReadOnlyList<WorkloadId> Hosts => _hosts.Value;

    /// <summary>Whether nothing changes for anybody.</summary>
    public bool IsEmpty => !_everyone && _sets.Count == 0 && Moved.Count == 0 && Removed.Count == 0 && _remoded.Length == 0 && _groups.Length == 0;

    /// <summary>Whether it leads on from a version.</summary>
    public bool IsFrom(CompiledPolicy before) => ReferenceEquals(before.State, _before);

    /// <summary>What a host must be told, or null if nothing, or if it is to take a whole policy because it had none.</summary>
    public HostDelta? For(WorkloadId host) =>
        HostPolicies.Find(_before, host) is { } before && HostPolicies.Find(_after, host) is { } after
            ? HostDelta.Between(before, after, _setsByName.Value.GetValueOrDefault) is { IsEmpty: false } delta ? delta : null
            : null;

    private bool SameQuarantine() =>
        (_before.Quarantined.IsEmpty && _after.Quarantined.IsEmpty) || _before.QuarantinedAddresses.ToHashSet().SetEquals(_after.QuarantinedAddresses);

    private List<WorkloadId> FindHosts()
    {
        if (_everyone)
        {
            return [.. _after.Workloads.Workloads.Where(workload => workload.Managed).Select(workload => workload.Id)];
        }

        var subjects = _sets.SelectMany(set => set.Entries.Select(entry => (entry.Subject, entry.LeftOutWithout, set.Space))).ToHashSet();
        subjects.UnionWith(_groups.Select(group => (_after.Lattice.Group(group), Feature.None, (AddressSpace?)null)));
        var hosts = new HashSet<WorkloadId>(Moved.Where(id => _after.Workloads.Find(id)!.Managed));
        var told = new bool[_after.Lattice.LabelSetCount];
        foreach (var labelSet in _remoded)
        {
            told[labelSet] = AddHosts(hosts, labelSet, Feature.None, null);
        }

        foreach (var (subject, needs, space) in subjects)
        {
            foreach (var labelSet in subject.LabelSets.Span)
            {
                if (labelSet < told.Length && !told[labelSet])
                {
                    told[labelSet] = AddHosts(hosts, labelSet, needs, space);
                }
            }
        }

        return [.. hosts.Order()];
    }

    /// <summary>Adds the hosts of a label set that can decide an entry and see a space; whether these are all.</summary>
    private bool AddHosts(HashSet<WorkloadId> hosts, int labelSet, Feature needs, AddressSpace? space)
    {
        var all = true;
        foreach (var kin in _after.Inhabited(labelSet)?.Kins ?? [])
        {
            if (kin.Key.Managed && (kin.Key.Features & needs) == needs && (space is null || space == kin.Key.Space))
            {
                foreach (var workload in kin.Members)
                {
                    hosts.Add(workload.Id);
                }
            }
            else
            {
                all &= !kin.Key.Managed;
            }
        }

        return all;
    }
}
