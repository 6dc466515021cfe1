using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Linux.Sockets;

/// <summary>A socket of the network namespace, as the kernel tells of it.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Local">Its own address; all zero for any.</param>
/// <param name="LocalPort">Its own port.</param>
/// <param name="Remote">The other end's address; all zero for none.</param>
/// <param name="RemotePort">The other end's port; 0 for none.</param>
/// <param name="Inode">What <c>/proc/PID/fd</c> calls it; 0 if no process holds it any more.</param>
/// <param name="Uid">Its owner.</param>
/// <param name="Cgroup">Id of the cgroup in which it was made; 0 if the kernel does not say.</param>
internal readonly record struct SocketRecord(
    byte Protocol, IpAddress Local, ushort LocalPort, IpAddress Remote, ushort RemotePort, uint Inode, uint Uid, ulong Cgroup);

/// <summary>Asks sock_diag (linux/inet_diag.h) for sockets. For one thread.</summary>
internal sealed class SocketDiagnostics : IDisposable
{
    private const ushort ByFamily = 20; // SOCK_DIAG_BY_FAMILY
    private const byte V4 = 2;
    private const byte V6 = 10;
    private const int RequestLength = 56; // struct inet_diag_req_v2
    private const int MessageLength = 72; // struct inet_diag_msg
    private const ushort CgroupAttribute = 21; // INET_DIAG_CGROUP_ID
    private const uint StateListen = 1 << 10;
    private const uint StateUnconnected = 1 << 7;

    private readonly NetlinkSocket _socket = NetlinkSocket.Open(NetlinkFamily.SocketDiagnostics);
    private readonly byte[] _request = new byte[NetlinkMessage.HeaderLength + RequestLength];

    /// <summary>The socket of one connection, or null if there is none (any more).</summary>
    public SocketRecord? Find(byte protocol, IpAddress local, ushort localPort, IpAddress remote, ushort remotePort)
    {
        // For UDP the kernel looks a datagram's receiver up, so that the ends are the other way round (net/ipv4/udp_diag.c).
        var body = protocol == IpProtocol.Udp
            ? Request(protocol, local.IsV6 ? V6 : V4, uint.MaxValue, remote, remotePort, local, localPort)
            : Request(protocol, local.IsV6 ? V6 : V4, uint.MaxValue, local, localPort, remote, remotePort);
        SocketRecord? found = null;
        _ = _socket.Exchange(Message(body, NetlinkFlags.Request | NetlinkFlags.Ack), message => found = Parse(protocol, message) ?? found);
        // A listener on the local port is found as well, when there is no connection.
        return found is { } socket && socket.LocalPort == localPort && (socket.RemotePort == remotePort || protocol == IpProtocol.Udp) ? socket : null;
    }

    /// <summary>TCP sockets that listen and UDP sockets that are bound without a peer, of both families.</summary>
    public IReadOnlyList<SocketRecord> Listeners()
    {
        var found = new List<SocketRecord>();
        foreach (var (protocol, states) in new[] { (IpProtocol.Tcp, StateListen), (IpProtocol.Udp, StateUnconnected) })
        {
            foreach (var family in new[] { V4, V6 })
            {
                var any = family == V6 ? IpAddress.V6(0) : IpAddress.V4(0);
                var message = Message(Request(protocol, family, states, any, 0, any, 0), NetlinkFlags.Request | NetlinkFlags.Dump);
                _ = _socket.Exchange(message, answer =>
                {
                    if (Parse(protocol, answer) is { LocalPort: > 0, RemotePort: 0 } socket)
                    {
                        found.Add(socket);
                    }
                });
            }
        }

        return found;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static byte[] Request(byte protocol, byte family, uint states, IpAddress source, ushort sourcePort, IpAddress destination, ushort destinationPort)
    {
        var request = new byte[RequestLength];
        request[0] = family;
        request[1] = protocol;
        MemoryMarshal.Write(request.AsSpan(4), states);
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(8), sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(10), destinationPort);
        source.ToBytes().CopyTo(request.AsSpan(12));
        destination.ToBytes().CopyTo(request.AsSpan(28));
        request.AsSpan(48).Fill(0xff); // no cookie: any socket
        return request;
    }

    private Span<byte> Message(byte[] body, ushort flags)
    {
        var writer = new NetlinkWriter(_request, ByFamily, flags);
        writer.Raw(body);
        return writer.End();
    }

    private static SocketRecord? Parse(byte protocol, NetlinkMessage message)
    {
        var payload = message.Payload;
        if (message.Type != ByFamily || payload.Length < MessageLength)
        {
            return null;
        }

        var width = payload[0] == V6 ? 16 : 4;
        if (!IpAddress.TryRead(payload.Slice(8, width), out var local) || !IpAddress.TryRead(payload.Slice(24, width), out var remote))
        {
            return null;
        }

        ulong cgroup = 0;
        var attributes = message.Attributes(MessageLength);
        while (attributes.Next())
        {
            if (attributes.Type == CgroupAttribute)
            {
                cgroup = attributes.U64();
            }
        }

        return new(
            protocol,
            local,
            BinaryPrimitives.ReadUInt16BigEndian(payload[4..]),
            remote,
            BinaryPrimitives.ReadUInt16BigEndian(payload[6..]),
            MemoryMarshal.Read<uint>(payload[68..]),
            MemoryMarshal.Read<uint>(payload[64..]),
            cgroup);
    }
}
