namespace Bulkhead.Policy.Symbolic;

/// <summary>The values that a dimension may have.</summary>
internal readonly record struct Constraint(int Dimension, ValueSet Set);

/// <summary>Whether both ends have the same value of a label key, where absence counts as a value.</summary>
internal readonly record struct Relation(int Key, bool Equal);

/// <summary>
/// A set of possible connections between two ends that need not exist: a product of conditions, each on one thing. Never empty: what would be
/// empty is null instead. Both ends have different addresses of one family.
/// </summary>
internal sealed class Region
{
    private Region(Constraint[] values, Relation[] relations, Intervals<int> ports, Intervals<UInt128> from, Intervals<UInt128> to, UserSet users) =>
        (Values, Relations, Ports, From, To, Users) = (values, relations, ports, from, to, users);

    /// <summary>Every connection.</summary>
    public static Region All { get; } = new([], [], PortCodes.All, AddressCodes.All, AddressCodes.All, UserSet.All);

    /// <summary>By dimension; those that may have any value are left out.</summary>
    public Constraint[] Values { get; }

    /// <summary>By key; a key may stand once.</summary>
    public Relation[] Relations { get; }

    /// <summary>Ports, as <see cref="PortCodes"/>.</summary>
    public Intervals<int> Ports { get; }

    /// <summary>The consumer's addresses, as <see cref="AddressCodes"/>.</summary>
    public Intervals<UInt128> From { get; }

    /// <summary>The provider's addresses.</summary>
    public Intervals<UInt128> To { get; }

    /// <summary>The connecting user.</summary>
    public UserSet Users { get; }

    /// <summary>The values that a dimension may have.</summary>
    public ValueSet this[int dimension]
    {
        get
        {
            foreach (var (at, set) in Values)
            {
                if (at == dimension)
                {
                    return set;
                }
            }

            return ValueSet.All;
        }
    }

    /// <summary>The connections where one dimension has one of some values.</summary>
    public static Region Of(int dimension, ValueSet set) => new(set.IsAll ? [] : [new(dimension, set)], [], All.Ports, All.From, All.To, All.Users);

    /// <summary>The connections to some ports that meet constraints in any order, of which some may be on one dimension; null if there are none.</summary>
    public static Region? Of(List<Constraint> constraints, Intervals<int> ports)
    {
        var values = constraints.ToArray();
        Array.Sort(values, static (a, b) => a.Dimension.CompareTo(b.Dimension));
        var kept = 0;
        foreach (var (dimension, set) in values)
        {
            var same = kept > 0 && values[kept - 1].Dimension == dimension;
            var both = same ? values[kept - 1].Set.And(set) : set;
            if (both.IsEmpty)
            {
                return null;
            }

            if (!both.IsAll)
            {
                values[same ? kept - 1 : kept++] = new(dimension, both);
            }
        }

        return ports.IsEmpty ? null : new(kept == values.Length ? values : values[..kept], [], ports, All.From, All.To, All.Users);
    }

    /// <summary>The connections whose ends agree, or don't, on a label key.</summary>
    public static Region Of(Relation relation) => new([], [relation], All.Ports, All.From, All.To, All.Users);

    /// <summary>The connections to some ports.</summary>
    public static Region Of(Intervals<int> ports) => new([], [], ports, All.From, All.To, All.Users);

    /// <summary>The connections that one end makes with one of some addresses.</summary>
    public static Region Of(Side side, Intervals<UInt128> addresses) =>
        side == Side.Consumer ? new([], [], All.Ports, addresses, All.To, All.Users) : new([], [], All.Ports, All.From, addresses, All.Users);

    /// <summary>The connections of some users.</summary>
    public static Region Of(UserSet users) => new([], [], All.Ports, All.From, All.To, users);

    /// <summary>The addresses that one end may have.</summary>
    public Intervals<UInt128> Addresses(Side side) => side == Side.Consumer ? From : To;

    /// <summary>What it asks of one end's labels, said of the consumer.</summary>
    public Region LabelsOf(Side side) => Labels(side, Side.Consumer);

    /// <summary>What it asks of the consumer's labels, said of an end.</summary>
    public Region ConsumersAs(Side side) => Labels(Side.Consumer, side);

