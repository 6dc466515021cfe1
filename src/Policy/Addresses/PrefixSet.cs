namespace Bulkhead.Policy.Addresses;

/// <summary>Arithmetic on sets of addresses given as inclusive ranges of one family.</summary>
public static class PrefixSet
{
    /// <summary>The fewest prefixes that cover exactly the addresses from first to last, in order.</summary>
    /// <exception cref="ArgumentException">The two are of different families, or last is before first.</exception>
    public static IEnumerable<IpPrefix> FromRange(IpAddress first, IpAddress last)
    {
        if (first.IsV6 != last.IsV6 || last.CompareTo(first) < 0)
        {
            throw new ArgumentException("A range runs from low to high within one family.", nameof(last));
        }

        return Cover(first, last);
    }

    /// <summary>The addresses of <paramref name="include"/> that are not in <paramref name="exclude"/>, as sorted, disjoint prefixes.</summary>
    public static IEnumerable<IpPrefix> Subtract(IEnumerable<IpPrefix> include, IEnumerable<IpPrefix> exclude)
    {
        var holes = Merge(exclude).ToList();
        foreach (var (first, last) in Merge(include))
        {
            var from = (UInt128?)first.Bits;
            foreach (var hole in holes.Where(h => h.First.IsV6 == first.IsV6 && h.First.CompareTo(last) <= 0 && h.Last.CompareTo(first) >= 0))
            {
                if (hole.First.Bits > from)
                {
                    foreach (var prefix in Cover(Make(first.IsV6, from.Value), Make(first.IsV6, hole.First.Bits - 1)))
                    {
                        yield return prefix;
                    }
                }

                from = hole.Last.Bits >= last.Bits ? null : hole.Last.Bits + 1;
                if (from is null)
                {
                    break;
                }
            }

            if (from is { } rest)
            {
                foreach (var prefix in Cover(Make(first.IsV6, rest), last))
                {
                    yield return prefix;
                }
            }
        }
    }

    /// <summary>Joins prefixes that touch or overlap into sorted inclusive ranges.</summary>
    private static IEnumerable<(IpAddress First, IpAddress Last)> Merge(IEnumerable<IpPrefix> prefixes)
    {
        (IpAddress First, IpAddress Last)? open = null;
        foreach (var prefix in prefixes.Order())
        {
            if (open is { } run)
            {
                var touches = run.First.IsV6 == prefix.Address.IsV6
                    && (run.Last.Bits >= prefix.Address.Bits || prefix.Address.Bits - run.Last.Bits == 1);
                if (touches)
                {
                    open = (run.First, prefix.Last.CompareTo(run.Last) > 0 ? prefix.Last : run.Last);
                    continue;
                }

                yield return run;
            }

            open = (prefix.Address, prefix.Last);
        }

        if (open is { } tail)
        {
            yield return tail;
        }
    }

    private static IEnumerable<IpPrefix> Cover(IpAddress first, IpAddress last)
    {
        var at = first.Bits;
        while (true)
        {
            var align = at == 0 ? first.Width : Math.Min(first.Width, (int)UInt128.TrailingZeroCount(at));
            // The number of addresses left is one more than this, which need not fit the type.
            var left = last.Bits - at;
            var size = left == UInt128.MaxValue ? 128 : (int)UInt128.Log2(left + 1);
            var bits = Math.Min(align, size);
            yield return IpPrefix.Containing(Make(first.IsV6, at), first.Width - bits);
            if (bits == 128 || left == (UInt128.One << bits) - 1)
            {
                yield break;
            }

            at += UInt128.One << bits;
        }
    }

    private static IpAddress Make(bool isV6, UInt128 bits) => isV6 ? IpAddress.V6(bits) : IpAddress.V4((uint)bits);
}
