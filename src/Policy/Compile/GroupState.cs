using System.Collections.Immutable;
using System.Text;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Policy.Compile;

/// <summary>What a version of a policy says of a group; immutable.</summary>
internal sealed record GroupState
{
    /// <summary>Nothing.</summary>
    public static GroupState Empty { get; } = new();

    /// <summary>The entries of its members.</summary>
    public ImmutableArray<Entry> Held { get; init; } = [];

    /// <summary>The entries of which it is the other end.</summary>
    public ImmutableArray<Entry> Peered { get; init; } = [];

    /// <summary>The rules that say the same in each compartment of it.</summary>
    public ImmutableArray<Compartmented> Compartmented { get; init; } = [];

    /// <summary>The compartments for which they have entries; one list for each way to split.</summary>
    public ImmutableArray<Compartments> Compartments { get; init; } = [];

    /// <summary>The sizes and digests of the peer sets that entries name.</summary>
    public ImmutableArray<SetSums> Sets { get; init; } = [];

    /// <summary>The size and digest of a peer set.</summary>
    public AddressSum SumOf(PeerVariant variant, AddressSpace space)
    {
        foreach (var set in Sets)
        {
            if (set.Variant == variant)
            {
                foreach (var sum in set.Sums)
                {
                    if (sum.Space == space)
                    {
                        return sum;
                    }
                }
            }
        }

        return new(space, 0, 0);
    }

    /// <summary>The sets of addresses that members of a variant need not hold.</summary>
    public ImmutableArray<ViewSet> ViewsOf(PeerVariant variant)
    {
        foreach (var set in Sets)
        {
            if (set.Variant == variant)
            {
                return set.Views;
            }
        }

        return [];
    }
}

/// <summary>The compartments of a group that is split by the values of some keys.</summary>
/// <param name="Per">The keys.</param>
/// <param name="Known">For each compartment, by its values, the labels of some member.</param>
internal sealed record Compartments(EquatableArray<string> Per, ImmutableDictionary<string, LabelSet> Known)
{
    /// <summary>The values that put a member into its compartment, as one text; values hold no control characters.</summary>
    public static string ValuesOf(EquatableArray<string> per, LabelSet labels)
    {
        if (per.Count == 1)
        {
            return labels[per[0]]!;
        }

        var text = new StringBuilder();
        foreach (var key in per)
        {
            text.Append(labels[key]).Append('\n');
        }

        return text.ToString();
    }
}

/// <summary>The peer sets of one variant of a group.</summary>
/// <param name="Variant">The variant.</param>
/// <param name="Sums">Of the sets of held addresses, one for each space.</param>
/// <param name="Views">The sets of other visible addresses, none of them empty; in the order of their views.</param>
internal readonly record struct SetSums(PeerVariant Variant, ImmutableArray<AddressSum> Sums, ImmutableArray<ViewSet> Views)
{
    /// <summary>The set of a view, or null.</summary>
    public ViewSet? Find(View view)
    {
        foreach (var set in Views)
        {
            if (set.View == view)
            {
                return set;
            }
        }

        return null;
    }

    /// <summary>With members of a view that became visible under addresses, or no longer are.</summary>
    public SetSums With(Group group, View view, IEnumerable<KeyValuePair<IpAddress, int>> moves)
    {
        var known = Find(view);
        var set = (known ?? ViewSet.Empty(view, group.NameOf(Variant, view))).With(moves);
        var others = known is null ? Views : Views.Remove(known);
        return this with { Views = set is null ? others : [.. others.Append(set).OrderBy(other => other.View)] };
    }
}
