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
/// <param name="Forget">Connections to take out of conntrack: forbidden ones, and those that are no longer tracked.</param>
public sealed record LiveChanges(
    IReadOnlyList<LostConnection> Admit,
    IReadOnlyList<LocalSocket> Destroy,
    IReadOnlyList<TrackedConnection> Forget)
{
    /// <summary>Nothing to do.</summary>
    public static LiveChanges None { get; } = new([], [], []);
}

/// <summary>A live TCP connection that conntrack does not know.</summary>
/// <param name="Original">From its consumer to its provider, as the host sees them.</param>
/// <param name="State">How far its socket is.</param>
/// <param name="Helper">What the policy lets read along in it; null for nothing.</param>
public sealed record LostConnection(FlowTuple Original, SocketState State = SocketState.Established, ConnectionHelper? Helper = null);

/// <summary>A connection that its socket alone looks forbidden of.</summary>
/// <param name="Socket">The host's end.</param>
/// <param name="Original">From its consumer to its provider, as the host sees them.</param>
public sealed record SuspectSocket(LocalSocket Socket, FlowTuple Original);

/// <summary>Judges live connections by a policy that came after them.</summary>
public static class LiveConnections
{
    /// <summary>Whether a policy can be against any connection at all.</summary>
    public static bool CanEnd(HostPolicy policy) =>
        policy.Quarantined || policy.QuarantinedPeers.Count > 0 || policy.Modes != default;

    /// <summary>
    /// Whether a policy can be against a connection that another one was not against, or track others: not if it only lets more peers in, or keeps fewer out.
    /// </summary>
    public static bool CanEnd(HostPolicy before, HostPolicy after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        return CanEnd(after) && (!before.DiffersInMembersOnly(after) || before.PeerSets.Zip(after.PeerSets).Any(pair => Tightens(after, pair.First, pair.Second)));
    }

    private static bool Tightens(HostPolicy policy, PeerSet before, PeerSet after)
    {
        if (ReferenceEquals(before.Packed, after.Packed))
        {
            return false;
        }

        var (left, joined) = (false, false);
        AddressMembers.Compare(before.Packed, after.Packed, _ => left = true, _ => joined = true);
        // What is no longer tracked is to be forgotten, and what is tracked again admitted.
        var untracks = policy.Entries.Any(entry => entry.Stateless);
        // Whoever is to be helped from now on may be known without a helper.
        return policy.Entries.Any(entry => entry.Peers == after.Name
            && (entry.Action == RuleAction.Allow ? left || entry.Stateless || entry.Helper?.Follows.Contains(IpProtocol.Udp) == true : joined || (untracks && entry.Action == RuleAction.OverrideDeny)));
    }

    /// <summary>
    /// Forbidden connections, by the host's sockets alone. Conntrack's entry, which knows of address translation, has the last word:
    /// see <see cref="IsForbidden"/>.
    /// </summary>
    /// <param name="evaluator">The policy that is now in force.</param>
    /// <param name="local">Addresses of the host; what it says to itself is nobody's business.</param>
    /// <param name="sockets">TCP sockets of the host, live ones and listeners.</param>
    public static IReadOnlyList<SuspectSocket> Suspects(HostEvaluator evaluator, IReadOnlySet<IpAddress> local, SocketTable sockets)
    {
        ArgumentNullException.ThrowIfNull(evaluator);
        ArgumentNullException.ThrowIfNull(sockets);
        return [.. sockets.Live.Where(socket => IsSuspect(evaluator, local, sockets, socket)).Select(socket => new SuspectSocket(socket, sockets.Original(socket)))];
    }

