using Bulkhead.Policy.Compile;

namespace Bulkhead.Policy.Addresses;

/// <summary>
/// The members of a set of addresses, sorted by what they are: single addresses and prefixes of each family. Versions of a set share what they have in common; see
/// <see cref="PrefixList"/>.
/// </summary>
public sealed class AddressMembers
{
    private readonly PrefixList[] _lists;

    private AddressMembers(PrefixList[] lists, ulong digest) => (_lists, Digest) = (lists, digest);

    /// <summary>How many there are.</summary>
    public int Count => _lists.Sum(list => list.Count);

    /// <summary>Their digest (<see cref="PeerSetDigest"/>).</summary>
    public ulong Digest { get; }

    /// <summary>The single addresses of a family.</summary>
    public PrefixList Hosts(bool isV6) => _lists[Kind(isV6, true)];

    /// <summary>The other prefixes of a family.</summary>
    public PrefixList Nets(bool isV6) => _lists[Kind(isV6, false)];

    /// <summary>Members that are sorted and disjoint.</summary>
    public static AddressMembers Of(IEnumerable<IpPrefix> sorted)
    {
        var parts = new List<IpPrefix>[4];
        var digest = 0UL;
        foreach (var member in sorted)
        {
            (parts[KindOf(member)] ??= []).Add(member);
            digest += PeerSetDigest.Of(member);
        }

        return new([.. parts.Select(part => part is null ? PrefixList.Empty : PrefixList.Of(part))], digest);
    }

    /// <summary>Whether an address is a member.</summary>
    public bool Contains(IpAddress address) => Hosts(address.IsV6).Contains(address) || Nets(address.IsV6).Contains(address);

    /// <summary>The members after a change; null if one that is to go is not there, or two would overlap.</summary>
    public AddressMembers? With(IEnumerable<IpPrefix> removed, IEnumerable<IpPrefix> added)
    {
        var (gone, come) = (removed.Order().ToLookup(KindOf), added.Order().ToLookup(KindOf));
        var lists = new PrefixList[_lists.Length];
        for (var kind = 0; kind < lists.Length; kind++)
        {
            if (_lists[kind].With([.. gone[kind]], [.. come[kind]]) is not { } list)
            {
                return null;
            }

            lists[kind] = list;
        }

        var digest = gone.SelectMany(part => part).Aggregate(Digest, (sum, member) => sum - PeerSetDigest.Of(member));
        digest = come.SelectMany(part => part).Aggregate(digest, (sum, member) => sum + PeerSetDigest.Of(member));
        var members = new AddressMembers(lists, digest);
        return come.SelectMany(part => part).Any(members.Overlaps) ? null : members;
    }

    /// <summary>Gives what two do not share to handlers.</summary>
    public static void Compare(AddressMembers before, AddressMembers after, Action<IpPrefix> removed, Action<IpPrefix> added)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        for (var kind = 0; kind < before._lists.Length; kind++)
        {
            PrefixList.Compare(before._lists[kind], after._lists[kind], removed, added);
        }
    }

    /// <summary>All of them, sorted.</summary>
    public IEnumerable<IpPrefix> All()
    {
        foreach (var isV6 in (bool[])[false, true])
        {
            using var hosts = Hosts(isV6).GetEnumerator();
            var more = hosts.MoveNext();
            foreach (var net in Nets(isV6))
            {
                for (; more && hosts.Current.CompareTo(net) < 0; more = hosts.MoveNext())
                {
                    yield return hosts.Current;
                }

                yield return net;
            }

            for (; more; more = hosts.MoveNext())
            {
                yield return hosts.Current;
            }
        }
    }

    /// <summary>Whether a single address lies in a prefix, or a prefix holds a single address.</summary>
    private bool Overlaps(IpPrefix member)
    {
        var isV6 = member.Address.IsV6;
        return member.IsHost
            ? Nets(isV6).Contains(member.Address)
            : Hosts(isV6).Find(member.Last.Bits) is var at and >= 0 && Hosts(isV6)[at].Address.Bits >= member.Address.Bits;
    }

    private static int KindOf(IpPrefix member) => Kind(member.Address.IsV6, member.IsHost);

    private static int Kind(bool isV6, bool isHost) => (isV6 ? 2 : 0) + (isHost ? 0 : 1);
}
