namespace Bulkhead.Policy.Services;

/// <summary>
/// One of the kernel's connection-tracking helpers: it reads along in a connection, and tells conntrack which further ones its two ends agree upon there
/// (net/netfilter/nf_conntrack_*.c). Those that let anybody at all connect, as IRC's does, or that come as a tree, as H.323's do, are not among them.
/// </summary>
/// <param name="Name">As the kernel and policy name it.</param>
/// <param name="Follows">Protocols of connections that it can be given to; sorted.</param>
/// <param name="Expects">
/// Protocols and ports of connections that may pass because it expects them; sorted. Ports below 1024, where servers that nobody agreed upon listen, are not among
/// them, but for NetBIOS, whose answers may go to port 137.
/// </param>
public sealed record ConnectionHelper(string Name, EquatableArray<byte> Follows, EquatableArray<PortMatch> Expects)
{
    /// <summary>To how many ports connections can have the same helper, within a service and within a rule: it reads what strangers send there.</summary>
    public const int MostPorts = 16;

    private const byte Gre = 47;
    private static readonly PortMatch _tcp = Unprivileged(IpProtocol.Tcp);
    private static readonly PortMatch _udp = Unprivileged(IpProtocol.Udp);

    /// <summary>All that policy may name, by name. Those of NetBIOS, PPTP and SNMP know IPv4 only.</summary>
    public static IReadOnlyList<ConnectionHelper> All { get; } =
    [
        new("amanda", [IpProtocol.Udp], [_tcp]),
        new("ftp", [IpProtocol.Tcp], [_tcp]),
        new("netbios-ns", [IpProtocol.Udp], [PortMatch.Udp(137), _udp]),
        new("pptp", [IpProtocol.Tcp], [PortMatch.Whole(Gre)]),
        new("sane", [IpProtocol.Tcp], [_tcp]),
        new("sip", [IpProtocol.Tcp, IpProtocol.Udp], [_tcp, _udp]),
        new("snmp", [IpProtocol.Udp], [_udp]),
        new("tftp", [IpProtocol.Udp], [_udp]),
    ];

    /// <summary>What an agent reports that can give connections this helper.</summary>
    public string Feature => $"helper-{Name}-1";

    /// <summary>The helper of a name; null if there is none.</summary>
    public static ConnectionHelper? Find(string name)
    {
        foreach (var helper in All)
        {
            if (string.Equals(helper.Name, name, StringComparison.Ordinal))
            {
                return helper;
            }
        }

        return null;
    }

    /// <summary>Whether connections to ports can have it: those of its protocols, by number, since whatever else is said there would be read as its own language.</summary>
    public bool CanFollow(PortMatch ports) => Follows.Contains(ports.Protocol) && !ports.IsWholeProtocol;

    /// <summary>The same for all of an entry's ports, of which there may not be more than <see cref="MostPorts"/>.</summary>
    public bool CanFollow(EquatableArray<PortMatch> ports) => ports.All(CanFollow) && CountOf(ports) <= MostPorts;

    /// <summary>How many ports there are in ranges that do not overlap, or at most as many as this where they do.</summary>
    public static int CountOf(IEnumerable<PortMatch> ports) => ports.Sum(port => port.Last - port.First + 1);

    /// <summary>Whether a connection may pass because the helper expects it.</summary>
    public bool Expecting(byte protocol, ushort port)
    {
        foreach (var expected in Expects)
        {
            if (expected.Matches(protocol, port))
            {
                return true;
            }
        }

        return false;
    }

    private static PortMatch Unprivileged(byte protocol) =>
        PortMatch.TryCreate(protocol, 1024, ushort.MaxValue, out var ports) ? ports : throw new ArgumentOutOfRangeException(nameof(protocol));

    /// <inheritdoc/>
    public override string ToString() => Name;
}
