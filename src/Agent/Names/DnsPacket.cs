using System.Buffers.Binary;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Names;

/// <summary>Finds the DNS message in an IP packet that came from port 53.</summary>
internal static class DnsPacket
{
    /// <summary>The port that answers come from.</summary>
    public const ushort Port = 53;

    private const int UdpHeader = 8;

    /// <summary>Reads a packet; false for one that holds no whole DNS message from port 53, as a segment from the middle of a long TCP answer.</summary>
    /// <param name="packet">From the IP header on.</param>
    /// <param name="tuple">Who sent it to whom.</param>
    /// <param name="message">The DNS message.</param>
    public static bool TryRead(ReadOnlySpan<byte> packet, out FlowTuple tuple, out ReadOnlySpan<byte> message)
    {
        tuple = default;
        message = [];
        return (packet.Length > 0 ? packet[0] >> 4 : 0) switch
        {
            4 => TryReadV4(packet, ref tuple, ref message),
            6 => TryReadV6(packet, ref tuple, ref message),
            _ => false,
        };
    }

    private static bool TryReadV4(ReadOnlySpan<byte> packet, ref FlowTuple tuple, ref ReadOnlySpan<byte> message)
    {
        var header = (packet[0] & 0xf) * 4;
        return header >= 20 && packet.Length >= header && (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3fff) == 0
            && IpAddress.TryRead(packet.Slice(12, 4), out var source) && IpAddress.TryRead(packet.Slice(16, 4), out var destination)
            && TryReadTransport(packet[9], packet[header..], source, destination, ref tuple, ref message);
    }

    private static bool TryReadV6(ReadOnlySpan<byte> packet, ref FlowTuple tuple, ref ReadOnlySpan<byte> message) =>
        packet.Length >= 40
        && IpAddress.TryRead(packet.Slice(8, 16), out var source) && IpAddress.TryRead(packet.Slice(24, 16), out var destination)
        && TryReadTransport(packet[6], packet[40..], source, destination, ref tuple, ref message);

    private static bool TryReadTransport(byte protocol, ReadOnlySpan<byte> bytes, IpAddress source, IpAddress destination, ref FlowTuple tuple, ref ReadOnlySpan<byte> message)
    {
        if (bytes.Length < UdpHeader || BinaryPrimitives.ReadUInt16BigEndian(bytes) != Port)
        {
            return false;
        }

        tuple = new FlowTuple(protocol, source, Port, destination, BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]));
        switch (protocol)
        {
            case IpProtocol.Udp:
                message = bytes[UdpHeader..];
                return true;
            case IpProtocol.Tcp when bytes.Length >= 20 && (bytes[12] >> 4) * 4 is >= 20 and var header && bytes.Length >= header + 2:
                message = bytes[(header + 2)..];
                return message.Length >= BinaryPrimitives.ReadUInt16BigEndian(bytes[header..]);
            default:
                return false;
        }
    }
}
