using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Connections;

/// <summary>A connection as the host that is one end of it judges it.</summary>
/// <param name="Direction">Whether the host is the provider or the consumer.</param>
/// <param name="Local">The host's own address.</param>
/// <param name="Peer">The other end's.</param>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Port">The provider's port, or the ICMP type.</param>
/// <param name="Facts">Whose the host's own socket is.</param>
internal readonly record struct HostEnd(Direction Direction, IpAddress Local, IpAddress Peer, byte Protocol, ushort Port, SocketFacts Facts)
{
    /// <summary>The host's end of what conntrack holds; null if it stays on the host or only passes through.</summary>
    public static HostEnd? Of(IReadOnlySet<IpAddress> local, SocketTable sockets, TrackedConnection connection)
    {
        // The reply's source is the provider as the filter hooks see it, behind destination NAT.
        var (original, reply) = (connection.Original, connection.Reply);
        var toUs = IsLocal(local, reply.Source);
        var fromUs = IsLocal(local, original.Source);
        if (toUs == fromUs)
        {
            return null;
        }

        var protocol = original.Protocol;
        var facts = sockets.FactsOf(toUs ? reply : original);
        if (fromUs && protocol == IpProtocol.Tcp && sockets.Listens(original.Source, original.SourcePort))
        {
            return new(Direction.Inbound, original.Source, reply.Source, protocol, original.SourcePort, facts);
        }

        var port = IpProtocol.IsIcmp(protocol) ? (ushort)(original.DestinationPort >> 8) : reply.SourcePort;
        return toUs
            ? new(Direction.Inbound, reply.Source, original.Source, protocol, port, facts)
            : new(Direction.Outbound, original.Source, reply.Source, protocol, port, facts);
    }

    /// <summary>The helper that a policy gives to a connection that this one stems from; null if it stems from none, or that one is given none or forbidden.</summary>
    /// <param name="evaluator">The policy.</param>
    /// <param name="local">Addresses of the host.</param>
    /// <param name="sockets">Sockets of the host.</param>
    /// <param name="connection">The connection.</param>
    /// <param name="find">The entry that a packet belongs to, if there is one.</param>
    public static ConnectionHelper? ExpectedBy(
        HostEvaluator evaluator, IReadOnlySet<IpAddress> local, SocketTable sockets, TrackedConnection connection, Func<FlowTuple, TrackedConnection?> find)
    {
        for (var i = 0; i < TrackedConnection.MostGenerations && connection.Parent is { } first; i++)
        {
            connection = find(first) ?? new(first, first.Mirror(), connection.Zone, 0);
            if (Of(local, sockets, connection) is { } end && end.HelperBy(evaluator) is { } helper)
            {
                return helper;
            }
        }

        return null;
    }

    /// <summary>The helper that a policy gives to it; null for none.</summary>
    public ConnectionHelper? HelperBy(HostEvaluator evaluator) => evaluator.HelperOf(Direction, Local, Peer, Protocol, Port, Facts);

    /// <summary>What is not TCP loses only its entry, so that its next packet is judged as a first one: there, what is not certain is not left.</summary>
    public bool IsBlockedBy(HostEvaluator evaluator, ConnectionHelper? expectedBy = null)
    {
        var decision = expectedBy is null
            ? evaluator.Decide(Direction, Local, Peer, Protocol, Port, Facts)
            : evaluator.DecideExpected(expectedBy, Direction, Local, Peer, Protocol, Port, Facts);
        return decision.Outcome == Outcome.Block || (decision.Outcome == Outcome.Unknown && Protocol != IpProtocol.Tcp);
    }

    /// <summary>Whether an address is the host's.</summary>
    public static bool IsLocal(IReadOnlySet<IpAddress> local, IpAddress address) => address.IsLoopback || local.Contains(address);
}
