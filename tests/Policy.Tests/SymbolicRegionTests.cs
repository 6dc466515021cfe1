using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Tests;

/// <summary>The algebra of regions against every connection of a small world: two label keys, a process path, two user groups, a few ports and addresses.</summary>
public class SymbolicRegionTests
{
    private const int Keys = 2;

    private static readonly Alphabet _alphabet = MakeAlphabet();
    private static readonly int _a = _alphabet.Of("a");
    private static readonly int _b = _alphabet.Of("b");
    private static readonly int[] _values = [Alphabet.Absent, _a, _b, _alphabet.Fresh(0)];
    private static readonly int[] _ports = [Port(IpProtocol.Tcp, 80), Port(IpProtocol.Tcp, 81), Port(IpProtocol.Udp, 53), Port(47, 0)];
    private static readonly UInt128[] _addresses = [.. new[] { "10.0.0.1", "10.0.0.200", "192.168.0.1", "2001:db8::1" }.Select(a => AddressCodes.Of(IpAddress.Parse(a)))];
    private static readonly int[][] _groups = [[], [_a], [_b], [_a, _b]];
    private static readonly List<Point> _all = [.. Everything()];

    [Fact]
    public void Both_and_either_and_neither_are_those_of_every_single_connection()
    {
        var random = new Random(1);
        for (var round = 0; round < 150; round++)
        {
            if ((Some(random), Some(random)) is not ({ } x, { } y))
            {
                continue;
            }

            var both = x.And(y);
            var rest = x.Except(y).ToList();
            Assert.Equal(both is not null, x.Overlaps(y));
            foreach (var point in _all)
            {
                var (inX, inY) = (point.IsIn(x), point.IsIn(y));
                Assert.Equal(inX && inY, both is not null && point.IsIn(both));
                Assert.Equal(inX && !inY ? 1 : 0, rest.Count(point.IsIn));
            }

            Assert.Equal(rest.Count == 0, y.Contains(x));
        }
    }

    [Fact]
    public void What_lies_outside_covers_is_found_whole_and_once()
    {
        var random = new Random(2);
        var (none, some) = (0, 0);
        for (var round = 0; round < 150; round++)
        {
            if (Some(random) is not { } start)
            {
                continue;
            }

            Region[] covers = [.. Enumerable.Range(0, random.Next(1, 7)).Select(_ => Some(random)).OfType<Region>()];
            var index = new RegionIndex(covers.Select(c => new PolicyRegion(c, new(null, null, ""))));
            var left = RegionSearch.Outside(start, [index], new(100_000)).ToList();
            foreach (var point in _all)
            {
                Assert.Equal(point.IsIn(start) && !covers.Any(point.IsIn) ? 1 : 0, left.Count(point.IsIn));
            }

            Assert.All(left, piece => Assert.True(new PointChooser(_alphabet).Choose(piece) is var point && point.IsIn(piece) && !covers.Any(point.IsIn)));
            Assert.Equal(covers.Count(c => c.Overlaps(start)), index.Overlapping(start).Count());
            _ = left.Count == 0 ? none++ : some++;
        }

        Assert.True(none > 5 && some > 50, $"{none} covered, {some} not");
    }

    [Fact]
    public void An_index_finds_who_holds_a_connection()
    {
        var random = new Random(3);
        PolicyRegion[] regions = [.. Enumerable.Range(0, 300).Select(_ => Some(random)).OfType<Region>().Select(r => new PolicyRegion(r, new(null, null, "")))];
        var index = new RegionIndex(regions);
        foreach (var point in _all.Where((_, i) => i % 97 == 0))
        {
            Assert.Equal(regions.Count(r => point.IsIn(r.Region)), index.Holding(point).Count());
        }
    }

    [Fact]
    public void A_search_that_runs_out_of_steps_says_so()
    {
        var effort = new Effort(3);
        Region[] covers = [.. Enumerable.Range(1, 50).Select(p => Region.Of(Intervals<int>.Of((p * 2, p * 2))))];
        Assert.Empty(RegionSearch.Outside(Region.All, covers, effort));
        Assert.True(effort.IsSpent);
    }

