using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Connections;

/// <summary>The host's TCP connections, and the listeners that decide their directions.</summary>
public sealed class SocketTable
{
    private readonly ILookup<ushort, LocalSocket> _listeners;

    /// <summary>Sorts sockets out; what is neither a listener nor live is left out.</summary>
    public SocketTable(IReadOnlyList<LocalSocket> sockets)
    {
        Live = [.. sockets.Where(socket => socket.IsLive)];
        _listeners = sockets.Where(s => s is { State: SocketState.Listen, Protocol: IpProtocol.Tcp }).ToLookup(s => s.LocalPort);
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

    /// <summary>A connection from its consumer to its provider.</summary>
    public FlowTuple Original(LocalSocket socket)
    {
        var outgoing = socket.Outgoing;
        return IsInbound(socket) ? outgoing.Mirror() : outgoing;
    }
}
