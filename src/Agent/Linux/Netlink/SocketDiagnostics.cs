using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Linux.Netlink;

/// <summary>
/// Reads and destroys sockets of the network namespace that it was opened in (linux/inet_diag.h, linux/sock_diag.h).
/// </summary>
public sealed class SocketDiagnostics : IDisposable
{
    private const ushort ByFamily = 20;
    private const ushort DestroyByFamily = 21;
    private const byte Inet = 2;
    private const byte Inet6 = 10;
    private const ushort OnlyV6Attribute = 11;
    private const ushort MarkAttribute = 15;
    private const ushort CgroupIdentifier = 21;
    private const uint AnyCookie = uint.MaxValue;

    private readonly NetlinkSocket _socket;
    private readonly byte[] _buffer = new byte[256];

    private SocketDiagnostics(NetlinkSocket socket) => _socket = socket;

    /// <summary>A set of states for <see cref="Dump"/>.</summary>
    public static uint States(params ReadOnlySpan<SocketState> states)
    {
        var mask = 0u;
        foreach (var state in states)
        {
            mask |= 1u << (int)state;
        }

        return mask;
    }

    /// <summary>All states.</summary>
    public static uint AllStates => uint.MaxValue;

    /// <summary>Opens it for the calling thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel has no sock_diag, or refuses it.</exception>
    public static SocketDiagnostics Open() => new(NetlinkSocket.Open(NetlinkFamily.SocketDiagnostics));

    /// <summary>The sockets of a protocol in some states, of both families.</summary>
    /// <param name="protocol">TCP or UDP.</param>
    /// <param name="states">As <see cref="States"/> makes them.</param>
    /// <param name="localPort">Only those at this port; 0 for all.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public List<LocalSocket> Dump(byte protocol, uint states, ushort localPort = 0)
    {
        var found = new List<LocalSocket>();
        foreach (var family in (ReadOnlySpan<byte>)[Inet, Inet6])
        {
            var request = new Request { Family = family, Protocol = protocol, States = states, LocalPort = BinaryPrimitives.ReverseEndianness(localPort) };
            var outcome = Exchange(ByFamily, NetlinkFlags.Request | NetlinkFlags.Dump, request, message =>
            {
                if (TryRead(message, protocol, out var socket))
                {
                    found.Add(socket);
                }
            });
            outcome.ThrowIfFailed("read sockets");
        }

        return found;
    }

    /// <summary>The socket with exactly these ends, or that would take such a packet; null if there is none.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public LocalSocket? Find(byte protocol, IpAddress local, ushort localPort, IpAddress remote, ushort remotePort)
    {
        var request = new Request { Family = local.IsV6 ? Inet6 : Inet, Protocol = protocol, States = AllStates };
        if (protocol == IpProtocol.Udp)
        {
            // Here the kernel looks for whom a datagram is, so that the ends are the other way round (net/ipv4/udp_diag.c).
            request.Set(remotePort, remote, localPort, local, mapped: false);
        }
        else
        {
            request.Set(localPort, local, remotePort, remote, mapped: false);
        }

        request.Cookie0 = request.Cookie1 = AnyCookie;
        LocalSocket? found = null;
        var outcome = Exchange(ByFamily, NetlinkFlags.Request | NetlinkFlags.Ack, request, message =>
        {
            if (TryRead(message, protocol, out var socket))
            {
                found = socket;
            }
        });
        if (outcome.Errno != Errno.NoEntry)
        {
            outcome.ThrowIfFailed("find a socket");
        }

        return found;
    }

    /// <summary>Ends a socket: its owner gets ECONNABORTED and its peer a reset. False if it was gone.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public bool Destroy(LocalSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var request = new Request
        {
            Family = socket.IsV6Socket ? Inet6 : Inet,
            Protocol = socket.Protocol,
            States = AllStates,
            Interface = socket.Interface,
            Cookie0 = (uint)socket.Cookie,
            Cookie1 = (uint)(socket.Cookie >> 32),
        };
        request.Set(socket.LocalPort, socket.Local, socket.RemotePort, socket.Remote, socket.IsV6Socket);
        var outcome = Exchange(DestroyByFamily, NetlinkFlags.Request | NetlinkFlags.Ack, request, null);
        if (outcome.Errno == Errno.NoEntry)
        {
            return false;
        }

