using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Telemetry;

/// <summary>Packets and bytes of a connection, seen from its consumer.</summary>
internal readonly record struct Traffic(ulong PacketsOut, ulong BytesOut, ulong PacketsIn, ulong BytesIn)
{
    /// <summary>What came since an earlier count; nothing where the earlier one is higher, as after a reset.</summary>
    public Traffic Since(Traffic earlier) => new(
        Less(PacketsOut, earlier.PacketsOut), Less(BytesOut, earlier.BytesOut), Less(PacketsIn, earlier.PacketsIn), Less(BytesIn, earlier.BytesIn));

    /// <summary>The same, seen from the provider.</summary>
    public Traffic Reverse() => new(PacketsIn, BytesIn, PacketsOut, BytesOut);

    private static ulong Less(ulong now, ulong earlier) => now >= earlier ? now - earlier : 0;
}

/// <summary>What happened to a connection.</summary>
internal enum ConntrackEvent
{
    /// <summary>It was made.</summary>
    New,

    /// <summary>It is gone; the counters are final.</summary>
    Destroyed,

    /// <summary>It is there, as a dump tells.</summary>
    Present,
}

/// <summary>A connection as conntrack tells of it (linux/netfilter/nfnetlink_conntrack.h), with the addresses that filter rules see.</summary>
/// <param name="Event">What happened.</param>
/// <param name="Id">The kernel's id with the source port, which together are not reused while the connection lives.</param>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Consumer">Who opened it, before source NAT.</param>
/// <param name="ConsumerPort">The consumer's port, or 0.</param>
/// <param name="Provider">Whom it reached, after destination NAT.</param>
/// <param name="Port">The provider's port, or the ICMP type, or 0.</param>
/// <param name="Closed">Whether TCP has said goodbye, so that only its time-wait is left.</param>
/// <param name="Traffic">What went over it so far.</param>
/// <param name="Original">The tuple of its first packet, by which conntrack is asked for it.</param>
/// <param name="Zone">Conntrack's zone.</param>
/// <param name="RequestedBy">The netlink port of the program that had it destroyed; 0 if its time was over.</param>
/// <param name="BeganWithSyn">Whether its first packet was the consumer's first of a TCP connection, so that it is certain who is which.</param>
/// <param name="Parent">The first packet of the connection that it stems from, where a helper expected it, as far as the kernel tells; else null.</param>
/// <param name="Mark">The connection's mark; what is expected inherits its parent's.</param>
/// <param name="MayBeAnswer">Whether what conntrack took for its first packet may have been an answer, so that it is not certain who is which: see <see cref="TrackingGap"/>.</param>
internal readonly record struct ConntrackRecord(
    ConntrackEvent Event,
    ulong Id,
    byte Protocol,
    IpAddress Consumer,
    ushort ConsumerPort,
    IpAddress Provider,
    ushort Port,
    bool Closed,
    Traffic Traffic,
    FlowTuple Original = default,
    ushort Zone = 0,
    uint RequestedBy = 0,
    bool BeganWithSyn = false,
    FlowTuple? Parent = null,
    uint Mark = 0,
    bool MayBeAnswer = false)
{
    /// <summary>The netfilter subsystem of conntrack.</summary>
    public const byte Subsystem = 1;

    /// <summary>IPCTNL_MSG_CT_GET.</summary>
    public const byte MessageGet = 1;

    private const byte MessageNew = 0;
    private const byte MessageDelete = 2;
    private const int Header = 4; // struct nfgenmsg
    private const byte SynSent = 1; // TCP_CONNTRACK_SYN_SENT
    private const byte LastOpenTcpState = 3; // TCP_CONNTRACK_ESTABLISHED

    /// <summary>Reads a message; false for one that is not of a connection with addresses.</summary>
    /// <param name="message">From an event group, or a dump's answer.</param>
    /// <param name="isDump">Whether it is a dump's answer.</param>
    /// <param name="record">What it tells.</param>
    public static bool TryRead(NetlinkMessage message, bool isDump, out ConntrackRecord record)
    {
        record = default;
        if (message.Type >> 8 != Subsystem || (byte)message.Type is not (MessageNew or MessageDelete))
        {
            return false;
        }

        var kind = (byte)message.Type == MessageDelete ? ConntrackEvent.Destroyed : isDump ? ConntrackEvent.Present : ConntrackEvent.New;
        FlowTuple? original = null, reply = null, parent = null;
        uint mark = 0;
        uint id = 0;
        ushort zone = 0;
        byte state = 0;
        (ulong Packets, ulong Bytes) sent = default, received = default;
        var attributes = message.Attributes(Header);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case 1: // CTA_TUPLE_ORIG
                    original = Conntrack.ReadTuple(attributes.Nested());
                    break;
                case 2: // CTA_TUPLE_REPLY
                    reply = Conntrack.ReadTuple(attributes.Nested());
                    break;
                case 4: // CTA_PROTOINFO
                    state = TcpState(attributes.Nested());
                    break;
                case 8: // CTA_MARK
                    mark = attributes.U32Be();
                    break;
                case 9: // CTA_COUNTERS_ORIG
                    sent = Counters(attributes.Nested());
                    break;
                case 10: // CTA_COUNTERS_REPLY
                    received = Counters(attributes.Nested());
                    break;
                case 12: // CTA_ID
                    id = attributes.U32Be();
                    break;
                case 14: // CTA_TUPLE_MASTER
                    parent = Conntrack.ReadTuple(attributes.Nested());
                    break;
                case 18: // CTA_ZONE
                    zone = attributes.U16Be();
                    break;
            }
        }

        if (original is not { } forth || reply is not { } back)
        {
            return false;
        }

        // ICMP has no ports; its type stands in the original tuple alone.
        var port = IpProtocol.IsIcmp(forth.Protocol) ? (ushort)(forth.DestinationPort >> 8) : back.SourcePort;
        record = new(
            kind,
            ((ulong)id << 32) | ((uint)forth.SourcePort << 16) | port,
            forth.Protocol,
            forth.Source,
            forth.SourcePort,
            back.Source,
            port,
            state > LastOpenTcpState,
            new Traffic(sent.Packets, sent.Bytes, received.Packets, received.Bytes),
            forth,
            zone,
            kind == ConntrackEvent.Destroyed ? message.PortId : 0,
            kind == ConntrackEvent.New && state == SynSent,
            parent,
            mark);
        return true;
    }

    private static byte TcpState(AttributeReader protocol)
    {
        while (protocol.Next())
        {
            if (protocol.Type != 1) // CTA_PROTOINFO_TCP
            {
                continue;
            }

            var tcp = protocol.Nested();
            while (tcp.Next())
            {
                if (tcp.Type == 1) // CTA_PROTOINFO_TCP_STATE
                {
                    return tcp.U8();
                }
            }
        }

        return 0;
    }

    private static (ulong Packets, ulong Bytes) Counters(AttributeReader counters)
    {
        (ulong Packets, ulong Bytes) result = default;
        while (counters.Next())
        {
            switch (counters.Type)
            {
                case 1: // CTA_COUNTERS_PACKETS
                    result.Packets = counters.U64Be();
                    break;
                case 2: // CTA_COUNTERS_BYTES
                    result.Bytes = counters.U64Be();
                    break;
            }
        }

        return result;
    }
}
