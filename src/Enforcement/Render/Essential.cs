using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Render;

/// <summary>
/// What no policy cuts, whoever the peer: neighbour discovery, MLD, IGMP, DHCP and packet-too-big. The same list as
/// <see cref="Policy.Evaluate.Essential"/>, which sees connections, with the conditions that only packets show.
/// </summary>
internal static class Essential
{
    private const byte Igmp = 2;
    private const int PacketsTooBigPerSecond = 100;

    private static readonly IpPrefix _linkLocal = IpPrefix.Containing(IpAddress.Parse("fe80::"), 10);

    /// <summary>ICMP's "fragmentation needed" and ICMPv6's "packet too big", rate-limited: without them paths with a smaller MTU go dead.</summary>
    public static IEnumerable<Match[]> PacketTooBig { get; } =
    [
        [new Match.IcmpType(false, [3]), new Match.IcmpCode(false, 4), new Match.Limit(PacketsTooBigPerSecond)],
        [new Match.IcmpType(true, [2]), new Match.Limit(PacketsTooBigPerSecond)],
    ];

    /// <summary>The list for a direction.</summary>
    public static IEnumerable<DispatchEntry> Always(Direction direction)
    {
        yield return Entry(IpProtocol.Icmp, 3, 3, new Match.IcmpCode(false, 4), new Match.Limit(PacketsTooBigPerSecond));
        yield return Entry(IpProtocol.IcmpV6, 2, 2, new Match.Limit(PacketsTooBigPerSecond));
        // Neighbour and router discovery (RFC 4861): 255 shows that the packet was sent on this link.
        yield return Entry(IpProtocol.IcmpV6, 133, 136, new Match.HopLimit(true, 255));
        // MLD (RFC 3810) and IGMP (RFC 3376) are sent with 1, and so cannot leave or have crossed the link.
        yield return Entry(IpProtocol.IcmpV6, 130, 132, new Match.HopLimit(true, 1));
        yield return Entry(IpProtocol.IcmpV6, 143, 143, new Match.HopLimit(true, 1));
        yield return Entry(Igmp, 0, ushort.MaxValue, new Match.HopLimit(false, 1));
        if (direction == Direction.Inbound)
        {
            yield return new([PortMatch.Whole(IpProtocol.Udp)], [new FirewallRule.When([new Match.Looped()], new Verdict.Accept())]);
            yield return Entry(IpProtocol.Udp, 68, 68, From(67), V4(PacketEnd.Source));
            yield return Entry(IpProtocol.Udp, 546, 546, From(547), new Match.InPrefix(PacketEnd.Source, _linkLocal));
        }
        else
        {
            yield return Entry(IpProtocol.Udp, 67, 67, From(68), V4(PacketEnd.Destination));
            yield return Entry(IpProtocol.Udp, 547, 547, From(546), new Match.InPrefix(PacketEnd.Source, _linkLocal));
        }
    }

    private static Match.Port From(ushort port) => new(PacketEnd.Source, IpProtocol.Udp, port);

    private static Match.InPrefix V4(PacketEnd end) => new(end, IpPrefix.AllV4);

    private static DispatchEntry Entry(byte protocol, int first, int last, params Match[] matches) =>
        PortMatch.TryCreate(protocol, first, last, out var ports)
            ? new([ports], [new FirewallRule.When(matches.ToEquatableArray(), new Verdict.Accept())])
            : throw new ArgumentOutOfRangeException(nameof(first));
}
