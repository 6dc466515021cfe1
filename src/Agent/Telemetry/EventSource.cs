using Bulkhead.Agent.Linux;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Enforcement.Documents;

namespace Bulkhead.Agent.Telemetry;

/// <summary>What came of reading events.</summary>
internal enum Reading
{
    /// <summary>Nothing more is there.</summary>
    Done,

    /// <summary>There may be more.</summary>
    More,

    /// <summary>Events of connections were lost behind those that were read last; there may be more.</summary>
    Overrun,
}

/// <summary>
/// The kernel's side of telemetry: netlink sockets that bring new and destroyed connections, and the packets that our table blocked, and
/// one to ask for connections. For one thread, except <see cref="Stop"/>.
/// </summary>
internal sealed class EventSource : IDisposable
{
    /// <summary>Bytes that the kernel may keep for us of connections' events; half a second of 20,000 connections a second.</summary>
    public const int StandardBuffer = 16 << 20;

    private const int GroupNew = 1; // NFNLGRP_CONNTRACK_NEW
    private const int GroupDestroyed = 3; // NFNLGRP_CONNTRACK_DESTROY
    private const int LogBuffer = 1 << 20;

    private readonly NetlinkSocket _events = NetlinkSocket.Open(NetlinkFamily.Netfilter);

    // Of its own, so that a flood of blocked packets displaces no connection.
    private readonly NetlinkSocket _log = NetlinkSocket.Open(NetlinkFamily.Netfilter);
    private readonly NetlinkBatch _batch = new();
    private readonly Conntrack _meanwhile = Conntrack.Open();

    /// <summary>For asking about connections.</summary>
    public Conntrack Conntrack { get; } = Conntrack.Open();

    private EventSource()
    {
    }

    /// <summary>Subscribes, in the calling thread's network namespace, and has its connections' traffic counted and their ends reported.</summary>
    /// <param name="buffer">Bytes that the kernel may keep of connections' events.</param>
    /// <exception cref="IOException">The kernel refuses: not root, or another agent runs in the namespace.</exception>
    public static EventSource Open(int buffer = StandardBuffer)
    {
        var source = new EventSource();
        try
        {
            source._events.SetReceiveBuffer(buffer);
            source._log.SetReceiveBuffer(LogBuffer);
            PacketLog.Bind(source._log, FirewallDocument.LogGroup, BlockedPacket.Snapshot);
            source._events.Join(GroupNew);
            source._events.Join(GroupDestroyed);
            ConntrackSettings.Enable();
            return source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>Waits for something to read, until the time is over or <see cref="Stop"/> was called.</summary>
    /// <param name="atMost">How long.</param>
    /// <param name="other">Another descriptor that it waits for, or -1.</param>
    public void Wait(TimeSpan atMost, int other) => _events.Wait(atMost, other, _log);

    /// <summary>Reads a batch of the connections' events that are there.</summary>
    public Reading ReadConnections(Action<ConntrackRecord> connection)
    {
        int count;
        try
        {
            count = _events.TryReceive(_batch);
        }
        catch (NetlinkException overrun) when (overrun.Errno == Errno.NoBufferSpace)
        {
            return Reading.Overrun;
        }

        for (var i = 0; i < count; i++)
        {
            var reader = new NetlinkReader(_batch[i]);
            while (reader.Next())
            {
                if (ConntrackRecord.TryRead(reader.Current, isDump: false, out var record))
                {
                    connection(record);
                }
            }
        }

        return count == _batch.Capacity ? Reading.More : Reading.Done;
    }

    /// <summary>Reads a batch of the blocked packets that are there. They are numbered, so that lost ones show.</summary>
    public Reading ReadBlocked(Action<BlockedPacket> blocked)
    {
        int count;
        try
        {
            count = _log.TryReceive(_batch);
        }
        catch (NetlinkException overrun) when (overrun.Errno == Errno.NoBufferSpace)
        {
            return Reading.Overrun;
        }

        for (var i = 0; i < count; i++)
        {
            var reader = new NetlinkReader(_batch[i]);
            while (reader.Next())
            {
                if (BlockedPacket.TryRead(reader.Current, out var packet))
                {
                    blocked(packet);
                }
            }
        }

        return count == _batch.Capacity ? Reading.More : Reading.Done;
    }

    /// <summary>How many connections' events were lost since it was opened, wrapping around: each the making or the end of one.</summary>
    public uint Dropped => _events.Dropped;

    /// <summary>Tells all connections there are, of every zone and both families.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public void Dump(Action<ConntrackRecord> connection) => Conntrack.Dump(message => Tell(message, connection));

    /// <summary>Tells of those of some connections that are still there.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public void Ask(IEnumerable<(FlowTuple Original, ushort Zone)> names, Action<ConntrackRecord> connection)
    {
        foreach (var (original, zone) in names)
        {
            Conntrack.Find(original, zone, message => Tell(message, connection));
        }
    }

    /// <summary>The connection that a packet belongs to, null if there is none; also while connections are being told.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public ConntrackRecord? Find(FlowTuple packet, ushort zone)
    {
        ConntrackRecord? found = null;
        _meanwhile.Find(packet, zone, message => Tell(message, record => found = record));
        return found;
    }

    /// <summary>Ends every <see cref="Wait"/>; from any thread.</summary>
    public void Stop() => _events.Wake();

    /// <inheritdoc/>
    public void Dispose()
    {
        _events.Dispose();
        _log.Dispose();
        Conntrack.Dispose();
        _meanwhile.Dispose();
        _batch.Dispose();
    }

    private static void Tell(NetlinkMessage message, Action<ConntrackRecord> connection)
    {
        if (ConntrackRecord.TryRead(message, isDump: true, out var record))
        {
            connection(record);
        }
    }
}
