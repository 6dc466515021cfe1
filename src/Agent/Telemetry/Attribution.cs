using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Telemetry;

/// <summary>Who made a connection, as far as that is known.</summary>
/// <param name="IsKnown">Whether somebody was seen making it.</param>
/// <param name="Process">Who; null if it is the kernel itself, or somebody of whom nothing is known.</param>
internal readonly record struct Maker(bool IsKnown, ProcessFacts? Process);

/// <summary>
/// Keeps what our programs tell of sockets until conntrack tells of their connections, which may be before or after. Bounded; for one thread.
/// </summary>
/// <param name="nameOf">Says who an identity is.</param>
internal sealed class Attribution(Func<OwnerIdentity, ProcessFacts?> nameOf)
{
    private const int Most = 65_536;
    private const int MostSockets = 16_384;
    private const int WindowsKept = 2;
    private const int Kept = 8192;

    private readonly Dictionary<Ends, Told> _connections = [];
    private readonly Dictionary<ulong, OpenSocket> _open = [];
    private readonly Dictionary<(byte Protocol, ushort Port), List<ulong>> _atPort = [];
    private readonly List<ulong> _closing = [];
    private readonly List<OpenSocket> _fitting = [];

    // TCP listeners that were closed in this window and the one before: what was not read of their connections by then may still be told as accepted there.
    private HashSet<ulong> _closed = [];
    private HashSet<ulong> _closedBefore = [];
    private ulong _dropped;
    private long _batch;
    private int _window;

    /// <summary>
    /// Asked where the ends of a connection come again before it was asked whose it is: settles it, as taken by the process that was told so many batches ago, and says whether it did.
    /// It is not to ask back.
    /// </summary>
    public Func<FlowTuple, ProcessFacts?, long, bool>? Settle { get; set; }

    /// <summary>How many connections were told of that conntrack has not told of.</summary>
    public int Waiting => _connections.Count;

    /// <summary>Takes in a record of the ring.</summary>
    public void Observe(ReadOnlySpan<byte> record)
    {
        if (OwnerEvent.TryRead(record, out var told))
        {
            Observe(told);
        }
    }

    /// <summary>Takes in what somebody did.</summary>
    public void Observe(in OwnerEvent told)
    {
        switch (told.Act)
        {
            case OwnerAct.Connects:
                Remember(told);
                break;
            case OwnerAct.Accepts:
                Remember(told);
                Take(told);
                break;
            case OwnerAct.Sends:
                Remember(told);
                Open(told);
                break;
            case OwnerAct.Listens or OwnerAct.Opens:
                Open(told);
                break;
            case OwnerAct.Closes:
                if (IpProtocol.IsIcmp(told.Protocol) && told.LocalPort != 0)
                {
                    Remember(told with { Remote = default });
                }

                _closing.Add(told.Socket);
                break;
        }
    }

    /// <summary>Who made a connection that goes out from a local end.</summary>
    /// <param name="protocol">IP protocol number.</param>
    /// <param name="local">The local address.</param>
    /// <param name="localPort">The local port; of a ping, its number.</param>
    /// <param name="remote">The remote address, as the socket knows it.</param>
    /// <param name="remotePort">The remote port.</param>
    /// <param name="forget">Whether this is the connection itself, of which there is but one, rather than a packet that was meant to make it.</param>
    public Maker Outgoing(byte protocol, IpAddress local, ushort localPort, IpAddress remote, ushort remotePort, bool forget)
    {
        if (Find(new(protocol, localPort, IpProtocol.IsIcmp(protocol) ? (ushort)0 : remotePort, remote), local, forget) is { IsKnown: true } exact)
        {
            return exact;
        }

        return protocol switch
        {
            IpProtocol.Tcp => default,
            IpProtocol.Udp => OnlyOne(protocol, localPort, local),
            IpProtocol.Icmp or IpProtocol.IcmpV6 => Find(new(protocol, localPort, 0, default), local, forget: false) is { IsKnown: true } closed ? closed : OnlyOne(protocol, 0, local),
            _ => KernelSpeaks(protocol) ? default : OnlyOne(protocol, 0, local),
        };
    }

