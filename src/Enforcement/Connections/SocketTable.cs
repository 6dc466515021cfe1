using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Connections;

/// <summary>The host's TCP connections, and the listeners that decide their directions; the UDP sockets too, if somebody asks whose they are.</summary>
public sealed class SocketTable
{
    private readonly ILookup<ushort, LocalSocket> _listeners;
    private readonly ILookup<(byte Protocol, ushort Port), LocalSocket> _byPort;
    private readonly Func<LocalSocket, SocketFacts> _facts;

    /// <summary>Sorts sockets out; of TCP, what is neither a listener nor live is left out.</summary>
    /// <param name="sockets">TCP sockets, and UDP sockets where their owners matter.</param>
    /// <param name="facts">Whose a socket is; null where that does not matter.</param>
    public SocketTable(IReadOnlyList<LocalSocket> sockets, Func<LocalSocket, SocketFacts>? facts = null)
    {
        Live = [.. sockets.Where(socket => socket.IsLive)];
        _listeners = sockets.Where(s => s is { State: SocketState.Listen, Protocol: IpProtocol.Tcp }).ToLookup(s => s.LocalPort);
        _facts = facts ?? (static _ => SocketFacts.Unidentified);
        _byPort = sockets.Where(s => facts is not null && (s.Protocol != IpProtocol.Tcp || s.IsLive)).ToLookup(s => (s.Protocol, s.LocalPort));
    }

    /// <summary>Live connections, in the order given.</summary>
    public IReadOnlyList<LocalSocket> Live { get; }

    /// <summary>Whether the host takes connections to an address and port of its own.</summary>
    public bool Listens(IpAddress address, ushort port) => _listeners[port].Any(listener => listener.ListensTo(address, port));

    /// <summary>Whether the host is a connection's provider.</summary>
    public bool IsInbound(LocalSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        return Listens(socket.Local, socket.LocalPort);
    }

    /// <summary>Whose a socket is.</summary>
    public SocketFacts FactsOf(LocalSocket socket) => _facts(socket);

    /// <summary>Whose the host's end of a connection is; unrecorded if there is no socket, or several that differ.</summary>
    /// <param name="outgoing">The connection as the host's end sends it.</param>
    public SocketFacts FactsOf(FlowTuple outgoing)
    {
        var owners = _byPort[(outgoing.Protocol, outgoing.SourcePort)]
            .Where(socket => socket.Local.Bits == 0 || socket.Local == outgoing.Source)
            .Where(socket => socket.RemotePort == 0 || (socket.Remote == outgoing.Destination && socket.RemotePort == outgoing.DestinationPort))
            .Select(_facts).Distinct().ToArray();
        return owners is [var owner] ? owner : SocketFacts.Unrecorded;
    }

    /// <summary>A connection from its consumer to its provider.</summary>
    public FlowTuple Original(LocalSocket socket)
    {
        var outgoing = socket.Outgoing;
        return IsInbound(socket) ? outgoing.Mirror() : outgoing;
    }
}
