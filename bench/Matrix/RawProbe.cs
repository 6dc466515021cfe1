using System.Buffers.Binary;
using System.Numerics;
using Bulkhead.Policy.Services;

namespace Bulkhead.Bench.Matrix;

/// <summary>Packets that are sent whole: echo requests, an SCTP INIT, a TCP segment, and a numbered packet of the experimental protocol.</summary>
internal static class RawProbe
{
    private const int SctpHeader = 12;
    private const int SctpInit = 20;
    private const ushort SctpSource = 40_000;

    private const int TcpHeader = 20;
    private const ushort TcpSource = 20_000;

    // The window of segments of ours, by which they are told from those of connections.
    private const ushort TcpWindow = 0x4242;

    /// <summary>The packet of a probe, without the IP header.</summary>
    public static byte[] Make(Probe probe, uint number) => probe.Target.Protocol switch
    {
        IpProtocol.Icmp => Echo(probe.IsV6, number),
        IpProtocol.Sctp => Init(probe.Target.Port, number),
        IpProtocol.Tcp => Segment(probe, number),
        _ => Numbered(number),
    };

    /// <summary>The number of a probe that arrived, or null.</summary>
    public static uint? NumberOf(byte protocol, ReadOnlySpan<byte> packet)
    {
        if (protocol == IpProtocol.Tcp && (packet.Length < TcpHeader || BinaryPrimitives.ReadUInt16BigEndian(packet[14..]) != TcpWindow))
        {
            return null;
        }

        var at = protocol switch { IpProtocol.Sctp => SctpHeader + 4, IpProtocol.Tcp => 4, _ => 0 };
        return packet.Length >= at + sizeof(uint) ? BinaryPrimitives.ReadUInt32BigEndian(packet[at..]) : null;
    }

    /// <summary>The number of an echo reply, or null if the packet is none.</summary>
    public static uint? NumberOfReply(bool isV6, ReadOnlySpan<byte> packet)
    {
        packet = isV6 ? packet : packet[((packet[0] & 15) * 4)..];
        return packet.Length >= 8 && packet[0] == (isV6 ? 129 : 0) ? BinaryPrimitives.ReadUInt32BigEndian(packet[4..]) : null;
    }

    private static byte[] Numbered(uint number)
    {
        var packet = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(packet, number);
        return packet;
    }

    /// <summary>RFC 792, RFC 4443: type, code, checksum, identifier and sequence. For ICMPv6 the kernel fills in the checksum.</summary>
    private static byte[] Echo(bool isV6, uint number)
    {
        var packet = new byte[8];
        packet[0] = (byte)(isV6 ? 128 : 8);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), number);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), Checksum(packet));
        return packet;
    }

    /// <summary>RFC 9293, 3.1: a header without options, whose sequence number is the number; the source port differs from segment to segment.</summary>
    private static byte[] Segment(Probe probe, uint number)
    {
        var packet = new byte[TcpHeader];
        BinaryPrimitives.WriteUInt16BigEndian(packet, (ushort)(TcpSource + (number % 10_000)));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), probe.Target.Port);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), number);
        packet[12] = TcpHeader / 4 << 4;
        packet[13] = probe.Target.Segment!.Value;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(14), TcpWindow);
        byte[] pseudo = [.. probe.From.Address(probe.IsV6).GetAddressBytes(), .. probe.To.Address(probe.IsV6).GetAddressBytes(), 0, IpProtocol.Tcp, 0, TcpHeader];
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(16), Checksum([.. pseudo, .. packet]));
        return packet;
    }

    /// <summary>RFC 1071, of an even number of octets.</summary>
    private static ushort Checksum(ReadOnlySpan<byte> octets)
    {
        uint sum = 0;
        for (var i = 0; i < octets.Length; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(octets[i..]);
        }

        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~(sum + (sum >> 16));
    }

    /// <summary>RFC 9260, 3.3.2: the common header and one INIT chunk, whose initiate tag is the number; conntrack checks the CRC32c.</summary>
    private static byte[] Init(ushort port, uint number)
    {
        var packet = new byte[SctpHeader + SctpInit];
        BinaryPrimitives.WriteUInt16BigEndian(packet, (ushort)(SctpSource + (number % 20_000)));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), port);
        var chunk = packet.AsSpan(SctpHeader);
        chunk[0] = 1;
        BinaryPrimitives.WriteUInt16BigEndian(chunk[2..], SctpInit);
        BinaryPrimitives.WriteUInt32BigEndian(chunk[4..], number);
        BinaryPrimitives.WriteUInt32BigEndian(chunk[8..], 65_536);
        BinaryPrimitives.WriteUInt16BigEndian(chunk[12..], 1);
        BinaryPrimitives.WriteUInt16BigEndian(chunk[14..], 1);
        BinaryPrimitives.WriteUInt32BigEndian(chunk[16..], number);
        var sum = uint.MaxValue;
        foreach (var octet in packet)
        {
            sum = BitOperations.Crc32C(sum, octet);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(8), ~sum);
        return packet;
    }
}
