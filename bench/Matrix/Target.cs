using Bulkhead.Policy.Services;

namespace Bulkhead.Bench.Matrix;

/// <summary>What is probed at a host.</summary>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Port">Port; 0 where the protocol has none, and for an echo request.</param>
internal readonly record struct Target(byte Protocol, ushort Port)
{
    /// <summary>A protocol of no particular meaning (RFC 3692).</summary>
    public const byte Experimental = 253;

    /// <summary>Everything that hosts answer to.</summary>
    public static IReadOnlyList<Target> All { get; } =
    [
        .. from port in (ushort[])[22, 80, 443, 3306, 5432, 8080, 9000, 9005] select new Target(IpProtocol.Tcp, port),
        .. from port in (ushort[])[53, 123, 5000, 5005] select new Target(IpProtocol.Udp, port),
        new(IpProtocol.Icmp, 0),
        new(IpProtocol.Sctp, 2905),
        new(Experimental, 0),
    ];

    /// <summary>The protocol of a family: echo requests are ICMP or ICMPv6.</summary>
    public byte ProtocolIn(bool isV6) => Protocol == IpProtocol.Icmp && isV6 ? IpProtocol.IcmpV6 : Protocol;

    /// <summary>What rules call the port: the ICMP type of an echo request, or the port.</summary>
    public ushort RulePort(bool isV6) => Protocol != IpProtocol.Icmp ? Port : (ushort)(isV6 ? 128 : 8);
}
