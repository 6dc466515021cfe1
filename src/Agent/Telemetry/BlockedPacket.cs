using System.Buffers.Binary;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Telemetry;

/// <summary>A packet that our table blocked, as NFLOG tells of it (linux/netfilter/nfnetlink_log.h).</summary>
/// <param name="Why">Direction, reason and rule.</param>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Source">The sender.</param>
/// <param name="SourcePort">The sender's port, or 0.</param>
/// <param name="Destination">The addressee.</param>
/// <param name="Port">The addressee's port, or the ICMP type, or 0.</param>
/// <param name="Length">Bytes, with the IP header.</param>
/// <param name="Sequence">Counts all packets that the kernel had to tell of; a gap is what it could not deliver.</param>
/// <param name="Uid">Whose socket sent it, for a packet of the host's own; null if the kernel does not say.</param>
internal readonly record struct BlockedPacket(
    LogPrefix Why, byte Protocol, IpAddress Source, ushort SourcePort, IpAddress Destination, ushort Port, uint Length, uint Sequence, uint? Uid = null)
{
    /// <summary>Bytes of each packet that are needed: an IPv6 header, an extension header or two, ports.</summary>
    public const int Snapshot = 96;

    private const int Header = 4; // struct nfgenmsg

    /// <summary>Reads a message; false for one that is not a packet of ours.</summary>
    public static bool TryRead(NetlinkMessage message, out BlockedPacket packet)
    {
        packet = default;
        if (message.Type != PacketLog.Subsystem << 8)
        {
            return false;
        }

        ReadOnlySpan<byte> payload = [];
        string? prefix = null;
        uint sequence = 0;
        uint? uid = null;
        var attributes = message.Attributes(Header);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case 9: // NFULA_PAYLOAD
                    payload = attributes.Value;
                    break;
                case 10: // NFULA_PREFIX
                    prefix = attributes.Text();
                    break;
                case 11: // NFULA_UID
                    uid = attributes.U32Be();
                    break;
                case 12: // NFULA_SEQ
                    sequence = attributes.U32Be();
                    break;
            }
        }

        if (!LogPrefix.TryParse(prefix, out var why))
        {
            return false;
        }

        switch (payload.Length)
        {
            case >= 20 when payload[0] >> 4 == 4:
                packet = ReadV4(payload) with { Why = why, Sequence = sequence, Uid = uid };
                return true;
            case >= 40 when payload[0] >> 4 == 6:
                packet = ReadV6(payload) with { Why = why, Sequence = sequence, Uid = uid };
                return true;
            default:
                return false;
        }
    }

    private static BlockedPacket ReadV4(ReadOnlySpan<byte> bytes)
    {
        _ = IpAddress.TryRead(bytes.Slice(12, 4), out var source);
        _ = IpAddress.TryRead(bytes.Slice(16, 4), out var destination);
        var headerLength = (bytes[0] & 0xf) * 4;
        var isFirstFragment = (BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) & 0x1fff) == 0;
        var (sourcePort, port) = Ports(bytes[9], isFirstFragment && bytes.Length > headerLength ? bytes[headerLength..] : []);
        return new(default, bytes[9], source, sourcePort, destination, port, BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]), 0);
    }

    private static BlockedPacket ReadV6(ReadOnlySpan<byte> bytes)
    {
        _ = IpAddress.TryRead(bytes.Slice(8, 16), out var source);
        _ = IpAddress.TryRead(bytes.Slice(24, 16), out var destination);
        var length = (uint)BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]) + 40;
        var next = bytes[6];
        var rest = bytes[40..];
        while (next is 0 or 43 or 60 && rest.Length >= 8) // hop-by-hop, routing, destination options
        {
            var headerLength = (rest[1] + 1) * 8;
            next = rest[0];
            rest = headerLength < rest.Length ? rest[headerLength..] : [];
        }

        var (sourcePort, port) = Ports(next, rest);
        return new(default, next, source, sourcePort, destination, port, length, 0);
    }

    private static (ushort Source, ushort Destination) Ports(byte protocol, ReadOnlySpan<byte> transport) =>
        IpProtocol.HasPorts(protocol) && transport.Length >= 4
            ? (BinaryPrimitives.ReadUInt16BigEndian(transport), BinaryPrimitives.ReadUInt16BigEndian(transport[2..]))
            : IpProtocol.IsIcmp(protocol) && transport.Length > 0 ? ((ushort)0, transport[0]) : default;
}
