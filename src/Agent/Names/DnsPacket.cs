using System.Buffers.Binary;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Names;

/// <summary>Finds the DNS message in an IP packet that came from port 53 by UDP.</summary>
internal static class DnsPacket
{
    /// <summary>The port that answers come from.</summary>
    public const ushort Port = 53;

    private const int UdpHeader = 8;

    /// <summary>Reads a packet; false for one that holds no whole DNS message from port 53.</summary>
    /// <param name="packet">From the IP header on.</param>
    /// <param name="message">The DNS message.</param>
    public static bool TryRead(ReadOnlySpan<byte> packet, out ReadOnlySpan<byte> message)
    {
        message = [];
        var (protocol, header) = (packet.Length > 0 ? packet[0] >> 4 : 0) switch
        {
            4 when packet.Length >= 20 && (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3fff) == 0 => (packet[9], (packet[0] & 0xf) * 4),
            6 when packet.Length >= 40 => (packet[6], 40),
            _ => default,
        };
        if (protocol != IpProtocol.Udp || header < 20 || packet.Length < header + UdpHeader || BinaryPrimitives.ReadUInt16BigEndian(packet[header..]) != Port)
        {
            return false;
        }

        message = packet[(header + UdpHeader)..];
        return true;
    }
}
