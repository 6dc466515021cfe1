using System.Text;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Linux.Netlink;

/// <summary>
/// Reads, deletes and creates conntrack's entries of the network namespace that its socket was opened in
/// (linux/netfilter/nfnetlink_conntrack.h).
/// </summary>
public sealed class Conntrack : IDisposable
{
    private const byte Subsystem = 1;
    private const byte MessageNew = 0;
    private const byte MessageGet = 1;
    private const byte MessageDelete = 2;
    private const byte Inet = 2;
    private const byte Inet6 = 10;
    private const int GenericHeader = 4;

    private const ushort TupleOriginal = 1;
    private const ushort TupleReply = 2;
    private const ushort Status = 3;
    private const ushort ProtocolInfo = 4;
    private const ushort Help = 5;
    private const ushort HelpName = 1;
    private const ushort LifetimeSeconds = 7;
    private const ushort MarkOf = 8;
    private const ushort Identifier = 12;
    private const ushort TupleMaster = 14;
    private const ushort ZoneNumber = 18;
    private const ushort MarkMask = 21;

    private const uint SeenReplyAssuredConfirmed = 2 | 4 | 8;
    private const byte TcpEstablished = 3;
    private const byte TcpFinWait = 4;
    private const byte TcpCloseWait = 5;
    private const byte TcpLastAck = 6;
    private const byte BeLiberal = 8;
    private const byte WindowScaleSackLiberal = 1 | 2 | BeLiberal;
    private const uint AdmittedSeconds = 5 * 24 * 3600;

    private readonly NetlinkSocket _socket;
    private readonly byte[] _buffer = new byte[1024];

    private Conntrack(NetlinkSocket socket) => _socket = socket;

    /// <summary>Opens it for the calling thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel has no ctnetlink, or refuses it.</exception>
    public static Conntrack Open() => new(NetlinkSocket.Open(NetlinkFamily.Netfilter));

    /// <summary>The address of its own socket: events of what it deletes carry it.</summary>
    public uint PortId => _socket.PortId;

    /// <summary>Every entry of both families and all zones.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public List<TrackedConnection> Dump()
    {
        var found = new List<TrackedConnection>();
        Dump(message =>
        {
            if (TryRead(message, out var connection))
            {
                found.Add(connection);
            }
        });
        return found;
    }

    /// <summary>
    /// Gives every entry of both families and all zones to a handler. Dear, however few there are: the kernel walks all chains of its hash table,
    /// those of other network namespaces too.
    /// </summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public void Dump(NetlinkMessageHandler handler)
    {
        var writer = NetlinkWriter.Netfilter(_buffer, Subsystem, MessageGet, NetlinkFlags.Request | NetlinkFlags.Dump, family: 0);
        _socket.Exchange(writer.End(), handler).ThrowIfFailed("read conntrack's entries");
    }

    /// <summary>The entry that a packet with this tuple belongs to, in either direction; null if there is none.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="zone">Conntrack's zone.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public TrackedConnection? Find(FlowTuple packet, ushort zone = 0)
    {
        TrackedConnection? found = null;
        Find(packet, zone, message => found = TryRead(message, out var connection) ? connection : found);
        return found;
    }

    /// <summary>Gives the entry that a packet with this tuple belongs to, in either direction, to a handler; nothing if there is none.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public void Find(FlowTuple packet, ushort zone, NetlinkMessageHandler handler)
    {
        var writer = NetlinkWriter.Netfilter(_buffer, Subsystem, MessageGet, NetlinkFlags.Request | NetlinkFlags.Ack, FamilyOf(packet));
        Write(ref writer, TupleOriginal, packet);
        if (zone != 0)
        {
            writer.U16Be(ZoneNumber, zone);
        }

        var outcome = _socket.Exchange(writer.End(), handler);
        if (outcome.Errno != Errno.NoEntry)
        {
            outcome.ThrowIfFailed("find a conntrack entry");
        }
    }