    [Fact]
    public void Ports_read_back_as_policy_writes_them()
    {
        foreach (var text in (string[])["tcp/443", "udp/8000-8100", "icmp/8", "icmpv6", "47", "tcp"])
        {
            Assert.Equal(text, PortCodes.Text(PortCodes.Of(PortText.Parse(text, "", [])!.Value)));
        }

        Assert.Equal("any", PortCodes.Text(PortCodes.All));
        Assert.Equal((IpProtocol.Udp, (ushort)53), PortCodes.Read(Port(IpProtocol.Udp, 53)));
        Assert.False(PortCodes.All.Except(PortCodes.Of(Enumerable.Range(1, 255).Select(p => PortMatch.Whole((byte)p)))) is { IsEmpty: false });
    }

    [Fact]
    public void Intervals_agree_with_membership()
    {
        var random = new Random(4);
        Intervals<int> Ranges() => Intervals<int>.Of(Enumerable.Range(0, random.Next(5)).Select(_ => random.Next(30)).Select(first => (first, first + random.Next(6))));
        for (var round = 0; round < 500; round++)
        {
            var (x, y) = (Ranges(), Ranges());
            var (both, rest) = (x.And(y), x.Except(y));
            Assert.Equal(!both.IsEmpty, x.Overlaps(y));
            for (var i = -1; i < 40; i++)
            {
                Assert.Equal(x.Contains(i) && y.Contains(i), both.Contains(i));
                Assert.Equal(x.Contains(i) && !y.Contains(i), rest.Contains(i));
            }
        }
    }

    private static Region? Some(Random random)
    {
        Region? region = Region.All;
        void Require(Region condition) => region = region?.And(condition);
        ValueSet Set() => random.Next(5) switch
        {
            0 => ValueSet.Of(_a),
            1 => ValueSet.Of(_a, _b),
            2 => ValueSet.Of(_b).Not(),
            3 => ValueSet.Present,
            _ => ValueSet.Of(Alphabet.Absent, _b),
        };
        for (var dimensions = random.Next(4); dimensions > 0; dimensions--)
        {
            Require(Region.Of(Dimension.Label((Side)random.Next(2), random.Next(Keys)), Set()));
        }

        if (random.Next(3) == 0)
        {
            Require(Region.Of(new Relation(random.Next(Keys), random.Next(2) == 0)));
        }

        if (random.Next(3) == 0)
        {
            var low = random.Next(79, 82);
            Require(Region.Of(random.Next(3) == 0 ? PortCodes.Of(PortMatch.Whole(IpProtocol.Udp)) : Intervals<int>.Of((low, low + random.Next(2)))));
        }

        if (random.Next(4) == 0)
        {
            var networks = new[] { "10.0.0.0/24", "10.0.0.0/25", "0.0.0.0/0", "2001:db8::/32", "192.168.0.1" };
            Require(Region.Of((Side)random.Next(2), AddressCodes.Of(Documents.NetworkParser.ParseEntry(networks[random.Next(networks.Length)], "", []))));
        }

        if (random.Next(4) == 0)
        {
            Require(Region.Of(random.Next(2) == 0 ? UserSet.InAny(_groups[random.Next(1, 4)]) : UserSet.InNone(_groups[random.Next(1, 4)])));
        }

        return region;
    }

    private static IEnumerable<Point> Everything() =>
        from c0 in _values
        from c1 in _values
        from p0 in _values
        from p1 in _values
        from port in _ports
        from ends in new[] { (0, 1), (1, 0), (0, 2), (2, 1) }
        from groups in _groups
        select new Point(
            Values((Dimension.Label(Side.Consumer, 0), c0), (Dimension.Label(Side.Consumer, 1), c1), (Dimension.Label(Side.Provider, 0), p0), (Dimension.Label(Side.Provider, 1), p1)),
            port, _addresses[ends.Item1], _addresses[ends.Item2], groups);

    private static int[] Values(params ReadOnlySpan<(int Dimension, int Value)> values)
    {
        var all = new int[Dimension.Count(Keys)];
        foreach (var (dimension, value) in values)
        {
            all[dimension] = value;
        }

        return all;
    }

    private static int Port(byte protocol, ushort port) => PortCodes.Of(protocol, port);

    private static Alphabet MakeAlphabet()
    {
        var alphabet = new Alphabet();
        foreach (var key in (string[])["k", "l"])
        {
            alphabet.Value(alphabet.Key(key), "a");
            alphabet.Value(alphabet.Key(key), "b");
        }

        return alphabet;
    }
}