    /// <summary>Whether it asks anything of an address.</summary>
    public bool BindsAddresses => !ReferenceEquals(From, AddressCodes.All) || !ReferenceEquals(To, AddressCodes.All);

    /// <summary>The same connections, whatever one end's address.</summary>
    public Region WithAnyAddress(Side side) =>
        new(Values, Relations, Ports, side == Side.Consumer ? All.From : From, side == Side.Provider ? All.To : To, Users);

    /// <summary>All connections, of whatever process and user and to whatever port, between two ends between which one of it is; or from the provider to the consumer of one.</summary>
    public Region BetweenSameEnds(bool swapped)
    {
        var ends = Values.Where(value => Dimension.IsOfEnd(value.Dimension));
        return swapped
            ? new([.. ends.Select(value => value with { Dimension = Dimension.Opposite(value.Dimension) }).OrderBy(value => value.Dimension)], Relations, All.Ports, To, From, All.Users)
            : new([.. ends], Relations, All.Ports, From, To, All.Users);
    }

    /// <summary>The connections in both; null if there are none.</summary>
    public Region? And(Region other)
    {
        if (!Overlap(Values, other.Values))
        {
            return null;
        }

        var ports = Both(Ports, other.Ports, All.Ports);
        var from = Both(From, other.From, All.From);
        var to = Both(To, other.To, All.To);
        if (ports.IsEmpty || !CanMeet(from, to))
        {
            return null;
        }

        var users = Users.And(other.Users);
        if (!ReferenceEquals(users, Users) && !ReferenceEquals(users, other.Users) && users.IsEmpty)
        {
            return null;
        }

        var values = Merge(Values, other.Values);
        if (Relations.Length == 0 && other.Relations.Length == 0)
        {
            return new(values, [], ports, from, to, users);
        }

        var relations = Merge(Relations, other.Relations);
        return relations is not null && Settle(ref values, ref relations) ? new(values, relations, ports, from, to, users) : null;
    }

    /// <summary>Whether some connection is in both.</summary>
    public bool Overlaps(Region other)
    {
        if (!Overlap(Values, other.Values) || !Ports.Overlaps(other.Ports))
        {
            return false;
        }

        var simple = Relations.Length == 0 && other.Relations.Length == 0 && (Users.IsAll || other.Users.IsAll)
            && ReferenceEquals(From, All.From) && ReferenceEquals(To, All.To)
            && ReferenceEquals(other.From, All.From) && ReferenceEquals(other.To, All.To);
        return simple || And(other) is not null;
    }

    /// <summary>The connections in it that are not in the other, as disjoint regions.</summary>
    public IEnumerable<Region> Except(Region other)
    {
        var rest = this;
        foreach (var (inside, outside) in other.Facets())
        {
            if (rest.And(outside) is { } piece)
            {
                yield return piece;
            }

            if (rest.And(inside) is not { } smaller)
            {
                yield break;
            }

            rest = smaller;
        }
    }

    /// <summary>Whether every connection in the other is in it.</summary>
    public bool Contains(Region other) => !other.Except(this).Any();

    private Region Labels(Side of, Side to) =>
        new([.. Values.Where(v => Dimension.SideOf(v.Dimension) == of && Dimension.KeyOf(v.Dimension) is not null)
            .Select(v => v with { Dimension = Dimension.Label(to, Dimension.KeyOf(v.Dimension)!.Value) })], [], All.Ports, All.From, All.To, All.Users);

    /// <summary>Its conditions one by one, each with its opposite.</summary>
    private IEnumerable<(Region Inside, Region Outside)> Facets()
    {
        foreach (var (dimension, set) in Values)
        {
            yield return (Of(dimension, set), Of(dimension, set.Not()));
        }

        foreach (var relation in Relations)
        {
            yield return (Of(relation), Of(relation with { Equal = !relation.Equal }));
        }

        if (!ReferenceEquals(Ports, All.Ports))
        {
            yield return (Of(Ports), Of(All.Ports.Except(Ports)));
        }

        foreach (var side in Enum.GetValues<Side>())
        {
            if (!ReferenceEquals(Addresses(side), AddressCodes.All))
            {
                yield return (Of(side, Addresses(side)), Of(side, AddressCodes.All.Except(Addresses(side))));
            }
        }

        foreach (var (inside, outside) in Users.Facets())
        {
            yield return (Of(inside), Of(outside));
        }
    }

