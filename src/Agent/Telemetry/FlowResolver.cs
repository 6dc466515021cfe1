using Bulkhead.Agent.Linux;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Linux.Sockets;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Marks;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Telemetry;

/// <summary>
/// Says which flow a connection or a blocked packet belongs to: its direction, by the host's addresses, and the host's own process. A process
/// is named only if our programs saw it make the connection, or the kernel says that it holds the socket; everything that names one is here.
/// </summary>
/// <param name="sockets">Asked for sockets of which nothing was told.</param>
/// <param name="processes">Asked who holds them.</param>
/// <param name="listeners">The host's listeners.</param>
/// <param name="budget">Bounds what asking costs.</param>
/// <param name="owners">What our programs told; null where the kernel does not take them.</param>
/// <param name="sessions">Asked where connections were agreed upon.</param>
/// <param name="mark">What connections bear that our table gave a helper, and those that these expect.</param>
internal sealed class FlowResolver(SocketDiagnostics sockets, ProcessTable processes, ListenerTable listeners, LookupBudget budget, Sessions sessions, OwnerFeed? owners = null, uint mark = MarkTable.DefaultMask)
{
    private const long ByDefault = 0;
    private const long ByQuarantine = -1;
    private const long ByInvalid = -2;

    /// <summary>The addresses of the host, by which directions are told apart.</summary>
    public HostAddresses Addresses { get; set; } = new([]);

    /// <summary>
    /// The flow of a connection; none if it stays on the host or only passes through. What a helper expects that a rule named is allowed by that rule, and
    /// counts in the flow of the connection on which it was agreed upon; by itself it would look like what nothing allows.
    /// </summary>
    /// <param name="record">The connection.</param>
    /// <param name="isLast">Whether who made it is to be looked for even where that is dear, since it will not be asked again.</param>
    public Resolution Resolve(in ConntrackRecord record, bool isLast)
    {
        var resolved = ByItself(record, isLast);
        return resolved.Key is { } key && (record.Mark & mark) == mark && sessions.Of(record) is { } session
            ? resolved with
            {
                Key = key with
                {
                    Direction = Addresses.IsLocal(session.Consumer) ? Direction.Outbound : Direction.Inbound,
                    Protocol = session.Protocol,
                    Port = session.Port,
                },
            }
            : resolved;
    }

    private Resolution ByItself(in ConntrackRecord record, bool isLast)
    {
        var outbound = Addresses.IsLocal(record.Consumer);
        var inbound = Addresses.IsLocal(record.Provider) || (!outbound && Addresses.IsGroup(record.Provider));
        if (outbound == inbound || record.Consumer.IsLoopback || record.Provider.IsLoopback)
        {
            return new(null, true);
        }

        var isBackwards = IsBackwards(record, inbound);
        if (inbound != isBackwards)
        {
            var (local, port, remote, remotePort) = isBackwards
                ? (record.Consumer, record.ConsumerPort, record.Provider, record.Port)
                : (record.Provider, record.Port, record.Consumer, record.ConsumerPort);
            var taker = Taker(new(record.Protocol, remote, remotePort, local, port), isConnection: true, isLast);
            return new(new FlowKey(Direction.Inbound, local, remote, record.Protocol, port, taker.Process), taker.IsKnown);
        }

        var original = isBackwards ? new(record.Protocol, record.Provider, record.Port, record.Consumer, record.ConsumerPort) : record.Original;
        var key = isBackwards
            ? new FlowKey(Direction.Outbound, record.Provider, record.Consumer, record.Protocol, record.ConsumerPort, null)
            : new FlowKey(Direction.Outbound, record.Consumer, record.Provider, record.Protocol, record.Port, null);
        var maker = Maker(key, original, isLast, isConnection: true, isGone: record.Event == ConntrackEvent.Destroyed);
        return new(key with { Process = maker.Process }, maker.IsKnown);
    }

