using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Telemetry;

/// <summary>What our programs tell, read as it is needed. For one thread.</summary>
internal sealed class OwnerFeed(ConnectionOwners owners, OwnerNames names) : IDisposable
{
    private readonly Attribution _told = new(names.Of);
    private ulong _lost;

    /// <summary>What poll(2) is to be asked about it: ready once there is much to read.</summary>
    public int Descriptor => owners.Descriptor;

    /// <summary>Reads what there is; to be called before connections are read.</summary>
    public void Read()
    {
        _told.NextBatch();
        owners.Read(_told.Observe);
    }

    /// <summary>Who made a connection that goes out.</summary>
    /// <param name="tuple">As its socket knows it.</param>
    /// <param name="isConnection">Whether it is the connection itself, rather than a packet that was meant to make it.</param>
    public Maker Outgoing(FlowTuple tuple, bool isConnection)
    {
        var maker = Ask();
        if (!maker.IsKnown)
        {
            // It may have been made since.
            owners.Read(_told.Observe);
            maker = Ask();
        }

        return maker;

        Maker Ask() => _told.Outgoing(tuple.Protocol, tuple.Source, tuple.SourcePort, tuple.Destination, tuple.DestinationPort, isConnection);
    }

    /// <summary>Who takes a connection that comes in.</summary>
    public Maker Incoming(byte protocol, IpAddress local, ushort localPort, IpAddress remote, ushort remotePort) =>
        _told.Incoming(protocol, local, localPort, remote, remotePort);

    /// <summary>Whether several processes listen at one local end.</summary>
    public bool IsShared(byte protocol, IpAddress local, ushort localPort) => _told.IsShared(protocol, local, localPort);

    /// <summary>Who began to listen on a socket, by its cookie.</summary>
    public Maker Listener(ulong socket) => _told.Listener(socket);

    /// <summary>Forgets what no connection came of; returns how many acts were not told of since the last window, for want of room.</summary>
    public ulong NextWindow()
    {
        var lost = owners.Lost;
        if (lost != _lost)
        {
            _told.Lose();
        }

        var since = lost - _lost + _told.TakeDropped();
        _lost = lost;
        _told.NextWindow();
        names.NextWindow();
        return since;
    }

    /// <inheritdoc/>
    public void Dispose() => owners.Dispose();
}
