using Bulkhead.Agent.Linux;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Enforcement.Documents;

namespace Bulkhead.Agent.Telemetry;

/// <summary>
/// The kernel's side of telemetry: one netlink socket that brings new and destroyed connections and the packets that our table blocked, and
/// one to ask for connections. For one thread, except <see cref="Stop"/>.
/// </summary>
internal sealed class EventSource : IDisposable
{
    private const int GroupNew = 1; // NFNLGRP_CONNTRACK_NEW
    private const int GroupDestroyed = 3; // NFNLGRP_CONNTRACK_DESTROY
    private const int ReceiveBuffer = 16 << 20;

    private readonly NetlinkSocket _events = NetlinkSocket.Open(NetlinkFamily.Netfilter);
    private readonly NetlinkBatch _batch = new();

    /// <summary>For asking about connections.</summary>
    public Conntrack Conntrack { get; } = Conntrack.Open();

    private EventSource()
    {
    }

    /// <summary>Subscribes, in the calling thread's network namespace, and has its connections' traffic counted and their ends reported.</summary>
    /// <exception cref="IOException">The kernel refuses: not root, or another agent runs in the namespace.</exception>
    public static EventSource Open()
    {
        var source = new EventSource();
        try
        {
            source._events.SetReceiveBuffer(ReceiveBuffer);
            source.BindLog();
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

    /// <summary>Waits for something to read; false when the time is over or <see cref="Stop"/> was called.</summary>
    public bool Wait(TimeSpan atMost) => _events.Wait(atMost);

    /// <summary>Reads a batch of what is there; whether there may be more.</summary>
    /// <param name="connection">Is given each connection event.</param>
    /// <param name="blocked">Is given each blocked packet.</param>
    /// <exception cref="NetlinkException">With <see cref="Errno.NoBufferSpace"/> after events were lost.</exception>
    public bool Read(Action<ConntrackRecord> connection, Action<BlockedPacket> blocked)
    {
        var count = _events.TryReceive(_batch);
        for (var i = 0; i < count; i++)
        {
            var reader = new NetlinkReader(_batch[i]);
            while (reader.Next())
            {
                if (ConntrackRecord.TryRead(reader.Current, isDump: false, out var record))
                {
                    connection(record);
                }
                else if (BlockedPacket.TryRead(reader.Current, out var packet))
                {
                    blocked(packet);
                }
            }
        }

        return count == _batch.Capacity;
    }

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

    /// <summary>Ends every <see cref="Wait"/>; from any thread.</summary>
    public void Stop() => _events.Wake();

    /// <inheritdoc/>
    public void Dispose()
    {
        _events.Dispose();
        Conntrack.Dispose();
        _batch.Dispose();
    }

    private static void Tell(NetlinkMessage message, Action<ConntrackRecord> connection)
    {
        if (ConntrackRecord.TryRead(message, isDump: true, out var record))
        {
            connection(record);
        }
    }

    private void BindLog()
    {
        Span<byte> buffer = stackalloc byte[128];
        var bind = NetlinkWriter.Netfilter(buffer, BlockedPacket.Subsystem, BlockedPacket.MessageConfigure, NetlinkFlags.Request | NetlinkFlags.Ack, 0, FirewallDocument.LogGroup);
        bind.U8(1, 1); // NFULA_CFG_CMD: NFULNL_CFG_CMD_BIND
        _events.Exchange(bind.End()).ThrowIfFailed($"bind NFLOG group {FirewallDocument.LogGroup}");

        var configure = NetlinkWriter.Netfilter(buffer, BlockedPacket.Subsystem, BlockedPacket.MessageConfigure, NetlinkFlags.Request | NetlinkFlags.Ack, 0, FirewallDocument.LogGroup);
        configure.Attribute(2, [0, 0, 0, BlockedPacket.Snapshot, 2, 0]); // NFULA_CFG_MODE: bytes, NFULNL_COPY_PACKET
        configure.U32Be(5, 1); // NFULA_CFG_QTHRESH: each at once; the table limits their rate
        configure.U16Be(6, 1); // NFULA_CFG_FLAGS: number them
        _events.Exchange(configure.End()).ThrowIfFailed($"configure NFLOG group {FirewallDocument.LogGroup}");
    }
}
