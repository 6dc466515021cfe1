using Bulkhead.Policy.Addresses;

namespace Bulkhead.Policy.Symbolic;

/// <summary>
/// Both address families on one line of numbers: IPv4 where IPv6 has its mapped addresses, which <see cref="IpAddress"/> reads as IPv4
/// anyway. Loopback, link-local and multicast addresses are left out: no connection between two workloads bears them.
/// </summary>
internal static class AddressCodes
{
    private static readonly UInt128 V4Base = UInt128.One * 0xffff << 32;

    private static readonly Intervals<UInt128> Special = Intervals<UInt128>.Of(
        Range(IpAddress.V4(0), IpAddress.V4(0x00ffffff)),
        Range(IpAddress.V4(0x7f000000), IpAddress.V4(0x7fffffff)),
        Range(IpAddress.V4(0xa9fe0000), IpAddress.V4(0xa9feffff)),
        Range(IpAddress.V4(0xe0000000), IpAddress.V4(uint.MaxValue)),
        Range(IpAddress.V6(0), IpAddress.V6(1)),
        Range(IpAddress.V6(UInt128.One * 0xfe80 << 112), IpAddress.V6((UInt128.One * 0xfec0 << 112) - 1)),
        Range(IpAddress.V6(UInt128.One * 0xff << 120), IpAddress.V6(UInt128.MaxValue)));

    /// <summary>Every IPv4 address that an end can have.</summary>
    public static Intervals<UInt128> V4 { get; } = Intervals<UInt128>.Of((V4Base, V4Base + uint.MaxValue)).Except(Special);

    /// <summary>Every IPv6 address that an end can have.</summary>
    public static Intervals<UInt128> V6 { get; } =
        Intervals<UInt128>.Of((UInt128.Zero, V4Base - 1), (V4Base + uint.MaxValue + 1, UInt128.MaxValue)).Except(Special);

    /// <summary>Every address that an end can have.</summary>
    public static Intervals<UInt128> All { get; } = Intervals<UInt128>.Of([.. V4.Ranges, .. V6.Ranges]);

    /// <summary>The number of an address.</summary>
    public static UInt128 Of(IpAddress address) => address.IsV6 ? address.Bits : V4Base + address.Bits;

    /// <summary>The address of a number.</summary>
    public static IpAddress Read(UInt128 code) => IpAddress.V6(code);

    /// <summary>The numbers of prefixes.</summary>
    public static Intervals<UInt128> Of(IEnumerable<IpPrefix> prefixes) =>
        Intervals<UInt128>.Of(prefixes.Select(p => Range(p.Address, p.Last))).And(All);

    /// <summary>The families that a set holds in whole, each whole; what is sure of an address of which nothing is known.</summary>
    public static Intervals<UInt128> WholeFamilies(Intervals<UInt128> set) =>
        Families(V4.Except(set).IsEmpty, V6.Except(set).IsEmpty);

    /// <summary>The families of which a set holds any address, each whole; what is possible for an address of which nothing is known.</summary>
    public static Intervals<UInt128> TouchedFamilies(Intervals<UInt128> set) => Families(V4.Overlaps(set), V6.Overlaps(set));

    /// <summary>In words: <c>10.0.0.0/8</c>, <c>any IPv4 address</c>, <c>any address but 192.0.2.0/24</c>; shortened to the first few prefixes.</summary>
    public static string Text(Intervals<UInt128> set)
    {
        var others = All.Except(set);
        return set.SameAs(V4) ? "any IPv4 address"
            : set.SameAs(V6) ? "any IPv6 address"
            : others.Ranges.Length < set.Ranges.Length ? $"any address but {Prefixes(others)}" : Prefixes(set);
    }

    private static string Prefixes(Intervals<UInt128> set)
    {
        const int shown = 4;
        var prefixes = new List<IpPrefix>();
        foreach (var (first, last) in set.Ranges)
        {
            if (prefixes.Count <= shown)
            {
                prefixes.AddRange(PrefixSet.FromRange(Read(first), Read(last)).Take(shown + 1));
            }
        }

        return string.Join(", ", prefixes.Take(shown)) + (prefixes.Count > shown ? ", …" : "");
    }

    private static Intervals<UInt128> Families(bool v4, bool v6) => (v4, v6) switch
    {
        (true, true) => All,
        (true, false) => V4,
        (false, true) => V6,
        _ => Intervals<UInt128>.None,
    };

    private static (UInt128 First, UInt128 Last) Range(IpAddress first, IpAddress last) => (Of(first), Of(last));
}
