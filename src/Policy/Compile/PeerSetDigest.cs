using Bulkhead.Policy.Addresses;

namespace Bulkhead.Policy.Compile;

/// <summary>
/// A 64-bit multiset hash: the sum, modulo 2^64, of a mixed hash of each member, so that adding or removing one member updates it in
/// constant time. It detects loss and disorder, not malice: the channel is authenticated.
/// </summary>
public static class PeerSetDigest
{
    /// <summary>The digest of members in any order.</summary>
    public static ulong Of(IEnumerable<IpPrefix> members)
    {
        var sum = 0UL;
        foreach (var member in members)
        {
            sum += Of(member);
        }

        return sum;
    }

    /// <summary>The contribution of one member.</summary>
    public static ulong Of(IpPrefix member)
    {
        var family = member.Address.IsV6 ? 6UL : 4UL;
        var hash = Mix(((ulong)member.Length << 8) | family);
        hash = Mix(hash ^ (ulong)(member.Address.Bits >> 64));
        return Mix(hash ^ (ulong)member.Address.Bits);
    }

    /// <summary>The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).</summary>
    private static ulong Mix(ulong value)
    {
        value += 0x9e3779b97f4a7c15;
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}
