namespace Bulkhead.Policy.Services;

/// <summary>IP protocol numbers that have names here (IANA, Assigned Internet Protocol Numbers).</summary>
public static class IpProtocol
{
    /// <summary>ICMP.</summary>
    public const byte Icmp = 1;

    /// <summary>TCP.</summary>
    public const byte Tcp = 6;

    /// <summary>UDP.</summary>
    public const byte Udp = 17;

    /// <summary>ICMPv6.</summary>
    public const byte IcmpV6 = 58;

    /// <summary>SCTP.</summary>
    public const byte Sctp = 132;

    /// <summary>The name, or the number as text.</summary>
    public static string NameOf(byte protocol) => protocol switch
    {
        Icmp => "icmp",
        Tcp => "tcp",
        Udp => "udp",
        IcmpV6 => "icmpv6",
        Sctp => "sctp",
        _ => protocol.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

    /// <summary>Reads a name or a number from 1 to 255.</summary>
    public static bool TryParse(string text, out byte protocol)
    {
        protocol = text switch
        {
            "icmp" => Icmp,
            "tcp" => Tcp,
            "udp" => Udp,
            "icmpv6" => IcmpV6,
            "sctp" => Sctp,
            _ => 0,
        };
        return protocol != 0 || (byte.TryParse(text, System.Globalization.NumberStyles.None, null, out protocol) && protocol != 0);
    }

    /// <summary>Whether connections of it have ports.</summary>
    public static bool HasPorts(byte protocol) => protocol is Tcp or Udp or Sctp;

    /// <summary>Whether it is ICMP of either family, where the message type stands in place of the port.</summary>
    public static bool IsIcmp(byte protocol) => protocol is Icmp or IcmpV6;
}

/// <summary>
/// A protocol with a range of destination ports, or of message types for ICMP; 0 to 65535 (255 for ICMP) for all of them.
/// Protocol 0 means every protocol and every port.
/// </summary>
public readonly record struct PortMatch : IComparable<PortMatch>
{
    private PortMatch(byte protocol, ushort first, ushort last) => (Protocol, First, Last) = (protocol, first, last);

    /// <summary>The IP protocol number, or 0 for any.</summary>
    public byte Protocol { get; }

    /// <summary>The lowest port or ICMP type.</summary>
    public ushort First { get; }

    /// <summary>The highest port or ICMP type, included.</summary>
    public ushort Last { get; }

    /// <summary>Every protocol, every port.</summary>
    public static PortMatch Any { get; } = new(0, 0, ushort.MaxValue);

    /// <summary>Whether it is <see cref="Any"/>.</summary>
    public bool IsAny => Protocol == 0;

    /// <summary>Whether every port (or type) of the protocol matches.</summary>
    public bool IsWholeProtocol => First == 0 && Last == MaxOf(Protocol);

    /// <summary>All of one protocol.</summary>
    public static PortMatch Whole(byte protocol) => protocol == 0 ? Any : new(protocol, 0, MaxOf(protocol));

    /// <summary>One TCP port.</summary>
    public static PortMatch Tcp(ushort port) => new(IpProtocol.Tcp, port, port);

    /// <summary>One UDP port.</summary>
    public static PortMatch Udp(ushort port) => new(IpProtocol.Udp, port, port);

    /// <summary>A range; false if it is empty, out of the protocol's range, or the protocol has no ports and the range is not whole.</summary>
    public static bool TryCreate(byte protocol, int first, int last, out PortMatch match)
    {
        var valid = first >= 0 && first <= last && last <= MaxOf(protocol)
            && (IpProtocol.HasPorts(protocol) || IpProtocol.IsIcmp(protocol) || (first == 0 && last == MaxOf(protocol)));
        match = valid ? new(protocol, (ushort)first, (ushort)last) : default;
        return valid;
    }

    /// <summary>Whether a connection's protocol and port (or ICMP type) match.</summary>
    public bool Matches(byte protocol, ushort port) => Protocol == 0 || (Protocol == protocol && port >= First && port <= Last);

    /// <summary>What both match; null if nothing.</summary>
    public PortMatch? Intersect(PortMatch other)
    {
        if (IsAny || other.IsAny)
        {
            return IsAny ? other : this;
        }

        var (first, last) = (Math.Max(First, other.First), Math.Min(Last, other.Last));
        return Protocol == other.Protocol && first <= last ? new(Protocol, first, last) : null;
    }

    /// <summary>The order of lists, by the first that differs.</summary>
    public static int Compare(EquatableArray<PortMatch> a, EquatableArray<PortMatch> b)
    {
        for (var i = 0; i < Math.Min(a.Count, b.Count); i++)
        {
            if (a[i].CompareTo(b[i]) is var order and not 0)
            {
                return order;
            }
        }

        return a.Count.CompareTo(b.Count);
    }

    /// <inheritdoc/>
    public int CompareTo(PortMatch other) => (Protocol, First, Last).CompareTo((other.Protocol, other.First, other.Last));

    /// <summary>As written in policy: <c>tcp/443</c>, <c>udp/8000-8100</c>, <c>icmp/8</c>, <c>tcp</c>, <c>any</c>.</summary>
    public override string ToString() =>
        IsAny ? "any"
        : IsWholeProtocol ? IpProtocol.NameOf(Protocol)
        : First == Last ? $"{IpProtocol.NameOf(Protocol)}/{First}"
        : $"{IpProtocol.NameOf(Protocol)}/{First}-{Last}";

    private static ushort MaxOf(byte protocol) => IpProtocol.IsIcmp(protocol) ? (ushort)255 : ushort.MaxValue;
}
