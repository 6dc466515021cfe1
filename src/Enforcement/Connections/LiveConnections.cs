using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Connections;

/// <summary>
/// What to do with connections that exist, in this order. Conntrack has to know a connection for as long as its socket ends, else the
/// reset is a stray, is dropped, and the peer hangs.
/// </summary>
/// <param name="Admit">Connections to put into conntrack because it does not know them, forbidden ones too.</param>
/// <param name="Destroy">Sockets to destroy.</param>
/// <param name="Forget">Connections to take out of conntrack.</param>
public sealed record LiveChanges(
    IReadOnlyList<FlowTuple> Admit,
    IReadOnlyList<LocalSocket> Destroy,
    IReadOnlyList<TrackedConnection> Forget)
{
    /// <summary>Nothing to do.</summary>
    public static LiveChanges None { get; } = new([], [], []);
}

/// <summary>Judges live connections by a policy that came after them.</summary>
public static class LiveConnections
{
    /// <summary>Whether a policy can be against any connection at all.</summary>
    public static bool CanEnd(HostPolicy policy) =>
        policy.Quarantined || policy.QuarantinedPeers.Count > 0 || policy.Modes != default;

    /// <summary>
    /// What has to end, and, after a loss of conntrack's state, what has to be admitted again.
    /// The direction of a TCP connection is decided by the listener: whatever packet conntrack happened to see first,
    /// a connection on a port that the host listens to is inbound.
    /// </summary>
    /// <param name="evaluator">The policy that is now in force.</param>
    /// <param name="local">Addresses of the host.</param>
    /// <param name="tracked">All that conntrack holds, of every zone.</param>
    /// <param name="sockets">All TCP sockets of the host, listeners among them.</param>
    public static LiveChanges Judge(
        HostEvaluator evaluator,
        IReadOnlySet<IpAddress> local,
        IReadOnlyList<TrackedConnection> tracked,
        IReadOnlyList<LocalSocket> sockets)
    {
        ArgumentNullException.ThrowIfNull(evaluator);
        var listeners = sockets.Where(s => s is { State: SocketState.Listen, Protocol: IpProtocol.Tcp }).ToLookup(s => s.LocalPort);
        var known = tracked.SelectMany<TrackedConnection, FlowTuple>(c => [c.Original, c.Reply]).ToHashSet();
        var destroy = new List<LocalSocket>();
        var admit = new List<FlowTuple>();
        foreach (var socket in sockets.Where(s => s.IsLive))
        {
            var direction = Listens(listeners, socket.Local, socket.LocalPort) ? Direction.Inbound : Direction.Outbound;
            var port = direction == Direction.Inbound ? socket.LocalPort : socket.RemotePort;
            if (Blocks(evaluator, direction, socket.Local, socket.Remote, IpProtocol.Tcp, port))
            {
                destroy.Add(socket);
            }

            if (socket.State is not (SocketState.SynSent or SocketState.SynReceived) && !IsLocal(local, socket.Remote))
            {
                var outgoing = new FlowTuple(IpProtocol.Tcp, socket.Local, socket.LocalPort, socket.Remote, socket.RemotePort);
                var tuple = direction == Direction.Outbound ? outgoing : Mirror(outgoing);
                if (!known.Contains(tuple) && !known.Contains(Mirror(tuple)))
                {
                    admit.Add(tuple);
                }
            }
        }

        return new(admit, destroy, [.. tracked.Where(c => IsForbidden(evaluator, local, listeners, c))]);
    }

    private static bool IsForbidden(
        HostEvaluator evaluator, IReadOnlySet<IpAddress> local, ILookup<ushort, LocalSocket> listeners, TrackedConnection connection)
    {
        // The reply's source is the provider as the filter hooks see it, behind destination NAT.
        var (original, reply) = (connection.Original, connection.Reply);
        var toUs = IsLocal(local, reply.Source);
        var fromUs = IsLocal(local, original.Source);
        if (toUs == fromUs)
        {
            return false;
        }

        var protocol = original.Protocol;
        if (fromUs && protocol == IpProtocol.Tcp && Listens(listeners, original.Source, original.SourcePort))
        {
            return Blocks(evaluator, Direction.Inbound, original.Source, reply.Source, protocol, original.SourcePort);
        }

        var port = IpProtocol.IsIcmp(protocol) ? (ushort)(original.DestinationPort >> 8) : reply.SourcePort;
        return toUs
            ? Blocks(evaluator, Direction.Inbound, reply.Source, original.Source, protocol, port)
            : Blocks(evaluator, Direction.Outbound, original.Source, reply.Source, protocol, port);
    }

    private static bool Blocks(HostEvaluator evaluator, Direction direction, IpAddress local, IpAddress peer, byte protocol, ushort port) =>
        evaluator.Decide(direction, local, peer, protocol, port, SocketFacts.Unidentified).Outcome == Outcome.Block;

    private static bool Listens(ILookup<ushort, LocalSocket> listeners, IpAddress address, ushort port) =>
        listeners[port].Any(l => l.ListensTo(address, port));

    private static bool IsLocal(IReadOnlySet<IpAddress> local, IpAddress address) => address.IsLoopback || local.Contains(address);

    private static FlowTuple Mirror(FlowTuple tuple) =>
        new(tuple.Protocol, tuple.Destination, tuple.DestinationPort, tuple.Source, tuple.SourcePort);
}
