namespace Bulkhead.Policy.Services;

/// <summary>
/// One of the kernel's connection-tracking helpers: it reads along in a connection, and tells conntrack which further ones its two ends agree upon there
/// (net/netfilter/nf_conntrack_*.c). Those that let anybody at all connect, as IRC's does, or that come as a tree, as H.323's do, are not among them.
/// </summary>
/// <param name="Name">As the kernel and policy name it.</param>
/// <param name="Follows">Protocols of connections that it can be given to; sorted.</param>
/// <param name="Expects">Protocols of connections that it expects; sorted.</param>
public sealed record ConnectionHelper(string Name, EquatableArray<byte> Follows, EquatableArray<byte> Expects)
{
    private const byte Gre = 47;

    /// <summary>All that policy may name, by name. Those of NetBIOS, PPTP and SNMP know IPv4 only.</summary>
    public static IReadOnlyList<ConnectionHelper> All { get; } =
    [
        new("amanda", [IpProtocol.Udp], [IpProtocol.Tcp]),
        new("ftp", [IpProtocol.Tcp], [IpProtocol.Tcp]),
        new("netbios-ns", [IpProtocol.Udp], [IpProtocol.Udp]),
        new("pptp", [IpProtocol.Tcp], [Gre]),
        new("sane", [IpProtocol.Tcp], [IpProtocol.Tcp]),
        new("sip", [IpProtocol.Tcp, IpProtocol.Udp], [IpProtocol.Tcp, IpProtocol.Udp]),
        new("snmp", [IpProtocol.Udp], [IpProtocol.Udp]),
        new("tftp", [IpProtocol.Udp], [IpProtocol.Udp]),
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

    /// <inheritdoc/>
    public override string ToString() => Name;
}