    /// <summary>
    /// Who takes what comes in at a local end. Of TCP that is the one that was told to have accepted; else who listens, once it is known that nobody else
    /// accepts from there.
    /// </summary>
    /// <param name="protocol">IP protocol number.</param>
    /// <param name="local">The local address.</param>
    /// <param name="localPort">The local port.</param>
    /// <param name="remote">The remote address.</param>
    /// <param name="remotePort">The remote port.</param>
    /// <param name="isConnection">Whether this is a connection, rather than a packet that was meant to make one and that nobody will accept.</param>
    /// <param name="isLast">Whether it will not be asked again: then of a listener that nobody was seen accepting from its maker is told.</param>
    public Maker Incoming(byte protocol, IpAddress local, ushort localPort, IpAddress remote, ushort remotePort, bool isConnection, bool isLast)
    {
        if (protocol != IpProtocol.Tcp || !isConnection)
        {
            return OnlyOne(protocol, localPort, local);
        }

        // Of ends that several accepted it is known that it was one of them, who need not be whoever listens.
        if (Find(new(protocol, localPort, remotePort, remote), local, forget: true) is { } accepted)
        {
            return accepted with { IsKnown = true };
        }

        // One program may listen several times at one end; of others whose acceptances are not told is never among those that have the same port.
        var listeners = Fitting(protocol, localPort, local);
        var may = listeners.Count > 0 && listeners.TrueForAll(listener => listener.Who == listeners[0].Who)
            && (listeners.Exists(listener => listener.TakesItself), listeners.Exists(listener => listener.IsTakenByOthers)) switch
            {
                (true, false) => true,
                (true, true) or (false, false) => isLast,
                (false, true) => false,
            };
        return may ? listeners[0].Maker : default;
    }

    /// <summary>
    /// Whether whoever takes what comes in at a local end, if it is not known, is still to be told, or can be nobody. Not so where nobody is known to listen; nor, in the end, of a
    /// listener from before that nobody was seen accepting from.
    /// </summary>
    public bool Awaits(byte protocol, IpAddress local, ushort localPort, bool isLast) =>
        Fitting(protocol, localPort, local) is { Count: > 0 } listeners
        && !(isLast && listeners.TrueForAll(listener => listener is { IsEarlier: true, IsTakenByOthers: false }));

    /// <summary>A listener from before our programs, of which they tell from now on each time who accepts.</summary>
    public void Adopt(ulong socket, IpAddress local, ushort port, bool onlyV6 = false)
    {
        var listener = new OwnerEvent(socket, default, OwnerAct.Listens, IpProtocol.Tcp, Shared: true, local, port, default, 0, onlyV6);
        Open(listener);
        if (_open.TryGetValue(socket, out var open))
        {
            _open[socket] = open with { IsEarlier = true };
        }
    }

    /// <summary>Who began to listen on a socket, by its cookie.</summary>
    public Maker Listener(ulong socket) => _open.TryGetValue(socket, out var open) ? open.Maker : default;

    /// <summary>Forgets the TCP listeners, known for a window or longer, that there no longer are: closed without a word, since what said so was lost.</summary>
    /// <param name="open">The cookies of those there are.</param>
    public void KeepListeners(IReadOnlySet<ulong> open)
    {
        foreach (var (cookie, socket) in _open)
        {
            if (socket.Protocol == IpProtocol.Tcp && socket.Window <= _window - WindowsKept && !open.Contains(cookie))
            {
                Close(cookie);
            }
        }
    }

    /// <summary>
    /// Forgets the sockets that were closed when this was called last: a connection's event may be read after its socket was closed, but not
    /// after the next batch of both began.
    /// </summary>
    public void NextBatch()
    {
        _batch++;
        _closing.ForEach(Close);
        _closing.Clear();
    }

    /// <summary>
    /// What our programs told was lost: forgets sockets, since it is no longer known which are open, and what no connection came of so far, since its ends may
    /// have been used again.
    /// </summary>
    public void Lose()
    {
        foreach (var (ends, told) in _connections)
        {
            if (told.Batch < _batch - 1)
            {
                _connections.Remove(ends);
            }
        }

        _open.Clear();
        _atPort.Clear();
        _closing.Clear();
    }

    /// <summary>How much of what our programs told there was no room for since this was last asked.</summary>
    public ulong TakeDropped()
    {
        var dropped = _dropped;
        _dropped = 0;
        return dropped;
    }

    /// <summary>Forgets what no connection came of; at the end of a window.</summary>
    public void NextWindow()
    {
        _window++;
        (_closed, _closedBefore) = (_closedBefore, _closed);
        _closed.Clear();
        foreach (var (ends, told) in _connections)
        {
            if (told.Window <= _window - WindowsKept)
            {
                _connections.Remove(ends);
            }
        }

        if (_connections.Capacity > Kept && _connections.Count < Kept / 4)
        {
            _connections.TrimExcess(Kept);
        }
    }

    private void Remember(in OwnerEvent told)
    {
        if (_connections.Count >= Most)
        {
            _dropped++;
            return;
        }

        var remotePort = IpProtocol.IsIcmp(told.Protocol) ? (ushort)0 : told.RemotePort;
        var process = nameOf(told.Who);
        ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_connections, new(told.Protocol, told.LocalPort, remotePort, told.Remote), out var exists);

