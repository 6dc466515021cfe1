using System.Collections.Immutable;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Compile;

/// <summary>A ruleset and the entries of its rules.</summary>
/// <param name="Source">What was compiled.</param>
/// <param name="Scopes">The workloads of each scope.</param>
/// <param name="Rules">Those of its rules that apply, by id.</param>
/// <param name="Expiries">When rules of it, applying or not, expire.</param>
internal sealed record CompiledRuleset(Ruleset Source, ImmutableArray<Group> Scopes, ImmutableDictionary<RuleId, CompiledRule> Rules, ImmutableArray<DateTimeOffset> Expiries);

/// <summary>A rule that applies, and its entries.</summary>
/// <param name="Source">What was compiled.</param>
/// <param name="Entries">Those that depend on no compartment.</param>
/// <param name="Compartmented">What has entries in each compartment.</param>
/// <param name="Ends">The ends that choose workloads.</param>
internal sealed record CompiledRule(Rule Source, ImmutableArray<Entry> Entries, ImmutableArray<Compartmented> Compartmented, ImmutableArray<LabelledEnd> Ends);

/// <summary>A network that rules name, and the entries of which it is the other end.</summary>
internal sealed record NetworkState(Network Network, ImmutableArray<Entry> Peered)
{
    private readonly Lazy<PeerSet> _set = new(() => new(PeerSetName.OfNetwork(Network.Name), PeerSetDigest.Of(Network.Prefixes), Network.Prefixes));

    /// <summary>Its addresses.</summary>
    public PeerSet Set => _set.Value;
}

/// <summary>All that a version of a compiled policy holds; immutable, and mostly shared with the version before it.</summary>
internal sealed record PolicyState
{
    /// <summary>Which groups choose which label sets.</summary>
    public required Lattice Lattice { get; init; }

    /// <summary>What was compiled.</summary>
    public required PolicyModel Policy { get; init; }

    /// <summary>For whom.</summary>
    public required WorkloadIndex Workloads { get; init; }

    /// <summary>With what.</summary>
    public required CompileSettings Settings { get; init; }

    /// <summary>By the number of their label set; null where nobody is.</summary>
    public PagedList<Population> Populations { get; init; } = PagedList<Population>.Empty;

    /// <summary>By the number of the group; null where no rule names it.</summary>
    public PagedList<GroupState> Groups { get; init; } = PagedList<GroupState>.Empty;

    /// <summary>By the number of the label set: the entries of its hosts, once asked for.</summary>
    public PagedList<HeldEntries> Held { get; init; } = PagedList<HeldEntries>.Empty;

    /// <summary>When the next rule expires, or null.</summary>
    public DateTimeOffset? NextExpiry { get; init; }

    /// <summary>By name; those that rules name.</summary>
    public ImmutableDictionary<string, NetworkState> Networks { get; init; } = ImmutableDictionary.Create<string, NetworkState>(StringComparer.Ordinal);

    /// <summary>By name.</summary>
    public LayeredMap<string, CompiledRuleset> Rulesets { get; init; } = new(new Dictionary<string, CompiledRuleset>(StringComparer.Ordinal));

    /// <summary>The workloads in quarantine.</summary>
    public ImmutableDictionary<WorkloadId, Workload> Quarantined { get; init; } = ImmutableDictionary<WorkloadId, Workload>.Empty;

    /// <summary>The groups of which a peer set holds only the members that enforce something.</summary>
    public ImmutableHashSet<int> Enforcing { get; init; } = [];

    /// <summary>The population of a label set that is inhabited, or null.</summary>
    public Population? Inhabited(int labelSet) => Populations[labelSet] is { Kins.IsEmpty: false } population ? population : null;

    /// <summary>The addresses that are cut off: one in quarantine holds it, connects from it, or is all that it leads to.</summary>
    public IEnumerable<ScopedAddress> QuarantinedAddresses =>
        Quarantined.Values.SelectMany(w => w.Addresses.Concat(w.Sources).Concat(w.Published.Select(p => p.Address))).Distinct().Where(IsCutOff);

    private bool IsCutOff(ScopedAddress address) =>
        Workloads.Translations.ComingFrom(address).Any(w => w.Quarantined) || Workloads.Translations.VisibleAt(address).All(w => w.Quarantined);

    /// <summary>The addresses that are cut off in a space; sorted.</summary>
    public EquatableArray<IpPrefix> QuarantinedIn(AddressSpace space) => Quarantined.IsEmpty ? [] :
        QuarantinedAddresses.Where(a => a.Space == space).Select(a => IpPrefix.Host(a.Address)).Order().ToEquatableArray();

    /// <summary>The entries of label sets that are in the same groups.</summary>
    public EntrySharing Sharing { get; } = new();

    /// <summary>The entries that hosts of a label set hold, as far as they can decide them.</summary>
    public SharedEntries EntriesOf(int labelSet) => Held[labelSet]?.In(this, labelSet) ?? SharedEntries.None;
}
