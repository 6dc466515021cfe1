using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Connections;

/// <summary>
/// One direction of a connection. For ICMP, <paramref name="SourcePort"/> is the identifier and <paramref name="DestinationPort"/>
/// type × 256 + code; for protocols without ports both are 0.
/// </summary>
public readonly record struct FlowTuple(byte Protocol, IpAddress Source, ushort SourcePort, IpAddress Destination, ushort DestinationPort)
{
    /// <summary>The other direction, where no address is translated.</summary>
    public FlowTuple Mirror() => new(Protocol, Destination, DestinationPort, Source, SourcePort);
}

/// <summary>A connection as conntrack holds it.</summary>
/// <param name="Original">As the first packet had it.</param>
/// <param name="Reply">As answers have it; differs from the mirrored original by address translation.</param>
/// <param name="Zone">Conntrack's zone; 0 by default.</param>
/// <param name="Id">Conntrack's identifier, so that a successor with the same tuple is not mistaken for it.</param>
public sealed record TrackedConnection(FlowTuple Original, FlowTuple Reply, ushort Zone, uint Id)
{
    /// <summary>How many connections stem from each other one by one: a call (SIP) that a registration expects has its sound expected by the call.</summary>
    public const int MostGenerations = 4;

    /// <summary>The first packet of the connection that it stems from, where a helper expected it; null for most.</summary>
    public FlowTuple? Parent { get; init; }

    /// <summary>Its mark.</summary>
    public uint Mark { get; init; }

    /// <summary>The kernel's name of the helper that reads along in it; null for none.</summary>
    public string? Helper { get; init; }
}

/// <summary>States of TCP sockets, numbered as the kernel does.</summary>
public enum SocketState
{
    /// <summary>Open at both ends; for UDP, connected.</summary>
    Established = 1,

    /// <summary>Connecting.</summary>
    SynSent = 2,

    /// <summary>Being connected to.</summary>
    SynReceived = 3,

    /// <summary>Closed here, not acknowledged.</summary>
    FinWait1 = 4,

    /// <summary>Closed here.</summary>
    FinWait2 = 5,

    /// <summary>Over; kept to catch stragglers.</summary>
    TimeWait = 6,

    /// <summary>Not connected; for UDP, bound.</summary>
    Close = 7,

    /// <summary>Closed by the peer.</summary>
    CloseWait = 8,

    /// <summary>Closed by both, not acknowledged.</summary>
    LastAck = 9,

    /// <summary>Listening.</summary>
    Listen = 10,

    /// <summary>Closing at both ends at once.</summary>
    Closing = 11,

    /// <summary>Being connected to, without a socket of its own yet.</summary>
    NewSynReceived = 12,
}

/// <summary>A TCP or UDP socket as sock_diag shows it. IPv4 over an IPv6 socket has IPv4 addresses.</summary>
public sealed record LocalSocket
{
    /// <summary>TCP or UDP.</summary>
    public required byte Protocol { get; init; }

    /// <summary>Whether the socket itself is of IPv6.</summary>
    public required bool IsV6Socket { get; init; }

    /// <summary>Whether it takes nothing of IPv4, though its addresses may look as if; told of listeners and of datagram sockets without a peer.</summary>
    public bool OnlyV6 { get; init; }

    /// <summary>Its state.</summary>
    public required SocketState State { get; init; }

    /// <summary>Its own address; the zero address for any.</summary>
    public required IpAddress Local { get; init; }

    /// <summary>Its own port.</summary>
    public required ushort LocalPort { get; init; }

    /// <summary>The other end's address; the zero address for none.</summary>
    public required IpAddress Remote { get; init; }

    /// <summary>The other end's port; 0 for none.</summary>
    public required ushort RemotePort { get; init; }

    /// <summary>Index of the interface that it is bound to; 0 for any.</summary>
    public uint Interface { get; init; }

    /// <summary>Identifies the socket for as long as the machine runs.</summary>
    public ulong Cookie { get; init; }

    /// <summary>Its inode, as links in /proc/PID/fd name it; 0 if no process has it.</summary>
    public uint Inode { get; init; }

    /// <summary>The owner.</summary>
    public uint Uid { get; init; }

    /// <summary>The identifier of its cgroup v2; 0 if the kernel does not say.</summary>
    public ulong CgroupId { get; init; }

    /// <summary>Its mark; 0 if the kernel does not say.</summary>
    public uint Mark { get; init; }

    /// <summary>What it sends.</summary>
    public FlowTuple Outgoing => new(Protocol, Local, LocalPort, Remote, RemotePort);

    /// <summary>Whether it is a TCP connection, or on its way to be one, rather than a listener or what is left of one.</summary>
    public bool IsLive =>
        Protocol == IpProtocol.Tcp
        && State is not (SocketState.Listen or SocketState.Close or SocketState.TimeWait or SocketState.NewSynReceived)
        && RemotePort != 0;

    /// <summary>Whether it takes connections to an address and port of the host.</summary>
    public bool ListensTo(IpAddress address, ushort port) =>
        State == SocketState.Listen && LocalPort == port && (Local == address || (Local.Bits == 0 && (Local.IsV6 || !address.IsV6)));
}