        // Ends are soon used again. What was told two batches ago and not asked for since was a connection that never was; of what is younger each is
        // one to come, and if they are of different processes it cannot be said which is whose. What was accepted is a connection for sure, which may be asked
        // for as late as its window ends.
        var waits = exists && entry.Count > 0 && (entry.Batch >= _batch - 1 || told.Act == OwnerAct.Accepts);
        if (waits && told.Act == OwnerAct.Accepts && entry is { Count: 1, IsClear: true } && entry.Process != process)
        {
            waits = Settle?.Invoke(new(told.Protocol, told.Remote, told.RemotePort, told.Local, told.LocalPort), entry.Process, _batch - entry.Batch) != true;
        }

        var isClear = !waits || (entry.IsClear && entry.Process == process);
        entry = new(process, told.Local, isClear && (told.Who.IsKernel || process is not null), waits ? entry.Count + 1 : 1, _batch, _window);
    }

    /// <summary>Who was told to have these ends, not known if that is several; null if nobody was.</summary>
    private Maker? Find(in Ends ends, IpAddress local, bool forget)
    {
        ref var told = ref CollectionsMarshal.GetValueRefOrNullRef(_connections, ends);
        if (Unsafe.IsNullRef(ref told) || !(told.Local == local || told.Local.Bits == 0))
        {
            return null;
        }

        var maker = told.IsClear ? new Maker(true, told.Process) : default;
        if (forget && told.Count == 1)
        {
            _connections.Remove(ends);
        }
        else if (forget)
        {
            told = told with { Count = told.Count - 1 };
        }

        return maker;
    }

    private void Open(in OwnerEvent told)
    {
        if (_open.Count >= MostSockets)
        {
            _dropped++;
            return;
        }

        Close(told.Socket);
        // Who else sends from a shared socket is told each time; it is nobody's for the other connections.
        var port = told.Act == OwnerAct.Opens ? (ushort)0 : told.LocalPort;
        _open[told.Socket] = new(told.Protocol, port, told.Local, told.Shared ? null : nameOf(told.Who), !told.Shared && told.Who.IsKernel, told.Who, told.OnlyV6, _window);
        var key = (told.Protocol, port);
        if (!_atPort.TryGetValue(key, out var sockets))
        {
            _atPort[key] = sockets = [];
        }

        sockets.Add(told.Socket);
    }

    private void Close(ulong socket)
    {
        if (!_open.Remove(socket, out var open))
        {
            return;
        }

        if (open.Protocol == IpProtocol.Tcp && _closed.Count < MostSockets)
        {
            _closed.Add(socket);
        }

        var sockets = _atPort[(open.Protocol, open.Port)];
        sockets.Remove(socket);
        if (sockets.Count == 0)
        {
            _atPort.Remove((open.Protocol, open.Port));
        }
    }

    private void Take(in OwnerEvent told)
    {
        if (!_open.ContainsKey(told.Socket))
        {
            if (_closed.Contains(told.Socket) || _closedBefore.Contains(told.Socket))
            {
                return;
            }

            // Who began to listen was lost, and where: then each that is taken there is told.
            Open(told with { Who = default, Local = IpAddress.V6(0), Shared = true });
        }

        ref var listener = ref CollectionsMarshal.GetValueRefOrNullRef(_open, told.Socket);
        if (!Unsafe.IsNullRef(ref listener))
        {
            var isSame = listener.Who == told.Who;
            listener = listener with { TakesItself = listener.TakesItself || isSame, IsTakenByOthers = listener.IsTakenByOthers || !isSame };
        }
    }

    private Maker OnlyOne(byte protocol, ushort port, IpAddress local)
    {
        var fitting = Fitting(protocol, port, local);
        for (var i = 1; i < fitting.Count; i++)
        {
            if (fitting[i].Maker != fitting[0].Maker)
            {
                return default;
            }
        }

        return fitting.Count > 0 ? fitting[0].Maker : default;
    }

    /// <summary>The sockets that take what comes to a local end, until this is asked again. One at this very address takes precedence over those of all addresses.</summary>
    private List<OpenSocket> Fitting(byte protocol, ushort port, IpAddress local)
    {
        _fitting.Clear();
        if (_atPort.TryGetValue((protocol, port), out var sockets))
        {
            var isExact = false;
            foreach (var socket in sockets)
            {
                var open = _open[socket];
                if (open.Local == local && !isExact)
                {
                    _fitting.Clear();
                    isExact = true;
                }

                if (isExact ? open.Local == local : open.TakesAt(local))
                {
                    _fitting.Add(open);
                }
            }
        }

        return _fitting;
    }

    /// <summary>IGMP, tunnels, IPsec: of those there need not be a process.</summary>
    private static bool KernelSpeaks(byte protocol) => protocol is 2 or 4 or 41 or 47 or 50 or 51 or 108 or 115 or 132;

    /// <summary>What tells connections apart. Remote port before remote address, so that most differ early.</summary>
    private readonly record struct Ends(byte Protocol, ushort LocalPort, ushort RemotePort, IpAddress Remote);

    private readonly record struct Told(ProcessFacts? Process, IpAddress Local, bool IsClear, int Count, long Batch, int Window);
}
