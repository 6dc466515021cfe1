using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using FsCheck;
using FsCheck.Fluent;

namespace Bulkhead.Enforcement.Tests;

/// <summary>Makes host policies: by hand, and at random over a small world in which everything overlaps.</summary>
internal static class Policies
{
    public static readonly IpAddress LocalV4 = IpAddress.Parse("10.0.0.1");
    public static readonly IpAddress LocalV6 = IpAddress.Parse("fd00::1");

    public static readonly IReadOnlyList<IpAddress> Peers =
    [
        .. ((string[])["10.0.0.2", "10.0.0.3", "10.0.1.9", "192.0.2.7", "fd00::2", "fd00::3", "fd00:1::9", "2001:db8::7"]).Select(IpAddress.Parse),
    ];

    private static readonly string[] MemberTexts = ["10.0.0.2", "10.0.0.3", "10.0.1.0/24", "192.0.0.0/8", "fd00::2", "fd00::3", "fd00:1::/32", "2001:db8::/32"];

    private static readonly PortMatch[] PortChoices =
    [
        PortMatch.Any, PortMatch.Whole(IpProtocol.Tcp), PortMatch.Whole(IpProtocol.Udp), PortMatch.Tcp(80), PortMatch.Tcp(81), PortMatch.Tcp(443),
        Range(IpProtocol.Tcp, 80, 90), Range(IpProtocol.Tcp, 85, 65535), Range(IpProtocol.Tcp, 0, 80), PortMatch.Udp(53), Range(IpProtocol.Udp, 50, 60),
        Range(IpProtocol.Icmp, 8, 8), Range(IpProtocol.IcmpV6, 128, 128), PortMatch.Whole(47), PortMatch.Whole(IpProtocol.Icmp),
    ];

    public static readonly IReadOnlyList<(byte Protocol, ushort Port)> Probes =
    [
        (6, 80), (6, 2049), (6, 81), (6, 84), (6, 90), (6, 91), (6, 443), (6, 65535), (6, 0), (17, 53), (17, 61), (1, 8), (58, 128), (47, 0), (132, 80),
    ];

    public static Gen<HostPolicy> Any =>
        from entries in Gen.ListOf(Entry(), 12)
        from count in Gen.Choose(0, 12)
        from inbound in Gen.Elements(Enum.GetValues<EnforcementMode>())
        from outbound in Gen.Elements(Enum.GetValues<EnforcementMode>())
        from members in Gen.ArrayOf(Members(), 4)
        from special in Gen.Choose(0, 15)
        from failSafePorts in Gen.Elements(PortChoices)
        select Make(new(inbound, outbound), entries.Take(count), members) with
        {
            Quarantined = special == 0,
            Responders = special < 2 ? members[0] : [],
            QuarantinedPeers = special is 1 or 2 ? members[1] : [],
            Controllers = special % 2 == 0 ? [new(Peers[0], 8444), new(Peers[4], 8444)] : [],
            FailSafe = special % 3 == 0 && members[2].Count > 0 ? [new(members[2], [failSafePorts])] : [],
        };

    public static HostPolicy Make(Modes modes, IEnumerable<HostEntry> entries, params EquatableArray<IpPrefix>[] members) => new()
    {
        Generation = new(1, 1),
        RequiredFeatures = [Features.Base],
        Modes = modes,
        Entries = entries.OrderBy(e => e.Direction).ThenBy(e => e.Action).ThenBy(e => e.Rule).ToEquatableArray(),
        PeerSets = members.Select((m, i) => new PeerSet(SetName(i), PeerSetDigest.Of(m), m)).ToEquatableArray(),
    };

    public static HostEntry Entry(Direction direction, RuleAction action, long rule, int peers, params PortMatch[] ports) =>
        new(direction, action, new(rule), SetName(peers), ports.Order().Distinct().ToEquatableArray(), null, [], false);

    public static EquatableArray<IpPrefix> Hosts(params string[] texts) => texts.Select(Prefix).Order().ToEquatableArray();

    public static PortMatch Range(byte protocol, int first, int last) =>
        PortMatch.TryCreate(protocol, first, last, out var match) ? match : throw new ArgumentOutOfRangeException(nameof(first));

    private static string SetName(int index) => $"s{index}";

    private static Gen<HostEntry> Entry() =>
        from direction in Gen.Elements(Direction.Inbound, Direction.Outbound)
        from action in Gen.Elements(RuleAction.Allow, RuleAction.Allow, RuleAction.Deny, RuleAction.OverrideDeny)
        from rule in Gen.Choose(1, 30)
        from peers in Gen.Choose(0, 3)
        from ports in Gen.ListOf(Gen.Elements(PortChoices), 2)
        from stateless in Gen.Choose(0, 2)
        let entry = Entry(direction, action, (rule * 3) + (int)action, peers, [.. ports])
        let tracked = entry with { Stateless = stateless > 0 && entry.CanBeStateless }
        let helpers = ConnectionHelper.All.Where(tracked.CanHave).ToArray()
        from helper in Gen.Choose(0, 7)
        select tracked with { Helper = helper < helpers.Length ? helpers[helper] : null };

    private static Gen<EquatableArray<IpPrefix>> Members() =>
        from chosen in Gen.SubListOf(MemberTexts)
        from everything in Gen.Choose(0, 9)
        select everything == 0 ? [IpPrefix.AllV4, IpPrefix.AllV6] : Hosts([.. chosen]);

    private static IpPrefix Prefix(string text)
    {
        var parts = text.Split('/');
        var address = IpAddress.Parse(parts[0]);
        return parts.Length == 1 ? IpPrefix.Host(address) : IpPrefix.Containing(address, int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture));
    }
}
