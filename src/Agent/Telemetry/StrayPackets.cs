using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Telemetry;

/// <summary>
/// Knows a live connection by its dropped segment: the host has its socket, but conntrack no longer has its entry. That is how a loss of
/// entries shows of which the kernel told nobody, as of those that are older than every listener to conntrack's events.
/// </summary>
internal sealed class StrayPackets(SocketDiagnostics sockets, Conntrack conntrack)
{
    /// <summary>Whether a blocked packet belongs to a live connection that conntrack does not know.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public bool ShowLoss(in BlockedPacket packet)
    {
        if (packet is not { Why.Reason: BlockReason.Invalid, Protocol: IpProtocol.Tcp })
        {
            return false;
        }

        var socket = packet.Why.Direction == Direction.Inbound
            ? sockets.Find(IpProtocol.Tcp, packet.Destination, packet.Port, packet.Source, packet.SourcePort)
            : sockets.Find(IpProtocol.Tcp, packet.Source, packet.SourcePort, packet.Destination, packet.Port);
        return socket is { IsLive: true }
            && conntrack.Find(new FlowTuple(IpProtocol.Tcp, packet.Source, packet.SourcePort, packet.Destination, packet.Port)) is null;
    }
}
