using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Telemetry;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Linux.Sockets;

/// <summary>A socket that takes connections.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Address">Its address, or null for every address.</param>
/// <param name="Port">Its port.</param>
/// <param name="Process">Who holds it, or null if that is not known.</param>
internal sealed record HostListener(byte Protocol, IpAddress? Address, ushort Port, ProcessFacts? Process);

/// <summary>The host's listeners with their processes. For one thread, except <see cref="Current"/>.</summary>
internal sealed class ListenerTable(SocketDiagnostics sockets, ProcessTable processes, TimeProvider time, OwnerFeed? owners = null)
{
    private const int MostTries = 3;
    private static readonly TimeSpan _leastAge = TimeSpan.FromSeconds(1);

    private readonly Dictionary<uint, Holder> _holders = [];
    private Dictionary<(byte Protocol, ushort Port), List<LocalSocket>> _byPort = [];
    private EquatableArray<HostListener> _current;
    private long? _readAt;
    private ulong _fingerprint;
    private EphemeralPorts _ephemeral;

    /// <summary>Listeners on ports that are not for outgoing connections; in canonical order. From any thread.</summary>
    public IReadOnlyList<HostListener> Current { get; private set; } = [];

    /// <summary>Reads them again if sockets have come or gone since they were read last; whether <see cref="Current"/> changed. Cheap.</summary>
    public bool Look()
    {
        var found = Dump();
        return Fingerprint(found) != _fingerprint && Take(found);
    }

    /// <summary>Reads them again; whether <see cref="Current"/> changed.</summary>
    public bool Refresh() => Take(Dump());

    private bool Take(List<LocalSocket> found)
    {
        _readAt = time.GetTimestamp();
        _fingerprint = Fingerprint(found);
        owners?.KeepListeners(found.Where(socket => socket.Protocol == IpProtocol.Tcp).Select(socket => socket.Cookie).ToHashSet());
        var gone = _holders.Keys.Except(found.Select(socket => socket.Inode)).ToList();
        gone.ForEach(inode => _holders.Remove(inode));
        _byPort = found.GroupBy(socket => (socket.Protocol, socket.LocalPort)).ToDictionary(group => group.Key, group => group.ToList());

        // A name server has thousands of sockets at ephemeral ports: their holders are looked for where somebody asks.
        var told = (from socket in found
                    where IsTold(socket.Protocol, socket.LocalPort)
                    let listener = new HostListener(socket.Protocol, socket.Local.Bits == 0 ? null : socket.Local, socket.LocalPort, HolderOf(socket))
                    orderby listener.Protocol, listener.Port, listener.Address?.ToString() ?? ""
                    select listener).Distinct().ToEquatableArray();
        if (told == _current)
        {
            return false;
        }

        _current = told;
        Current = told;
        return true;
    }

    /// <summary>Whether a connection to a local address and port reaches a listener. Looks again if none is known, at most once a second.</summary>
    public bool Serves(byte protocol, IpAddress local, ushort port) => Find(protocol, local, port) is not null;

    /// <summary>Who holds the listener that a connection to a local address and port reaches; null if there is none, or nobody is found. Looks again likewise.</summary>
    public ProcessFacts? HolderAt(byte protocol, IpAddress local, ushort port) => Find(protocol, local, port) is { } socket ? HolderOf(socket) : null;

    /// <summary>Whether a port is for those who connect, as the kernel gave them when listeners were read last.</summary>
    public bool IsEphemeral(ushort port) => _ephemeral.Contains(port);

    /// <summary>Whether there was a listener for a local address and port when they were read last.</summary>
    public bool Knows(byte protocol, IpAddress local, ushort port) => Match(protocol, local, port) is not null;

    private List<LocalSocket> Dump()
    {
        _ephemeral = EphemeralPorts.Read();
        var found = sockets.Dump(IpProtocol.Tcp, SocketDiagnostics.States(SocketState.Listen));
        // A UDP socket without a peer takes datagrams from anybody.
        found.AddRange(sockets.Dump(IpProtocol.Udp, SocketDiagnostics.States(SocketState.Close)).Where(socket => socket.LocalPort > 0));
        return found;
    }

    /// <summary>A number that another set of sockets will hardly have; of those alone that are told of, since others come and go all the time.</summary>
    private ulong Fingerprint(List<LocalSocket> found)
    {
        var sum = 0UL;
        foreach (var socket in found)
        {
            if (IsTold(socket.Protocol, socket.LocalPort))
            {
                sum += (socket.Cookie + 1) * 0x9e3779b97f4a7c15;
            }
        }

        return sum;
    }

    private bool IsTold(byte protocol, ushort port) => protocol == IpProtocol.Tcp || !_ephemeral.Contains(port);

    private LocalSocket? Find(byte protocol, IpAddress local, ushort port)
    {
        if (Match(protocol, local, port) is { } known)
        {
            return known;
        }

        if (_readAt is { } at && time.GetElapsedTime(at) < _leastAge)
        {
            return null;
        }

        Refresh();
        return Match(protocol, local, port);
    }

    private LocalSocket? Match(byte protocol, IpAddress local, ushort port) =>
        _byPort.TryGetValue((protocol, port), out var listeners)
        && (listeners.FindIndex(listener => listener.Local == local) is >= 0 and var at || (at = listeners.FindIndex(listener => listener.Local.Bits == 0)) >= 0)
            ? listeners[at]
            : null;

    private ProcessFacts? HolderOf(LocalSocket socket)
    {
        if (_holders.TryGetValue(socket.Inode, out var holder))
        {
            if (holder.Process is { } known ? processes.Find(known.Pid) == known : holder.Tries >= MostTries)
            {
                return holder.Process;
            }
        }

        // Who began to listen may have ended since, and left the socket to another.
        var process = socket.Inode == 0 ? null
            : owners?.Listener(socket.Cookie).Process is { } told && processes.Find(told.Pid) == told ? told
            : processes.HolderOf(socket.Inode, socket.CgroupId);
        // The kernel's own listeners have no holder, and are not looked for over and over.
        _holders[socket.Inode] = new(process, process is null ? holder.Tries + 1 : 0);
        return process;
    }

    private readonly record struct Holder(ProcessFacts? Process, int Tries);
}