    /// <summary>Deletes an entry, and with it both directions; false if it was gone.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public bool Delete(TrackedConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var writer = NetlinkWriter.Netfilter(
            _buffer, Subsystem, MessageDelete, NetlinkFlags.Request | NetlinkFlags.Ack, FamilyOf(connection.Original));
        Write(ref writer, TupleOriginal, connection.Original);
        writer.U32Be(Identifier, connection.Id);
        if (connection.Zone != 0)
        {
            writer.U16Be(ZoneNumber, connection.Zone);
        }

        var outcome = _socket.Exchange(writer.End());
        if (outcome.Errno == Errno.NoEntry)
        {
            return false;
        }

        outcome.ThrowIfFailed("delete a conntrack entry");
        return true;
    }

    /// <summary>Clears bits of an entry's mark; false if it was gone. A successor with the same tuple is not told from it.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public bool Unmark(TrackedConnection connection, uint bits)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var writer = NetlinkWriter.Netfilter(_buffer, Subsystem, MessageNew, NetlinkFlags.Request | NetlinkFlags.Ack, FamilyOf(connection.Original));
        Write(ref writer, TupleOriginal, connection.Original);
        writer.U32Be(MarkOf, 0);
        writer.U32Be(MarkMask, bits);
        if (connection.Zone != 0)
        {
            writer.U16Be(ZoneNumber, connection.Zone);
        }

        var outcome = _socket.Exchange(writer.End());
        if (outcome.Errno == Errno.NoEntry)
        {
            return false;
        }

        outcome.ThrowIfFailed("change the mark of a conntrack entry");
        return true;
    }

    /// <summary>
    /// Creates the entry of a TCP connection that is open already, so that its segments count as established; false if there is one.
    /// The window is not known, so conntrack is told not to judge by it. A helper can be given only now, and begins to read at whatever comes next.
    /// </summary>
    /// <param name="connection">The connection.</param>
    /// <param name="helped">The bits of its mark that say that we gave it its helper.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public bool Admit(LostConnection connection, uint helped = 0)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var outcome = Create(connection, helped);
        if (outcome.Errno == Errno.Again)
        {
            // The helper's module has been loaded for it.
            outcome = Create(connection, helped);
        }

        if (outcome.Errno == Errno.NotSupported && connection.Helper is not null)
        {
            // The helper does not know this family, and rules would give it none either.
            outcome = Create(connection with { Helper = null }, 0);
        }

        if (outcome.Errno == Errno.Exists)
        {
            return false;
        }

        outcome.ThrowIfFailed("create a conntrack entry");
        return true;
    }

    private NetlinkOutcome Create(LostConnection connection, uint helped)
    {
        var writer = NetlinkWriter.Netfilter(
            _buffer, Subsystem, MessageNew, NetlinkFlags.Request | NetlinkFlags.Ack | NetlinkFlags.Create | NetlinkFlags.Exclusive, FamilyOf(connection.Original));
        Write(ref writer, TupleOriginal, connection.Original);
        Write(ref writer, TupleReply, connection.Original.Mirror());
        writer.U32Be(Status, SeenReplyAssuredConfirmed);
        var (state, seconds) = ProgressOf(connection.State);
        writer.U32Be(LifetimeSeconds, seconds);
        if (connection.Helper is { } helper)
        {
            var help = writer.Nest(Help);
            writer.Text(HelpName, helper.Name);
            writer.Close(help);
            writer.U32Be(MarkOf, helped);
        }

        var info = writer.Nest(ProtocolInfo);
        var tcp = writer.Nest(1);
        writer.U8(1, state);
        writer.Attribute(4, [WindowScaleSackLiberal, WindowScaleSackLiberal]);
        writer.Attribute(5, [WindowScaleSackLiberal, WindowScaleSackLiberal]);
        writer.Close(tcp);
        writer.Close(info);
        return _socket.Exchange(writer.End());
    }

    /// <summary>What conntrack would hold of a connection, and for how long after its last segment (net/netfilter/nf_conntrack_proto_tcp.c).</summary>
    private static (byte State, uint Seconds) ProgressOf(SocketState state) => state switch
    {
        SocketState.FinWait1 => (TcpFinWait, 120),
        SocketState.FinWait2 or SocketState.CloseWait => (TcpCloseWait, 60),
        SocketState.LastAck or SocketState.Closing => (TcpLastAck, 30),
        _ => (TcpEstablished, AdmittedSeconds),
    };

    /// <summary>Reads the tuples, zone, mark, helper and identifier of an entry or event; false if it lacks a tuple.</summary>
    public static bool TryRead(NetlinkMessage message, out TrackedConnection connection)
    {
        FlowTuple? original = null;
        FlowTuple? reply = null;
        FlowTuple? parent = null;
        ushort zone = 0;
        uint id = 0;
        uint mark = 0;
        string? helper = null;
        var attributes = message.Attributes(GenericHeader);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case TupleOriginal:
                    original = ReadTuple(attributes.Nested());
                    break;
                case TupleReply:
                    reply = ReadTuple(attributes.Nested());
                    break;
                case TupleMaster:
                    parent = ReadTuple(attributes.Nested());
                    break;
                case Help:
                    helper = HelperOf(attributes.Nested());
                    break;
                case MarkOf:
                    mark = attributes.U32Be();
                    break;
                case Identifier:
                    id = attributes.U32Be();
                    break;
                case ZoneNumber:
                    zone = attributes.U16Be();
                    break;
            }
        }

        connection = new(original ?? default, reply ?? default, zone, id) { Parent = parent, Mark = mark, Helper = helper };
        return original is not null && reply is not null;
    }

    private static string? HelperOf(AttributeReader help)
    {
        while (help.Next())
        {
            if (help.Type == HelpName)
            {
                return Encoding.UTF8.GetString(help.Value).TrimEnd('\0');
            }
        }

        return null;
    }

    /// <summary>Reads a tuple (CTA_TUPLE_ORIG, CTA_TUPLE_REPLY).</summary>
    public static FlowTuple ReadTuple(AttributeReader attributes)
    {
        IpAddress source = default;
        IpAddress destination = default;
        byte protocol = 0;
        ushort sourcePort = 0;
        ushort destinationPort = 0;
        while (attributes.Next())
        {
            var inner = attributes.Nested();
            while (inner.Next())
            {
                switch (attributes.Type, inner.Type)
                {
                    case (1, 1 or 3):
                        _ = IpAddress.TryRead(inner.Value, out source);
                        break;
                    case (1, 2 or 4):
                        _ = IpAddress.TryRead(inner.Value, out destination);
                        break;
                    case (2, 1):
                        protocol = inner.U8();
                        break;
                    case (2, 2 or 4 or 7):
                        sourcePort = inner.U16Be();
                        break;
                    case (2, 3):
                        destinationPort = inner.U16Be();
                        break;
                    case (2, 5 or 8):
                        destinationPort |= (ushort)(inner.U8() << 8);
                        break;
                    case (2, 6 or 9):
                        destinationPort |= inner.U8();
                        break;
                }
            }
        }

        return new(protocol, source, sourcePort, destination, destinationPort);
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static byte FamilyOf(FlowTuple tuple) => tuple.Source.IsV6 ? Inet6 : Inet;

    private static void Write(ref NetlinkWriter writer, ushort type, FlowTuple tuple)
    {
        var outer = writer.Nest(type);
        var addresses = writer.Nest(1);
        writer.Attribute((ushort)(tuple.Source.IsV6 ? 3 : 1), tuple.Source.ToBytes());
        writer.Attribute((ushort)(tuple.Source.IsV6 ? 4 : 2), tuple.Destination.ToBytes());
        writer.Close(addresses);
        var ports = writer.Nest(2);
        writer.U8(1, tuple.Protocol);
        if (IpProtocol.IsIcmp(tuple.Protocol))
        {
            var first = (ushort)(tuple.Protocol == IpProtocol.Icmp ? 4 : 7);
            writer.U16Be(first, tuple.SourcePort);
            writer.U8((ushort)(first + 1), (byte)(tuple.DestinationPort >> 8));
            writer.U8((ushort)(first + 2), (byte)tuple.DestinationPort);
        }
        else
        {
            writer.U16Be(2, tuple.SourcePort);
            writer.U16Be(3, tuple.DestinationPort);
        }

        writer.Close(ports);
        writer.Close(outer);
    }
}
