using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Enforcement.Connections;

namespace Bulkhead.Agent.Telemetry;

/// <summary>What our programs tell, read as it is needed. For one thread.</summary>
internal sealed class OwnerFeed(ConnectionOwners owners, OwnerNames names) : IDisposable
{
    private readonly Attribution _told = new(names.Of);
    private ulong _lost;
    private ulong _untold;

    /// <summary>What poll(2) is to be asked about it: ready once there is much to read.</summary>
    public int Descriptor => owners.Descriptor;

    /// <summary>Settles a connection whose ends come again: see <see cref="Attribution.Settle"/>.</summary>
    public Func<FlowTuple, ProcessFacts?, long, bool> Settle
    {
        set => _told.Settle = value;
    }

    /// <summary>Has who accepts told of listeners from before as well; to be called once, before anything is read.</summary>
    public void Adopt(SocketDiagnostics sockets, CgroupTree cgroups)
    {
        foreach (var listener in EarlierListeners.Adopt(owners, sockets, cgroups))
        {
            _told.Adopt(listener.Cookie, listener.Local, listener.LocalPort, listener.OnlyV6);
        }
    }

    /// <summary>Reads what there is; to be called before connections are read.</summary>
    /// <param name="isNext">Whether all connections were read that there were when this was called last; of others what was told of sockets is still to be asked for.</param>
    public void Read(bool isNext)
    {
        if (isNext)
        {
            _told.NextBatch();
        }

        ReadOn();
    }

    /// <summary>Who made a connection that goes out.</summary>
    /// <param name="tuple">As its socket knows it.</param>
    /// <param name="isConnection">Whether it is the connection itself, rather than a packet that was meant to make it.</param>
    public Maker Outgoing(FlowTuple tuple, bool isConnection)
    {
        CatchUp();
        var maker = Ask();
        if (!maker.IsKnown)
        {
            // It may have been made since.
            ReadOn();
            maker = Ask();
        }

        return maker;

        Maker Ask() => _told.Outgoing(tuple.Protocol, tuple.Source, tuple.SourcePort, tuple.Destination, tuple.DestinationPort, isConnection);
    }

    /// <summary>Who takes a connection that comes in.</summary>
    /// <param name="tuple">As it comes: from the remote end.</param>
    /// <param name="isConnection">Whether it is the connection itself, rather than a packet that was meant to make it.</param>
    /// <param name="isLast">Whether it will not be asked again.</param>
    public Maker Incoming(FlowTuple tuple, bool isConnection, bool isLast)
    {
        CatchUp();
        var maker = Ask();
        if (!maker.IsKnown && isConnection && Awaits(tuple, isLast))
        {
            // It may have been accepted since.
            ReadOn();
            maker = Ask();
        }

        return maker;

        Maker Ask() => _told.Incoming(tuple.Protocol, tuple.Destination, tuple.DestinationPort, tuple.Source, tuple.SourcePort, isConnection, isLast);
    }

    /// <summary>Whether whom a connection that comes in is taken by is still to be told, or can be nobody.</summary>
    public bool Awaits(FlowTuple tuple, bool isLast) => _told.Awaits(tuple.Protocol, tuple.Destination, tuple.DestinationPort, isLast);

    /// <summary>Forgets TCP listeners that there no longer are; to be called with those there are, after a reading.</summary>
    public void KeepListeners(IReadOnlySet<ulong> open) => _told.KeepListeners(open);

    /// <summary>Who began to listen on a socket, by its cookie.</summary>
    public Maker Listener(ulong socket) => _told.Listener(socket);

    /// <summary>Forgets what no connection came of; returns how many acts were not told of since the last window, for want of room.</summary>
    public ulong NextWindow()
    {
        CatchUp();
        var untold = owners.Lost + owners.HeldBack;
        var since = untold - _untold + _told.TakeDropped();
        _untold = untold;
        _told.NextWindow();
        names.NextWindow();
        return since;
    }

    private void ReadOn()
    {
        owners.Read(_told.Observe);
        CatchUp();
    }

    /// <summary>Where something was lost since this was last asked, what was told before no longer holds; what is told from here on does.</summary>
    private void CatchUp()
    {
        for (var lost = owners.Lost; lost != _lost; lost = owners.Lost)
        {
            _lost = lost;
            owners.Read(_told.Observe);
            _told.Lose();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => owners.Dispose();
}
