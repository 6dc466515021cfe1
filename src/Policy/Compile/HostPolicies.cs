using System.Collections;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Policy.Compile;

/// <summary>The host policies of all managed workloads, each made when first asked for; workloads that agree share one. Thread-safe.</summary>
internal sealed class HostPolicies(PolicyState state) : IReadOnlyDictionary<WorkloadId, HostPolicy>
{
    private readonly ConcurrentDictionary<(int LabelSet, KinKey Key), HostPolicy> _made = new();

    public int Count => Managed.Count();

    public IEnumerable<WorkloadId> Keys => Managed.Select(workload => workload.Id);

    public IEnumerable<HostPolicy> Values => Managed.Select(Of);

    private IEnumerable<Workload> Managed => state.Workloads.Workloads.Where(workload => workload.Managed);

    public HostPolicy this[WorkloadId key] => TryGetValue(key, out var policy) ? policy : throw new KeyNotFoundException($"There is no managed workload {key}.");

    public bool ContainsKey(WorkloadId key) => state.Workloads.Find(key) is { Managed: true };

    public bool TryGetValue(WorkloadId key, [MaybeNullWhen(false)] out HostPolicy value)
    {
        value = state.Workloads.Find(key) is { Managed: true } workload ? Of(workload) : null;
        return value is not null;
    }

    public IEnumerator<KeyValuePair<WorkloadId, HostPolicy>> GetEnumerator() => Managed.Select(workload => KeyValuePair.Create(workload.Id, Of(workload))).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>A host policy that is asked for once; null if the workload is not managed.</summary>
    public static HostPolicy? Find(PolicyState state, WorkloadId id) => state.Workloads.Find(id) is { Managed: true } workload
        ? Make(state, state.Lattice.Find(workload.Labels)!.Value, KinKey.Of(workload), workload)
        : null;

    /// <summary>Makes the policy of hosts of a label set; the workload itself matters only in quarantine.</summary>
    public static HostPolicy Make(PolicyState state, int labelSet, KinKey key, Workload workload)
    {
        var entries = new List<HostEntry>();
        var sets = new Dictionary<string, PeerSet>(StringComparer.Ordinal);
        var needs = Feature.None;
        foreach (var said in state.EntriesOf(labelSet).All)
        {
            if (said.IsHeldWith(key.Features))
            {
                var entry = said.For(key.Features);
                var made = entry.ToHostEntry(key.Space);
                entries.Add(made);
                needs |= entry.Uses;
                if (!sets.ContainsKey(made.Peers))
                {
                    sets.Add(made.Peers, SetOf(state, entry.Peer, key.Space, made.Peers));
                }

                foreach (var (translated, set) in state.Workloads.Translations.IsEmpty ? [] : TranslatedEntries.Of(state, entry, key.Space))
                {
                    entries.Add(translated);
                    sets[set.Name] = set;
                }
            }
        }

        var isSorted = key.Space == AddressSpace.Default && state.Workloads.Translations.IsEmpty;
        return Header(state, labelSet, key, workload, needs) with { Entries = (isSorted ? entries : EntryOrder.Sort(entries)).ToEquatableArray(), PeerSets = sets.Values.OrderBy(set => set.Name, StringComparer.Ordinal).ToEquatableArray() };
    }

    /// <summary>A host policy without entries and peer sets.</summary>
    public static HostPolicy Header(PolicyState state, int labelSet, KinKey key, Workload workload, Feature needs)
    {
        var quarantined = state.QuarantinedIn(key.Space);
        if (key.Quarantined)
        {
            var own = workload.Addresses.Select(address => IpPrefix.Host(address.Address)).ToHashSet();
            quarantined = quarantined.Where(prefix => !own.Contains(prefix)).ToEquatableArray();
        }

        return Common(state) with
        {
            RequiredFeatures = FeatureMask.Names(needs).Prepend(Features.Base).ToEquatableArray(),
            Modes = key.ModesWith(state.Populations[labelSet]!.Assigned),
            Quarantined = key.Quarantined,
            QuarantinedPeers = quarantined,
        };
    }

    /// <summary>What the policies of all hosts have in common.</summary>
    public static HostPolicy Common(PolicyState state) => new()
    {
        Generation = state.Settings.Generation,
        Modes = default,
        Responders = state.Policy.Responders?.Prefixes ?? [],
        Controllers = state.Settings.Controllers,
        FailSafe = state.Policy.FailSafe.Select(f => new FailSafeEntry(f.Network.Prefixes, f.Ports)).ToEquatableArray(),
    };

    private HostPolicy Of(Workload workload)
    {
        var labelSet = state.Lattice.Find(workload.Labels)!.Value;
        var key = KinKey.Of(workload);
        return key.Quarantined ? Make(state, labelSet, key, workload) : _made.GetOrAdd((labelSet, key), _ => Make(state, labelSet, key, workload));
    }

    private static PeerSet SetOf(PolicyState state, Peer peer, AddressSpace space, string name)
    {
        if (peer.Group is not { } group)
        {
            return state.Networks[peer.Network!].Set;
        }

        var sum = state.Groups[group.Id]!.SumOf(peer.Variant, space);
        return group.SetWith(peer.Variant, sum, () => new(name, sum.Digest, sum.Count, () => Members(state, group, peer.Variant, space)));
    }

    private static EquatableArray<IpPrefix> Members(PolicyState state, Group group, PeerVariant variant, AddressSpace space)
    {
        var members = new List<IpPrefix>();
        foreach (var labelSet in group.LabelSets.Span)
        {
            if (state.Inhabited(labelSet) is { } population)
            {
                foreach (var kin in population.Kins)
                {
                    if (kin.Key.In(variant, population.Assigned))
                    {
                        members.AddRange(kin.Members.SelectMany(state.Workloads.Held)
                            .Where(address => address.Space == space && (variant == PeerVariant.All || !state.Workloads.Translations.IsShared(address)))
                            .Select(address => IpPrefix.Host(address.Address)));
                    }
                }
            }
        }

        members.Sort();
        return members.ToEquatableArray();
    }
}
