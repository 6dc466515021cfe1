using Bulkhead.Policy.Addresses;

namespace Bulkhead.Policy.Symbolic;

/// <summary>Picks the plainest connection of a region: few labels, values in use, short ones first, low ports, no user groups without need.</summary>
internal sealed class PointChooser(Alphabet alphabet)
{
    private static readonly (UInt128 Consumer, UInt128 Provider)[] Unasked =
    [
        (AddressCodes.Of(IpAddress.Parse("192.0.2.1")), AddressCodes.Of(IpAddress.Parse("192.0.2.2"))),
        (AddressCodes.Of(IpAddress.Parse("2001:db8::1")), AddressCodes.Of(IpAddress.Parse("2001:db8::2"))),
    ];

    /// <summary>One connection of a region.</summary>
    public Point Choose(Region region)
    {
        // Made first, so that they have numbers below the count.
        alphabet.Fresh(1);
        var values = new int[Dimension.Count(alphabet.Keys.Count)];
        foreach (var side in Enum.GetValues<Side>())
        {
            values[Dimension.Kind(side)] = region[Dimension.Kind(side)].Contains(Dimension.Workload) ? Dimension.Workload : Dimension.Unmanaged;
            values[Dimension.Path(side)] = Best(region[Dimension.Path(side)], []).First();
            values[Dimension.Unit(side)] = Best(region[Dimension.Unit(side)], []).First();
        }

        for (var key = 0; key < alphabet.Keys.Count; key++)
        {
            var (consumer, provider) = (Dimension.Label(Side.Consumer, key), Dimension.Label(Side.Provider, key));
            (values[consumer], values[provider]) = Pair(region, key, region[consumer], region[provider]);
        }

        var (from, to) = Addresses(region);
        return new(values, PortCodes.Smallest(region.Ports), from, to, Groups(region.Users));
    }

    /// <summary>The values of a set that are worth trying, the best first: absence, what is in use for the key, what nothing mentions.</summary>
    public IEnumerable<int> Best(ValueSet set, IReadOnlyCollection<int> inUse)
    {
        if (set.Contains(Alphabet.Absent))
        {
            yield return Alphabet.Absent;
        }

        var known = set.IsComplement ? inUse.Where(set.Contains) : set.Ids;
        foreach (var id in known.Where(id => id != Alphabet.Absent).OrderBy(id => alphabet.Text(id)!.Length).ThenBy(alphabet.Text, StringComparer.Ordinal))
        {
            yield return id;
        }

        if (set.IsComplement)
        {
            yield return alphabet.Fresh(0);
            yield return alphabet.Fresh(1);
        }
    }

    private (int Consumer, int Provider) Pair(Region region, int key, ValueSet consumer, ValueSet provider)
    {
        var first = Best(consumer, alphabet.InUse(key)).First();
        var relations = Array.FindAll(region.Relations, r => r.Key == key);
        if (relations.Length == 0)
        {
            return (first, Best(provider, alphabet.InUse(key)).First());
        }

        if (relations[0].Equal)
        {
            return (first, first);
        }

        var others = Best(provider, alphabet.InUse(key)).Where(id => id != first);
        return others.Any() ? (first, others.First()) : (Best(consumer, alphabet.InUse(key)).First(id => id != first), first);
    }

    private static (UInt128 From, UInt128 To) Addresses(Region region)
    {
        var v4 = region.From.And(AddressCodes.V4) is { IsEmpty: false } a && region.To.And(AddressCodes.V4) is { IsEmpty: false } b
            && !(a.Single is { } only && b.Single == only);
        var family = v4 ? AddressCodes.V4 : AddressCodes.V6;
        var (from, to) = (region.From.And(family), region.To.And(family));
        var (consumer, provider) = Unasked[v4 ? 0 : 1];
        if (to.Single is { } fixedTo)
        {
            return (Pick(from, consumer, fixedTo), fixedTo);
        }

        var chosen = Pick(from, consumer, null);
        return (chosen, Pick(to, provider, chosen));
    }

    /// <summary>The preferred address if it may be had, else the first that is not taken, the first of a range only if there is no second.</summary>
    private static UInt128 Pick(Intervals<UInt128> set, UInt128 preferred, UInt128? taken)
    {
        if (set.Contains(preferred) && preferred != taken)
        {
            return preferred;
        }

        foreach (var (first, last) in set.Ranges)
        {
            for (var offset = UInt128.One; offset <= 2 && last - first >= offset; offset++)
            {
                if (first + offset != taken)
                {
                    return first + offset;
                }
            }

            if (first != taken)
            {
                return first;
            }
        }

        throw new InvalidOperationException("A region's ends can have different addresses.");
    }

    /// <summary>A group for each clause that no other group meets yet.</summary>
    private int[] Groups(UserSet users)
    {
        var chosen = new List<int>();
        foreach (var clause in users.Clauses)
        {
            if (!clause.Any(chosen.Contains))
            {
                chosen.Add(clause.Where(g => !users.NoneOf.Contains(g)).OrderBy(g => alphabet.Text(g)!.Length).ThenBy(alphabet.Text, StringComparer.Ordinal).First());
            }
        }

        return [.. chosen.Order()];
    }
}
