using Bulkhead.Agent.Linux;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Linux.Sockets;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Telemetry;

/// <summary>
/// Says which flow a connection or a blocked packet belongs to: its direction, by the host's addresses, and the host's own process. A process
/// is named only if the kernel says that it holds the socket; everything that names one is here.
/// </summary>
internal sealed class FlowResolver(SocketDiagnostics sockets, ProcessTable processes, ListenerTable listeners, LookupBudget budget)
{
    private const long ByDefault = 0;
    private const long ByQuarantine = -1;
    private const long ByInvalid = -2;

    /// <summary>The addresses of the host, by which directions are told apart.</summary>
    public HostAddresses Addresses { get; set; } = new([]);

    /// <summary>The flow of a connection, or null if it stays on the host or only passes through.</summary>
    public FlowKey? KeyOf(ConntrackRecord record)
    {
        var outbound = Addresses.IsLocal(record.Consumer);
        var inbound = Addresses.IsLocal(record.Provider) || (!outbound && Addresses.IsGroup(record.Provider));
        if (outbound == inbound || record.Consumer.IsLoopback || record.Provider.IsLoopback)
        {
            return null;
        }

        if (IsBackwards(record, inbound))
        {
            record = record with { Consumer = record.Provider, ConsumerPort = record.Port, Provider = record.Consumer, Port = record.ConsumerPort };
            inbound = !inbound;
        }

        if (inbound)
        {
            return Inbound(record.Protocol, record.Provider, record.Consumer, record.Port);
        }

        var key = new FlowKey(Direction.Outbound, record.Consumer, record.Provider, record.Protocol, record.Port, null);
        // Of a connection that is gone nobody holds the socket any more.
        return record.Event == ConntrackEvent.Destroyed ? key : key with { Process = HolderOf(key, record.ConsumerPort) };
    }

    /// <summary>The flow of a blocked packet, or null if it is not known which connection it would have belonged to.</summary>
    public FlowKey? KeyOf(in BlockedPacket packet)
    {
        var inbound = packet.Why.Direction == Direction.Inbound;
        var key = inbound
            ? Inbound(packet.Protocol, packet.Destination, packet.Source, packet.Port)
            : new FlowKey(Direction.Outbound, packet.Source, packet.Destination, packet.Protocol, packet.Port, null);
        if (packet.Why.Reason == BlockReason.Invalid && key.Process is null)
        {
            // A packet from the middle of a connection does not say who opened it; only a listener at its port does.
            return null;
        }

        if (!inbound)
        {
            key = key with { Process = HolderOf(key, packet.SourcePort) };
        }

        return key with
        {
            Blocked = true,
            DecidedBy = packet.Why.Reason switch
            {
                BlockReason.Quarantine => ByQuarantine,
                BlockReason.Invalid => ByInvalid,
                BlockReason.Default => ByDefault,
                _ => packet.Why.Rule!.Value.Value,
            },
        };
    }

    /// <summary>
    /// Conntrack takes whose packet it sees first for the consumer; of a connection that is older than our table that may have been the
    /// provider. The host's own socket tells: a listener's port is the provider's, a connected socket at no listener's port the consumer's.
    /// </summary>
    private bool IsBackwards(ConntrackRecord record, bool inbound) =>
        record.Protocol == IpProtocol.Tcp && record.Event != ConntrackEvent.Destroyed && (inbound
            ? listeners.Find(record.Protocol, record.Provider, record.Port) is null
                && sockets.Find(record.Protocol, record.Provider, record.Port, record.Consumer, record.ConsumerPort) is { State: SocketState.Established }
            : listeners.Knows(record.Protocol, record.Consumer, record.ConsumerPort));

    private FlowKey Inbound(byte protocol, IpAddress local, IpAddress remote, ushort port)
    {
        var listener = IpProtocol.HasPorts(protocol) ? listeners.Find(protocol, local, port) : null;
        return new FlowKey(Direction.Inbound, local, remote, protocol, port, listener?.Process);
    }

    private ProcessFacts? HolderOf(FlowKey key, ushort localPort) =>
        key.Protocol is not (IpProtocol.Tcp or IpProtocol.Udp)
            ? null
            : budget.Spend(key, () =>
                sockets.Find(key.Protocol, key.Local, localPort, key.Remote, key.Port) is { Inode: > 0 } socket
                    ? processes.HolderOf(socket.Inode, socket.CgroupId)
                    : null);
}
