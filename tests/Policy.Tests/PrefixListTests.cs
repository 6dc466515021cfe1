using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using FsCheck;
using FsCheck.Fluent;

namespace Bulkhead.Policy.Tests;

/// <summary>Packed prefixes against sorted sets.</summary>
public class PrefixListTests
{
    /// <summary>Prefixes of both families, so close together that many overlap.</summary>
    private static Gen<IpPrefix> Prefix =>
        from isV6 in Gen.Elements(false, true)
        from bits in Gen.Choose(0, 4095)
        from host in Gen.Choose(0, 3)
        from spare in Gen.Choose(0, 4)
        let address = isV6 ? IpAddress.V6(((UInt128)0xfd00 << 112) | (uint)bits) : IpAddress.V4((10u << 24) | (uint)bits)
        select host > 0 ? IpPrefix.Host(address) : IpPrefix.Containing(address, address.Width - spare);

    private static Gen<List<(List<IpPrefix> Removed, List<IpPrefix> Added)>> Changes =>
        Gen.ListOf(from removed in Gen.ListOf(Prefix, 30) from added in Gen.ListOf(Prefix, 60) select (removed.ToList(), added.ToList()), 12).Select(some => some.ToList());

    [Fact]
    public void Whatever_comes_and_goes_packed_members_are_a_sorted_set()
    {
        foreach (var changes in Changes.Sample(20, 60))
        {
            var (members, model) = (AddressMembers.Of([]), new SortedSet<IpPrefix>());
            foreach (var (wanted, offered) in changes)
            {
                var removed = wanted.Concat(model.Take(5)).Where(model.Contains).Distinct().ToList();
                var kept = model.Except(removed).ToList();
                var added = offered.Aggregate(new List<IpPrefix>(), (held, one) => kept.Concat(held).Any(one.Overlaps) ? held : [.. held, one]);
                model = [.. kept, .. added];

                var before = members;
                members = members.With(removed, added)!;

                Assert.Equal(model, members.All());
                Assert.Equal((model.Count, PeerSetDigest.Of(model)), (members.Count, members.Digest));
                Assert.Equal((removed.Except(added).ToHashSet(), added.Except(removed).ToHashSet()), Differences(before, members), new SetPairs());
                Assert.All(offered.Select(prefix => prefix.Last), address => Assert.Equal(model.Any(member => member.Contains(address)), members.Contains(address)));
                Assert.Equal(AddressMembers.Of(model).Hosts(false), members.Hosts(false));
            }
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var members = AddressMembers.Of(Parse("10.0.0.1", "10.0.1.0/24", "10.0.3.0/24"));
        Assert.Null(members.With(Parse("10.0.0.2"), []));
        Assert.Null(members.With(Parse("10.0.1.0/25"), []));
        Assert.Null(members.With([], Parse("10.0.0.1")));
        Assert.Null(members.With([], Parse("10.0.1.7")));
        Assert.Null(members.With([], Parse("10.0.0.0/24")));
        Assert.Null(members.With([], Parse("10.0.1.0/25")));
        Assert.Null(members.With([], Parse("10.0.2.0/23")));
        Assert.Null(members.With([], Parse("10.0.0.0/8")));
        Assert.NotNull(members.With(Parse("10.0.1.0/24"), Parse("10.0.1.7", "10.0.2.0/24")));
    }

    [Fact]
    public void A_long_list_is_found_in_changed_and_compared_across_its_chunks()
    {
        var all = Enumerable.Range(0, 5000).Select(i => IpPrefix.Host(IpAddress.V4((uint)(i * 2)))).ToList();
        var list = PrefixList.Of(all);
        Assert.Equal(all, list);
        Assert.Equal(all, Enumerable.Range(0, list.Count).Select(i => list[i]));
        Assert.All(Enumerable.Range(0, 10_000), bits => Assert.Equal(bits / 2, list.Find((uint)bits)));
        Assert.Equal(4999, list.Find(uint.MaxValue));

        var odd = Enumerable.Range(0, 2000).Select(i => IpPrefix.Host(IpAddress.V4((uint)((i * 2) + 4001)))).ToList();
        var changed = list.With(all[100..4900], odd)!;
        Assert.Equal(all[..100].Concat(all[4900..]).Concat(odd).Order(), changed);
        var (removed, added) = (new List<IpPrefix>(), new List<IpPrefix>());
        PrefixList.Compare(list, changed, removed.Add, added.Add);
        Assert.Equal(all[100..4900], removed);
        Assert.Equal(odd, added);
        Assert.Equal(PrefixList.Of(changed), changed);
        Assert.NotEqual(list, changed);
        Assert.Same(PrefixList.Empty, PrefixList.Empty.With([], []));
        Assert.Empty(list.With(all, [])!);
    }

    [Fact]
    public void Members_unpacked_and_packed_again_are_the_same()
    {
        var members = Parse("10.0.0.1", "10.0.1.0/24", "10.0.2.0", "fd00::/64", "fd01::1").ToList();
        var set = new PeerSet("s", AddressMembers.Of(members));
        Assert.Equal(members, set.Members);
        Assert.Equal(new PeerSet("s", PeerSetDigest.Of(members), set.Members), set);
    }

    private static (HashSet<IpPrefix> Removed, HashSet<IpPrefix> Added) Differences(AddressMembers before, AddressMembers after)
    {
        var (removed, added) = (new HashSet<IpPrefix>(), new HashSet<IpPrefix>());
        foreach (var isV6 in (bool[])[false, true])
        {
            PrefixList.Compare(before.Hosts(isV6), after.Hosts(isV6), one => removed.Add(one), one => added.Add(one));
            PrefixList.Compare(before.Nets(isV6), after.Nets(isV6), one => removed.Add(one), one => added.Add(one));
        }

        return (removed, added);
    }

    private static IEnumerable<IpPrefix> Parse(params string[] texts) => texts.Select(text =>
    {
        var parts = text.Split('/');
        var address = IpAddress.Parse(parts[0]);
        return IpPrefix.Containing(address, parts.Length == 1 ? address.Width : int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture));
    }).Order();

    private sealed class SetPairs : IEqualityComparer<(HashSet<IpPrefix>, HashSet<IpPrefix>)>
    {
        public bool Equals((HashSet<IpPrefix>, HashSet<IpPrefix>) x, (HashSet<IpPrefix>, HashSet<IpPrefix>) y) => x.Item1.SetEquals(y.Item1) && x.Item2.SetEquals(y.Item2);

        public int GetHashCode((HashSet<IpPrefix>, HashSet<IpPrefix>) obj) => 0;
    }
}
