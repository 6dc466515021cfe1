using System.Collections;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>How the elements of a set in the kernel differ from what it is to hold; found element by element as they are read, in a few bits for each.</summary>
/// <param name="set">What it is to hold.</param>
internal sealed class SetDifference(AddressSet set)
{
    private const int Named = 10;

    private readonly BitArray _begins = new(set.Elements.Count);
    private readonly BitArray _ends = new(set.IsInterval ? set.Elements.Count : 0);
    private readonly List<string> _strange = [];
    private int _strangers;
    private int _strangeEnds;

    /// <summary>Whether an element was not found.</summary>
    public bool IsMissing => Missing().Any();

    /// <summary>In words, a line for what is too much and one for what is missing; none if nothing is.</summary>
    public IEnumerable<string> Describe()
    {
        if (_strangers > 0)
        {
            yield return $"set {set.Name}: {Count(_strangers, "element")} added: {Enumerate(_strange, _strangers)}";
        }

        var missing = Missing().ToList();
        if (missing.Count > 0)
        {
            yield return $"set {set.Name}: {Count(missing.Count, "element")} deleted: {Enumerate(missing.Take(Named).Select(i => set.Elements[i].ToString()), missing.Count)}";
        }
        else if (_strangers == 0 && _strangeEnds > 0)
        {
            yield return $"set {set.Name}: intervals end elsewhere";
        }
    }

    /// <summary>Takes in a message of a dump of the set.</summary>
    public void Read(NetlinkMessage message)
    {
        var list = new AttributeReader(TableReader.Find(message.Attributes(Nftables.GenericHeader), Nftables.ElementsList));
        while (list.Next())
        {
            if (list.Type == Nftables.ListItem)
            {
                Element(list.Nested());
            }
        }
    }

    private void Element(AttributeReader attributes)
    {
        ReadOnlySpan<byte> key = [];
        var isEnd = false;
        while (attributes.Next())
        {
            if (attributes.Type == Nftables.ElementKey)
            {
                key = TableReader.Find(attributes.Nested(), Nftables.DataValue);
            }
            else if (attributes.Type == Nftables.ElementFlags)
            {
                isEnd = (attributes.U32Be() & Nftables.IntervalEnd) != 0;
            }
        }

        if (AddressKeys.Read(key, set.IsV6) is not { } bits)
        {
            Strange("an unreadable one");
        }
        else if (isEnd)
        {
            End(bits);
        }
        else if (set.Elements.Find(bits) is var at and >= 0 && set.Elements[at].Address.Bits == bits)
        {
            _begins[at] = true;
        }
        else
        {
            Strange((set.IsV6 ? IpAddress.V6(bits) : IpAddress.V4((uint)bits)).ToString());
        }
    }

    /// <summary>Where an interval ends. nft closes what lies below the first one, at 0; that is none.</summary>
    private void End(UInt128 bits)
    {
        if (bits == 0)
        {
            return;
        }

        if (set.IsInterval && set.Elements.Find(bits - 1) is var at and >= 0 && AddressKeys.EndOf(set.Elements[at]) == bits)
        {
            _ends[at] = true;
        }
        else
        {
            _strangeEnds++;
        }
    }

    private void Strange(string what)
    {
        if (_strangers++ < Named)
        {
            _strange.Add(what);
        }
    }

    private IEnumerable<int> Missing() =>
        Enumerable.Range(0, set.Elements.Count)
            .Where(i => !_begins[i] || (set.IsInterval && !_ends[i] && AddressKeys.EndOf(set.Elements[i]) is not null));

    private static string Count(int number, string noun) => $"{number} {noun}{(number == 1 ? "" : "s")}";

    private static string Enumerate(IEnumerable<string> some, int all) => string.Join(", ", some) + (all > Named ? ", …" : "");
}
