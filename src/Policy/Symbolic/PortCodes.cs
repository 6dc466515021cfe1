using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Symbolic;

/// <summary>
/// Protocols and ports on one line of numbers without gaps, TCP first: 65,536 for TCP, UDP and SCTP each, 256 message types for ICMP and
/// ICMPv6 each, and one for every other protocol, since those have no ports.
/// </summary>
internal static class PortCodes
{
    private const int PortsPerProtocol = 65_536;
    private const int TypesPerProtocol = 256;
    private const byte Igmp = 2;

    private static readonly (byte Protocol, int Count)[] Segments =
    [
        (IpProtocol.Tcp, PortsPerProtocol), (IpProtocol.Udp, PortsPerProtocol), (IpProtocol.Sctp, PortsPerProtocol),
        (IpProtocol.Icmp, TypesPerProtocol), (IpProtocol.IcmpV6, TypesPerProtocol),
        .. Enumerable.Range(1, 255).Select(p => (byte)p).Where(p => !IpProtocol.HasPorts(p) && !IpProtocol.IsIcmp(p)).Select(p => (p, 1)),
    ];

    private static readonly int[] Bases = MakeBases();

    /// <summary>Every protocol and port.</summary>
    public static Intervals<int> All { get; } = Intervals<int>.Of((0, Segments.Sum(s => s.Count) - 1));

    /// <summary>What is never cut, and so is not policy's to allow or to forbid: IGMP, packet too big, MLD, neighbour discovery.</summary>
    public static Intervals<int> Essential { get; } = Intervals<int>.Of(
        Range(IpProtocol.IcmpV6, 2, 2), Range(IpProtocol.IcmpV6, 130, 136), Range(IpProtocol.IcmpV6, 143, 143), (Bases[Igmp], Bases[Igmp]));

    /// <summary>The number of a protocol's port or type; 0 stands for the port of protocols without ports.</summary>
    public static int Of(byte protocol, ushort port) => Bases[protocol] + port;

    /// <summary>The protocol and port of a number.</summary>
    public static (byte Protocol, ushort Port) Read(int code)
    {
        foreach (var (protocol, count) in Segments)
        {
            if (code < count)
            {
                return (protocol, (ushort)code);
            }

            code -= count;
        }

        throw new ArgumentOutOfRangeException(nameof(code));
    }

    /// <summary>The numbers that ports match.</summary>
    public static Intervals<int> Of(params IEnumerable<PortMatch> ports)
    {
        var ranges = new List<(int, int)>();
        foreach (var port in ports)
        {
            if (port.IsAny)
            {
                return All;
            }

            ranges.Add(IpProtocol.HasPorts(port.Protocol) || IpProtocol.IsIcmp(port.Protocol)
                ? Range(port.Protocol, port.First, port.Last)
                : (Bases[port.Protocol], Bases[port.Protocol]));
        }

        return Intervals<int>.Of(ranges);
    }

    /// <summary>The lowest number that a person would choose: port 0 only if there is nothing else.</summary>
    public static int Smallest(Intervals<int> ports)
    {
        foreach (var (first, last) in ports.Ranges)
        {
            if (Read(first) is not { Port: 0, Protocol: IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.Sctp })
            {
                return first;
            }

            if (first < last)
            {
                return first + 1;
            }
        }

        return ports.Ranges[0].First;
    }

    /// <summary>As in policy: <c>tcp/443, udp/8000-8100</c>.</summary>
    public static string Text(Intervals<int> ports)
    {
        if (ports.SameAs(All) || ports.SameAs(All.Except(Essential)))
        {
            return "any";
        }

        var parts = new List<string>();
        foreach (var (first, last) in ports.Ranges)
        {
            for (var at = first; at <= last;)
            {
                var (protocol, port) = Read(at);
                var end = Math.Min(last, Bases[protocol] + Segments.First(s => s.Protocol == protocol).Count - 1);
                parts.Add(PortMatch.TryCreate(protocol, port, port + end - at, out var match) ? match.ToString() : IpProtocol.NameOf(protocol));
                at = end + 1;
            }
        }

        const int shown = 8;
        return parts.Count <= shown ? string.Join(", ", parts) : $"{string.Join(", ", parts.Take(shown))} and {parts.Count - shown} more";
    }

    private static (int First, int Last) Range(byte protocol, int first, int last) => (Bases[protocol] + first, Bases[protocol] + last);

    private static int[] MakeBases()
    {
        var bases = new int[256];
        var at = 0;
        foreach (var (protocol, count) in Segments)
        {
            bases[protocol] = at;
            at += count;
        }

        return bases;
    }
}