    /// <summary>
    /// What has to end, and, after a loss of conntrack's state, what has to be admitted again.
    /// The direction of a TCP connection is decided by the listener: whatever packet conntrack happened to see first,
    /// a connection on a port that the host listens to is inbound.
    /// </summary>
    /// <param name="evaluator">The policy that is now in force.</param>
    /// <param name="local">Addresses of the host.</param>
    /// <param name="tracked">All that conntrack holds, of every zone.</param>
    /// <param name="sockets">TCP sockets of the host, live ones and listeners.</param>
    public static LiveChanges Judge(
        HostEvaluator evaluator,
        IReadOnlySet<IpAddress> local,
        IReadOnlyList<TrackedConnection> tracked,
        SocketTable sockets)
    {
        ArgumentNullException.ThrowIfNull(evaluator);
        ArgumentNullException.ThrowIfNull(sockets);
        var known = ByPacket(tracked);
        TrackedConnection? Find(FlowTuple packet) => known.GetValueOrDefault(packet);
        var destroy = new List<LocalSocket>();
        var admit = new List<LostConnection>();
        foreach (var socket in sockets.Live)
        {
            var original = sockets.Original(socket);
            var entry = known.GetValueOrDefault(original) ?? known.GetValueOrDefault(original.Mirror());
            if (IsSuspect(evaluator, local, sockets, socket) && (entry is null || IsForbidden(evaluator, local, sockets, entry, Find)))
            {
                destroy.Add(socket);
            }

            if (entry is null && socket.State is not (SocketState.SynSent or SocketState.SynReceived) && !HostEnd.IsLocal(local, socket.Remote) && !IsUntracked(evaluator, sockets, socket))
            {
                admit.Add(new(original, socket.State, EndOf(sockets, socket).HelperBy(evaluator)));
            }
        }

        return new(admit, destroy, [.. tracked.Where(c => IsForbidden(evaluator, local, sockets, c, Find) || IsUntracked(evaluator, local, c))]);
    }

    /// <summary>
    /// Connections that we gave a helper, as their marks say, and that the policy gives none, or another one: without our mark, what they agree upon from now on
    /// opens nothing. What they agreed upon before is judged as any connection is.
    /// </summary>
    /// <param name="evaluator">The policy that is now in force.</param>
    /// <param name="local">Addresses of the host.</param>
    /// <param name="tracked">All that conntrack holds, of every zone.</param>
    /// <param name="sockets">Sockets of the host.</param>
    /// <param name="mark">The bits of marks that say that we gave a connection its helper.</param>
    public static IReadOnlyList<TrackedConnection> HelpedNoMore(
        HostEvaluator evaluator, IReadOnlySet<IpAddress> local, IReadOnlyList<TrackedConnection> tracked, SocketTable sockets, uint mark)
    {
        ArgumentNullException.ThrowIfNull(evaluator);
        ArgumentNullException.ThrowIfNull(sockets);
        var helped = tracked.Where(connection => connection.Helper is not null && (connection.Mark & mark) == mark).ToList();
        if (helped.Count == 0)
        {
            return [];
        }

        var known = ByPacket(tracked);
        return [.. helped.Where(connection => HostEnd.Of(local, sockets, connection) is { } end
            && end.HelperBy(evaluator)?.Name != connection.Helper
            && HostEnd.ExpectedBy(evaluator, local, sockets, connection, packet => known.GetValueOrDefault(packet))?.Name != connection.Helper)];
    }

    /// <summary>
    /// UDP connections that the policy gives a helper, and that do not bear our mark: they are older than the rule. Once conntrack has forgotten them their next
    /// packet is taken for a first one, and gets it. One that others gave another helper is left alone.
    /// </summary>
    /// <param name="evaluator">The policy that is now in force.</param>
    /// <param name="local">Addresses of the host.</param>
    /// <param name="tracked">All that conntrack held once no earlier rules were in force any more.</param>
    /// <param name="sockets">Sockets of the host.</param>
    /// <param name="mark">The bits of marks that say that we gave a connection its helper.</param>
    public static IEnumerable<TrackedConnection> ToBeHelped(
        HostEvaluator evaluator, IReadOnlySet<IpAddress> local, IReadOnlyList<TrackedConnection> tracked, SocketTable sockets, uint mark)
    {
        ArgumentNullException.ThrowIfNull(evaluator);
        return !evaluator.GivesHelpers ? [] : tracked.Where(connection => connection.Original.Protocol == IpProtocol.Udp && (connection.Mark & mark) != mark
            && HostEnd.Of(local, sockets, connection)?.HelperBy(evaluator) is { } helper
            && (connection.Helper is null || connection.Helper == helper.Name));
    }

