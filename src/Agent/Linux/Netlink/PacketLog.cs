using System.Buffers.Binary;

namespace Bulkhead.Agent.Linux.Netlink;

/// <summary>Packets that rules send to a group of NFLOG (linux/netfilter/nfnetlink_log.h).</summary>
public static class PacketLog
{
    /// <summary>The netfilter subsystem.</summary>
    public const byte Subsystem = 4;

    private const byte MessageConfigure = 1; // NFULNL_MSG_CONFIG

    /// <summary>Has a socket get what is sent to a group, in the network namespace that the socket is of.</summary>
    /// <param name="socket">Of <see cref="NetlinkFamily.Netfilter"/>.</param>
    /// <param name="group">The group; it has one reader.</param>
    /// <param name="snapshot">How many bytes of a packet are wanted.</param>
    /// <exception cref="IOException">The kernel refuses: not root, or somebody reads it already.</exception>
    public static void Bind(NetlinkSocket socket, ushort group, ushort snapshot)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Span<byte> buffer = stackalloc byte[128];
        var bind = NetlinkWriter.Netfilter(buffer, Subsystem, MessageConfigure, NetlinkFlags.Request | NetlinkFlags.Ack, 0, group);
        bind.U8(1, 1); // NFULA_CFG_CMD: NFULNL_CFG_CMD_BIND
        socket.Exchange(bind.End()).ThrowIfFailed($"bind NFLOG group {group}");

        Span<byte> mode = [0, 0, 0, 0, 2, 0]; // bytes, NFULNL_COPY_PACKET
        BinaryPrimitives.WriteUInt32BigEndian(mode, snapshot);
        var configure = NetlinkWriter.Netfilter(buffer, Subsystem, MessageConfigure, NetlinkFlags.Request | NetlinkFlags.Ack, 0, group);
        configure.Attribute(2, mode); // NFULA_CFG_MODE
        configure.U32Be(5, 1); // NFULA_CFG_QTHRESH: each at once; the table limits their rate
        configure.U16Be(6, 1); // NFULA_CFG_FLAGS: number them
        socket.Exchange(configure.End()).ThrowIfFailed($"configure NFLOG group {group}");
    }

    /// <summary>The bytes of the packet that a message tells of, from its IP header on; empty for any other message.</summary>
    public static ReadOnlySpan<byte> Payload(NetlinkMessage message)
    {
        if (message.Type != Subsystem << 8)
        {
            return [];
        }

        var attributes = message.Attributes(4); // behind struct nfgenmsg
        while (attributes.Next())
        {
            if (attributes.Type == 9) // NFULA_PAYLOAD
            {
                return attributes.Value;
            }
        }

        return [];
    }
}