    private static Intervals<T> Both<T>(Intervals<T> a, Intervals<T> b, Intervals<T> all)
        where T : struct, System.Numerics.IBinaryInteger<T> =>
        ReferenceEquals(a, all) ? b : ReferenceEquals(b, all) || ReferenceEquals(a, b) ? a : a.And(b);

    /// <summary>Whether two ends can have addresses of one family, and not the same one.</summary>
    private static bool CanMeet(Intervals<UInt128> from, Intervals<UInt128> to)
    {
        if (ReferenceEquals(from, All.From))
        {
            return !to.IsEmpty;
        }

        if (ReferenceEquals(to, All.To))
        {
            return !from.IsEmpty;
        }

        return Meet(AddressCodes.V4) || Meet(AddressCodes.V6);

        bool Meet(Intervals<UInt128> family)
        {
            var (a, b) = (from.And(family), to.And(family));
            return !a.IsEmpty && !b.IsEmpty && !(a.Single is { } only && b.Single == only);
        }
    }

    private static bool Overlap(Constraint[] a, Constraint[] b)
    {
        for (var (i, j) = (0, 0); i < a.Length && j < b.Length;)
        {
            if (a[i].Dimension == b[j].Dimension)
            {
                if (!a[i++].Set.Overlaps(b[j++].Set))
                {
                    return false;
                }
            }
            else
            {
                (i, j) = a[i].Dimension < b[j].Dimension ? (i + 1, j) : (i, j + 1);
            }
        }

        return true;
    }

    private static Constraint[] Merge(Constraint[] a, Constraint[] b)
    {
        if (a.Length == 0 || b.Length == 0)
        {
            return a.Length == 0 ? b : a;
        }

        var merged = new Constraint[a.Length + b.Length];
        var (i, j, count) = (0, 0, 0);
        while (i < a.Length && j < b.Length)
        {
            merged[count++] = a[i].Dimension == b[j].Dimension ? new(a[i].Dimension, a[i++].Set.And(b[j++].Set))
                : a[i].Dimension < b[j].Dimension ? a[i++] : b[j++];
        }

        a.AsSpan(i).CopyTo(merged.AsSpan(count));
        b.AsSpan(j).CopyTo(merged.AsSpan(count + a.Length - i));
        count += a.Length - i + b.Length - j;
        return count == merged.Length ? merged : merged[..count];
    }

    private static Relation[]? Merge(Relation[] a, Relation[] b)
    {
        if (a.Length == 0 || b.Length == 0)
        {
            return a.Length == 0 ? b : a;
        }

        Relation[] merged = [.. a.Union(b).OrderBy(r => r.Key)];
        for (var i = 1; i < merged.Length; i++)
        {
            if (merged[i].Key == merged[i - 1].Key)
            {
                return null;
            }
        }

        return merged;
    }

    /// <summary>Works relations into the values of both ends; false if one cannot hold. What values alone decide is dropped.</summary>
    private static bool Settle(ref Constraint[] values, ref Relation[] relations)
    {
        var sets = new SortedDictionary<int, ValueSet>(values.ToDictionary(c => c.Dimension, c => c.Set));
        var kept = new List<Relation>();
        foreach (var relation in relations)
        {
            var (c, p) = (Dimension.Label(Side.Consumer, relation.Key), Dimension.Label(Side.Provider, relation.Key));
            var (consumer, provider) = (sets.GetValueOrDefault(c, ValueSet.All), sets.GetValueOrDefault(p, ValueSet.All));
            if (relation.Equal)
            {
                consumer = provider = consumer.And(provider);
            }
            else if (consumer.Single is { } own)
            {
                provider = provider.And(ValueSet.Of(own).Not());
            }
            else if (provider.Single is { } other)
            {
                consumer = consumer.And(ValueSet.Of(other).Not());
            }

            if (consumer.IsEmpty || provider.IsEmpty)
            {
                return false;
            }

            (sets[c], sets[p]) = (consumer, provider);
            if (relation.Equal ? consumer.Single is null : consumer.Single is null && provider.Single is null && consumer.Overlaps(provider))
            {
                kept.Add(relation);
            }
        }

        values = [.. sets.Where(pair => !pair.Value.IsAll).Select(pair => new Constraint(pair.Key, pair.Value))];
        relations = [.. kept];
        return true;
    }
}
