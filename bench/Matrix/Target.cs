using System.Net;
using Bulkhead.Lab;
using Bulkhead.Policy.Services;

namespace Bulkhead.Bench.Matrix;

/// <summary>To whom a packet goes.</summary>
internal enum Reach
{
    /// <summary>One host.</summary>
    Host,

    /// <summary>All hosts that joined a group, as all have.</summary>
    Multicast,

    /// <summary>All hosts of the network; IPv4 only.</summary>
    Broadcast,
}

/// <summary>What is probed at a host.</summary>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Port">Port; 0 where the protocol has none, and for an echo request.</param>
/// <param name="Reach">To whom it goes.</param>
/// <param name="Segment">The flags of a TCP segment that is sent alone; null for a connection.</param>
internal readonly record struct Target(byte Protocol, ushort Port, Reach Reach = Reach.Host, byte? Segment = null)
{
    /// <summary>A protocol of no particular meaning (RFC 3692).</summary>
    public const byte Experimental = 253;

    /// <summary>A SYN, alone but for ECN (RFC 9293, RFC 3168).</summary>
    private const byte Syn = 0x02, SynWithEcn = 0xc2;

    private static readonly ushort[] s_datagramPorts = [53, 123, 5000, 5005];

    /// <summary>Everything that hosts answer to.</summary>
    public static IReadOnlyList<Target> All { get; } =
    [
        .. from port in (ushort[])[22, 80, 443, 3306, 5432, 8080, 9000, 9005] select new Target(IpProtocol.Tcp, port),
        .. from port in s_datagramPorts select new Target(IpProtocol.Udp, port),
        new(IpProtocol.Icmp, 0),
        new(IpProtocol.Sctp, 2905),
        new(Experimental, 0),
    ];

    /// <summary>What each host's own processes serve.</summary>
    public static IReadOnlyList<Target> Served { get; } =
        [.. from identity in Identity.All from protocol in (byte[])[IpProtocol.Tcp, IpProtocol.Udp] select new Target(protocol, identity.Port)];

    /// <summary>What goes to several hosts at once.</summary>
    public static IReadOnlyList<Target> Groupcast { get; } = [.. from port in s_datagramPorts from reach in (Reach[])[Reach.Multicast, Reach.Broadcast] select new Target(IpProtocol.Udp, port, reach)];

    /// <summary>First segments: two that begin a connection; ACK, SYN-ACK, FIN, RST, none and nearly all, which do not.</summary>
    public static IReadOnlyList<Target> Segments { get; } =
    [
        .. from port in (ushort[])[22, 443, 9000]
           from flags in (byte[])[Syn, SynWithEcn, Syn, SynWithEcn, 0x10, 0x12, 0x01, 0x04, 0x00, 0x29]
           select new Target(IpProtocol.Tcp, port, Segment: flags),
    ];

    /// <summary>Whether it may begin a connection; what may not is no connection to any rule.</summary>
    public bool Begins => Segment is null or Syn or SynWithEcn;

    /// <summary>The protocol of a family: echo requests are ICMP or ICMPv6.</summary>
    public byte ProtocolIn(bool isV6) => Protocol == IpProtocol.Icmp && isV6 ? IpProtocol.IcmpV6 : Protocol;

    /// <summary>What rules call the port: the ICMP type of an echo request, or the port.</summary>
    public ushort RulePort(bool isV6) => Protocol != IpProtocol.Icmp ? Port : (ushort)(isV6 ? 128 : 8);

    /// <summary>The address that a packet for a host is sent to.</summary>
    public IPAddress AddressOf(LabHost host, bool isV6) => Reach switch
    {
        Reach.Multicast => Group.Address(isV6),
        Reach.Broadcast => Group.Broadcast(host.Ipv4),
        _ => host.Address(isV6),
    };
}

/// <summary>The addresses that stand for many hosts.</summary>
internal static class Group
{
    private static readonly IPAddress s_v4 = IPAddress.Parse("239.18.0.1");
    private static readonly IPAddress s_v6 = IPAddress.Parse("ff12::4242");

    /// <summary>The multicast group that all hosts join.</summary>
    public static IPAddress Address(bool isV6) => isV6 ? s_v6 : s_v4;

    /// <summary>Of the /24 that all hosts are in.</summary>
    public static IPAddress Broadcast(IPAddress host) => new([.. host.GetAddressBytes()[..3], 255]);
}