    private static Dictionary<FlowTuple, TrackedConnection> ByPacket(IReadOnlyList<TrackedConnection> tracked)
    {
        var known = new Dictionary<FlowTuple, TrackedConnection>(tracked.Count * 2);
        foreach (var connection in tracked)
        {
            known.TryAdd(connection.Original, connection);
            known.TryAdd(connection.Reply, connection);
        }

        return known;
    }

    /// <summary>Whether a policy forbids a connection of the host's own that conntrack holds.</summary>
    /// <param name="evaluator">The policy.</param>
    /// <param name="local">Addresses of the host.</param>
    /// <param name="sockets">TCP sockets of the host, live ones and listeners.</param>
    /// <param name="connection">The connection; with the one that it stems from it stands and falls.</param>
    /// <param name="find">The entry that a packet belongs to, if there is one.</param>
    public static bool IsForbidden(
        HostEvaluator evaluator, IReadOnlySet<IpAddress> local, SocketTable sockets, TrackedConnection connection, Func<FlowTuple, TrackedConnection?> find)
    {
        ArgumentNullException.ThrowIfNull(evaluator);
        ArgumentNullException.ThrowIfNull(sockets);
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(find);
        return HostEnd.Of(local, sockets, connection) is { } end && end.IsBlockedBy(evaluator)
            && !(HostEnd.ExpectedBy(evaluator, local, sockets, connection, find) is { } helper && !end.IsBlockedBy(evaluator, helper));
    }

    private static bool IsSuspect(HostEvaluator evaluator, IReadOnlySet<IpAddress> local, SocketTable sockets, LocalSocket socket) => !HostEnd.IsLocal(local, socket.Remote) && EndOf(sockets, socket).IsBlockedBy(evaluator);

    private static HostEnd EndOf(SocketTable sockets, LocalSocket socket) => sockets.IsInbound(socket)
        ? new(Direction.Inbound, socket.Local, socket.Remote, IpProtocol.Tcp, socket.LocalPort, sockets.FactsOf(socket))
        : new(Direction.Outbound, socket.Local, socket.Remote, IpProtocol.Tcp, socket.RemotePort, sockets.FactsOf(socket));

    /// <summary>Whether conntrack still holds what it is not told of any more. What it knows of a TCP connection's progress would be wrong once it is.</summary>
    private static bool IsUntracked(HostEvaluator evaluator, IReadOnlySet<IpAddress> local, TrackedConnection connection)
    {
        var original = connection.Original;
        return original == connection.Reply.Mirror() && IpProtocol.HasPorts(original.Protocol) && !(HostEnd.IsLocal(local, original.Source) && HostEnd.IsLocal(local, original.Destination))
            && (HostEnd.IsLocal(local, original.Destination) ? evaluator.IsUntracked(Direction.Inbound, original.Source, original.Protocol, original.DestinationPort, original.SourcePort)
                : HostEnd.IsLocal(local, original.Source) && evaluator.IsUntracked(Direction.Outbound, original.Destination, original.Protocol, original.DestinationPort, original.SourcePort));
    }

    private static bool IsUntracked(HostEvaluator evaluator, SocketTable sockets, LocalSocket socket) => sockets.IsInbound(socket)
        ? evaluator.IsUntracked(Direction.Inbound, socket.Remote, IpProtocol.Tcp, socket.LocalPort, socket.RemotePort)
        : evaluator.IsUntracked(Direction.Outbound, socket.Remote, IpProtocol.Tcp, socket.RemotePort, socket.LocalPort);
}
