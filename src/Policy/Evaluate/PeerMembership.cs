using System.Collections.Frozen;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Policy.Evaluate;

/// <summary>Answers whether an address is in a set of prefixes, in time that grows with the number of distinct prefix lengths only.</summary>
internal sealed class PeerMembership
{
    private readonly AddressMembers? _packed;
    private readonly FrozenSet<IpPrefix> _prefixes = [];
    private readonly int[] _lengthsV4 = [];
    private readonly int[] _lengthsV6 = [];

    public PeerMembership(IEnumerable<IpPrefix> members)
    {
        _prefixes = members.ToFrozenSet();
        _lengthsV4 = Lengths(isV6: false);
        _lengthsV6 = Lengths(isV6: true);
    }

    /// <summary>Asks packed members, which takes no memory and grows with the logarithm of their number.</summary>
    public PeerMembership(AddressMembers members) => _packed = members;

    public bool Contains(IpAddress address)
    {
        if (_packed is not null)
        {
            return _packed.Contains(address);
        }

        foreach (var length in address.IsV6 ? _lengthsV6 : _lengthsV4)
        {
            if (_prefixes.Contains(IpPrefix.Containing(address, length)))
            {
                return true;
            }
        }

        return false;
    }

    private int[] Lengths(bool isV6) => [.. _prefixes.Where(p => p.Address.IsV6 == isV6).Select(p => p.Length).Distinct().OrderDescending()];
}
