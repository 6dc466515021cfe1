using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Policy.Compile;

/// <summary>One requirement of a group, on numbered keys and values.</summary>
/// <param name="Key">The key's number.</param>
/// <param name="Kind">What is asked.</param>
/// <param name="Values">Numbers of values, sorted.</param>
internal readonly record struct CodedRequirement(int Key, RequirementKind Kind, int[] Values)
{
    /// <summary>Whether a label set, as one number a key (0 where it has none), meets it.</summary>
    public bool Matches(int[] labels)
    {
        var value = Key < labels.Length ? labels[Key] : 0;
        return Kind switch
        {
            RequirementKind.OneOf => value != 0 && Contains(value),
            RequirementKind.NotOneOf => value == 0 || !Contains(value),
            _ => value != 0,
        };
    }

    private bool Contains(int value) => Values.Length == 1 ? Values[0] == value : Array.BinarySearch(Values, value) >= 0;
}

/// <summary>The workloads that a selector chooses, as one end of rules; made once for each selector. Its identity never changes.</summary>
internal sealed class Group(int id, Selector selector, CodedRequirement[] requirements)
{
    private string? _name;
    private PeerSet? _set;
    private ConcurrentDictionary<(PeerVariant Variant, AddressSpace Space), (string Name, PeerSet? Set)>? _others;

    /// <summary>Its number in the lattice.</summary>
    public int Id { get; } = id;

    /// <summary>What it is of.</summary>
    public Selector Selector { get; } = selector;

    /// <summary>The label sets that it chooses, living or not, in the order in which they were met.</summary>
    public GrowingList<int> LabelSets { get; } = new();

    /// <summary>The requirements, on numbered keys and values.</summary>
    public CodedRequirement[] Requirements { get; } = requirements;

    /// <summary>Whether it chooses a label set.</summary>
    public bool Matches(int[] labels)
    {
        foreach (var requirement in Requirements)
        {
            if (!requirement.Matches(labels))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The peer set of some size and digest, which is made anew only if the last one asked for differs.</summary>
    public PeerSet SetWith(PeerVariant variant, AddressSum sum, Func<PeerSet> make)
    {
        var usual = IsUsual(variant, sum.Space);
        var set = usual ? _set : Others.GetValueOrDefault((variant, sum.Space)).Set;
        if (set is not null && set.Digest == sum.Digest && set.Count == sum.Count)
        {
            return set;
        }

        set = make();
        if (usual)
        {
            _set = set;
        }
        else
        {
            Others[(variant, sum.Space)] = (set.Name, set);
        }

        return set;
    }

    /// <summary>The name of the peer set of its members in a space.</summary>
    public string NameOf(PeerVariant variant, AddressSpace space) =>
        IsUsual(variant, space) ? _name ??= Name(variant, space) : Others.GetOrAdd((variant, space), static (key, group) => (group.Name(key.Variant, key.Space), null), this).Name;

    /// <summary>The name of the peer set of its members in a view.</summary>
    public string NameOf(PeerVariant variant, View view) => view.Kind switch
    {
        ViewKind.Held => NameOf(variant, view.Space),
        ViewKind.Source => PeerSetName.Of($"sources|{view.Space.Name}|{string.Join('+', FeatureMask.Names(variant.Enforcing))}|{Selector}"),
        _ => PeerSetName.Of($"published|{view.Space.Name}|{view.Ports}|{Selector}"),
    };

    /// <summary>There are very many groups, and nearly all of them are asked for this alone.</summary>
    private static bool IsUsual(PeerVariant variant, AddressSpace space) => variant == PeerVariant.All && space == AddressSpace.Default;

    private ConcurrentDictionary<(PeerVariant Variant, AddressSpace Space), (string Name, PeerSet? Set)> Others =>
        LazyInitializer.EnsureInitialized(ref _others, static () => new());

    private string Name(PeerVariant variant, AddressSpace space) => variant == PeerVariant.All
        ? PeerSetName.Of($"workloads|{space.Name}|{Selector}")
        : PeerSetName.Of($"enforcing|{space.Name}|{string.Join('+', FeatureMask.Names(variant.Enforcing))}|{Selector}");
}

/// <summary>Which members of a group a peer set holds: all, or those only whose own agents enforce conditions on the consumer's socket.</summary>
/// <param name="Enforcing">The features that a member must have, with outbound in full; 0 for all members.</param>
internal readonly record struct PeerVariant(Feature Enforcing)
{
    /// <summary>All members.</summary>
    public static PeerVariant All => default;
}

/// <summary>Names of peer sets: a letter for the kind, and a hash of what the set is of.</summary>
internal static class PeerSetName
{
    /// <summary>The name for an identity such as <c>network|office</c>.</summary>
    public static string Of(string identity) =>
        identity[0] + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)).AsSpan(0, 8));

    /// <summary>The name of a network's set.</summary>
    public static string OfNetwork(string network) => Of($"network|{network}");
}