        outcome.ThrowIfFailed("destroy a socket");
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private NetlinkOutcome Exchange(ushort type, ushort flags, in Request request, NetlinkMessageHandler? handler)
    {
        var writer = new NetlinkWriter(_buffer, type, flags);
        writer.Struct(request);
        return _socket.Exchange(writer.End(), handler);
    }

    private static bool TryRead(NetlinkMessage message, byte protocol, out LocalSocket socket)
    {
        socket = null!;
        if (message.Type != ByFamily || message.Payload.Length < Marshal.SizeOf<Answer>())
        {
            return false;
        }

        var answer = MemoryMarshal.Read<Answer>(message.Payload);
        var addresses = message.Payload.Slice(8, 32);
        var length = answer.Family == Inet6 ? 16 : 4;
        if (answer.Family is not (Inet or Inet6)
            || !IpAddress.TryRead(addresses[..length], out var local)
            || !IpAddress.TryRead(addresses.Slice(16, length), out var remote))
        {
            return false;
        }

        (ulong cgroup, uint mark, var onlyV6) = (0, 0, false);
        var attributes = message.Attributes(Marshal.SizeOf<Answer>());
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case CgroupIdentifier:
                    cgroup = attributes.U64();
                    break;
                case OnlyV6Attribute:
                    onlyV6 = attributes.U8() != 0;
                    break;
                case MarkAttribute:
                    mark = attributes.U32();
                    break;
            }
        }

        socket = new()
        {
            Protocol = protocol,
            IsV6Socket = answer.Family == Inet6,
            OnlyV6 = onlyV6,
            State = (SocketState)answer.State,
            Local = local,
            LocalPort = BinaryPrimitives.ReverseEndianness(answer.LocalPort),
            Remote = remote,
            RemotePort = BinaryPrimitives.ReverseEndianness(answer.RemotePort),
            Interface = answer.Interface,
            Cookie = answer.Cookie0 | ((ulong)answer.Cookie1 << 32),
            Inode = answer.Inode,
            Uid = answer.Uid,
            CgroupId = cgroup,
            Mark = mark,
        };
        return true;
    }

    /// <summary>struct inet_diag_req_v2.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct Request
    {
        public byte Family;
        public byte Protocol;
        public byte Extensions;
        public byte Pad;
        public uint States;
        public ushort LocalPort;
        public ushort RemotePort;
        public fixed byte Local[16];
        public fixed byte Remote[16];
        public uint Interface;
        public uint Cookie0;
        public uint Cookie1;

        public void Set(ushort localPort, IpAddress local, ushort remotePort, IpAddress remote, bool mapped)
        {
            LocalPort = BinaryPrimitives.ReverseEndianness(localPort);
            RemotePort = BinaryPrimitives.ReverseEndianness(remotePort);
            Write(MemoryMarshal.CreateSpan(ref Local[0], 16), local, mapped);
            Write(MemoryMarshal.CreateSpan(ref Remote[0], 16), remote, mapped);
        }

        private static void Write(Span<byte> into, IpAddress address, bool mapped)
        {
            if (mapped && !address.IsV6)
            {
                into[10] = into[11] = 0xff;
                into = into[12..];
            }

            address.ToBytes().CopyTo(into);
        }
    }

    /// <summary>struct inet_diag_msg.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct Answer
    {
        public byte Family;
        public byte State;
        public byte Timer;
        public byte Retransmits;
        public ushort LocalPort;
        public ushort RemotePort;
        public fixed byte Local[16];
        public fixed byte Remote[16];
        public uint Interface;
        public uint Cookie0;
        public uint Cookie1;
        public uint Expires;
        public uint ReceiveQueue;
        public uint SendQueue;
        public uint Uid;
        public uint Inode;
    }
}