    /// <summary>The flow of a blocked packet, or null if it is not known which connection it would have belonged to.</summary>
    public FlowKey? KeyOf(in BlockedPacket packet)
    {
        var inbound = packet.Why.Direction == Direction.Inbound;
        var key = inbound
            ? new FlowKey(
                Direction.Inbound, packet.Destination, packet.Source, packet.Protocol, packet.Port,
                Taker(new(packet.Protocol, packet.Source, packet.SourcePort, packet.Destination, packet.Port), isConnection: false, isLast: true).Process)
            : new FlowKey(Direction.Outbound, packet.Source, packet.Destination, packet.Protocol, packet.Port, null);
        if (packet.Why.Reason == BlockReason.Invalid && key.Process is null)
        {
            // A packet from the middle of a connection does not say who opened it; only a listener at its port does.
            return null;
        }

        if (!inbound)
        {
            var tuple = new FlowTuple(packet.Protocol, packet.Source, packet.SourcePort, packet.Destination, packet.Port);
            key = key with { Process = Maker(key, tuple, isLast: true, isConnection: false, isGone: false).Process };
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
    private bool IsBackwards(in ConntrackRecord record, bool inbound) => record.Event != ConntrackEvent.Destroyed && record.Protocol switch
    {
        IpProtocol.Tcp => !record.BeganWithSyn && (inbound
            ? !listeners.Serves(record.Protocol, record.Provider, record.Port)
                && sockets.Find(record.Protocol, record.Provider, record.Port, record.Consumer, record.ConsumerPort) is { State: SocketState.Established }
            : listeners.Knows(record.Protocol, record.Consumer, record.ConsumerPort)),
        IpProtocol.Udp => record.MayBeAnswer && IsAnswer(record, inbound),
        _ => false,
    };

    /// <summary>
    /// Whether it is to an ephemeral port from one that is not, and the host is party to such an exchange: it has a socket for anybody at the other port, or somebody
    /// sent to there from the ephemeral one. To be asked only where that is not what anybody's first packet looks like: a program that sends from the port
    /// that it serves looks the same.
    /// </summary>
    private bool IsAnswer(in ConntrackRecord record, bool inbound) =>
        listeners.IsEphemeral(record.Port) && !listeners.IsEphemeral(record.ConsumerPort) && (inbound
            ? owners?.Outgoing(new(record.Protocol, record.Provider, record.Port, record.Consumer, record.ConsumerPort), isConnection: false).IsKnown == true
                || sockets.Find(record.Protocol, record.Provider, record.Port, record.Consumer, record.ConsumerPort) is not null
            : listeners.Serves(record.Protocol, record.Consumer, record.ConsumerPort));

    private Maker Taker(in FlowTuple tuple, bool isConnection, bool isLast)
    {
        if (!IpProtocol.HasPorts(tuple.Protocol))
        {
            return new(true, null);
        }

        if (owners?.Incoming(tuple, isConnection, isLast) is { IsKnown: true } told)
        {
            return told;
        }

        // Which of several processes takes it is known once it has.
        return isConnection && owners?.Awaits(tuple, isLast) == true
            ? new(isLast, null)
            : new(true, listeners.HolderAt(tuple.Protocol, tuple.Destination, tuple.DestinationPort));
    }

    private Maker Maker(in FlowKey key, FlowTuple tuple, bool isLast, bool isConnection, bool isGone)
    {
        if (owners?.Outgoing(tuple, isConnection) is { IsKnown: true } told)
        {
            return told;
        }

        // Of a connection that is gone nobody holds the socket any more.
        return isGone || key.Protocol is not (IpProtocol.Tcp or IpProtocol.Udp) ? new(isLast || owners is null, null)
            : owners is null || isLast ? new(true, HolderOf(key, tuple))
            : default;
    }

    private ProcessFacts? HolderOf(FlowKey key, FlowTuple tuple) => budget.Spend(key, () =>
        sockets.Find(tuple.Protocol, tuple.Source, tuple.SourcePort, tuple.Destination, tuple.DestinationPort) is { Inode: > 0 } socket
            ? processes.HolderOf(socket.Inode, socket.CgroupId)
            : null);
}
