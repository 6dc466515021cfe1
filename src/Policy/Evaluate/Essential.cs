using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Evaluate;

/// <summary>
/// The short list that no policy cuts (design, section 2, step 1), as far as it concerns new connections: what is established, and ICMP
/// errors related to it, never comes to be judged again.
/// </summary>
public static class Essential
{
    private const byte Igmp = 2;

    /// <summary>Whether a connection is essential whatever the host policy says: loopback, neighbour discovery, MLD, IGMP, DHCP.</summary>
    public static bool Always(Direction direction, IpAddress local, IpAddress peer, byte protocol, ushort port) => protocol switch
    {
        _ when peer.IsLoopback || peer == local => true,
        Igmp => true,
        // Packet too big (2), MLD (130–132, 143), neighbour and router discovery (133–136); redirects (137) are not among them.
        IpProtocol.IcmpV6 => port is 2 or (>= 130 and <= 136) or 143,
        IpProtocol.Udp when direction == Direction.Outbound => (port == 67 && !peer.IsV6) || (port == 547 && peer.IsV6 && (peer.IsLinkLocal || peer.IsMulticast)),
        IpProtocol.Udp => (port == 68 && !peer.IsV6) || (port == 546 && peer.IsV6 && peer.IsLinkLocal),
        _ => false,
    };

    /// <summary>Whether, by direction and port, the peer's address may make a connection essential.</summary>
    internal static bool AsksForPeer(HostPolicy policy, Direction direction, byte protocol, ushort port)
    {
        if (direction == Direction.Inbound)
        {
            foreach (var entry in policy.FailSafe)
            {
                if (Matches(entry.Ports, protocol, port))
                {
                    return true;
                }
            }

            return false;
        }

        foreach (var controller in policy.Controllers)
        {
            if (controller.Port == port && protocol == IpProtocol.Tcp)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether it goes to the controller's agent channel.</summary>
    public static bool Controller(HostPolicy policy, Direction direction, IpAddress peer, byte protocol, ushort port)
    {
        if (direction == Direction.Outbound && protocol == IpProtocol.Tcp)
        {
            foreach (var controller in policy.Controllers)
            {
                if (controller.Port == port && controller.Address == peer)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Whether the operator's fail-safe list opens it.</summary>
    public static bool FailSafe(HostPolicy policy, Direction direction, IpAddress peer, byte protocol, ushort port)
    {
        if (direction == Direction.Inbound)
        {
            foreach (var entry in policy.FailSafe)
            {
                if (Matches(entry.Ports, protocol, port) && Contains(entry.Sources, peer))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool Matches(EquatableArray<PortMatch> ports, byte protocol, ushort port)
    {
        foreach (var match in ports)
        {
            if (match.Matches(protocol, port))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Contains(EquatableArray<IpPrefix> prefixes, IpAddress address)
    {
        foreach (var prefix in prefixes)
        {
            if (prefix.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
