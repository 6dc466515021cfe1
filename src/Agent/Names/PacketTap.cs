using System.Runtime.InteropServices;
using Bulkhead.Agent.Linux.Netlink;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Agent.Names;

/// <summary>
/// Gets a copy of the packets that arrive in the network namespace from port 53, of one family: a packet socket with a filter of its own
/// (packet(7)), so that nothing else leaves the kernel and nobody's rules are touched. For one thread.
/// </summary>
internal sealed unsafe partial class PacketTap : IDisposable
{
    private const int AfPacket = 17;
    private const int SockDgram = 2;
    private const int SoAttachFilter = 26;
    private const int ReceiveBuffer = 256 << 10;

    private readonly SafeFileHandle _fd;

    private PacketTap(SafeFileHandle fd) => _fd = fd;

    /// <summary>Opens it in the calling thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel refuses: it takes CAP_NET_RAW.</exception>
    public static PacketTap Open(bool v6)
    {
        // Made without a protocol, so that nothing comes before the filter is there.
        var tap = new PacketTap(new SafeFileHandle(Libc.Socket(AfPacket, SockDgram | Libc.SockCloexec, 0), true));
        try
        {
            tap.Bind(v6);
            return tap;
        }
        catch
        {
            tap.Dispose();
            throw;
        }
    }

    /// <summary>Waits for a packet on either of two taps, or for a descriptor that can be read.</summary>
    public static void Wait(PacketTap one, PacketTap other, SafeHandle stop)
    {
        var fds = stackalloc Libc.PollFd[3];
        fds[0] = new() { Fd = (int)one._fd.DangerousGetHandle(), Events = Libc.PollIn };
        fds[1] = new() { Fd = (int)other._fd.DangerousGetHandle(), Events = Libc.PollIn };
        fds[2] = new() { Fd = (int)stop.DangerousGetHandle(), Events = Libc.PollIn };
        _ = Libc.Poll(fds, 3, -1);
    }

    /// <summary>The next packet from its IP header on, as far as it fits; its length, or -1 if none waits.</summary>
    /// <exception cref="NetlinkException">The socket failed.</exception>
    public int TryReceive(Span<byte> buffer)
    {
        fixed (byte* at = buffer)
        {
            var length = (int)Libc.Receive(_fd, at, (nuint)buffer.Length, Libc.MsgDontwait);
            return length >= 0 ? length
                : Marshal.GetLastPInvokeError() is Errno.Again or Errno.Interrupted ? -1
                : throw NetlinkException.Last("receive a copy of a packet");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _fd.Dispose();

    private void Bind(bool v6)
    {
        if (_fd.IsInvalid)
        {
            throw NetlinkException.Last("open a packet socket");
        }

        var filter = v6 ? FilterV6 : FilterV4;
        fixed (Instruction* code = filter)
        {
            var program = new Program { Length = (ushort)filter.Length, Code = code };
            if (Libc.SetSockOpt(_fd, Libc.SolSocket, SoAttachFilter, (int*)&program, (uint)sizeof(Program)) < 0)
            {
                throw NetlinkException.Last("filter a packet socket");
            }
        }

        var room = ReceiveBuffer;
        _ = Libc.SetSockOpt(_fd, Libc.SolSocket, Libc.SoRcvbuf, &room, sizeof(int));
        var address = new SockaddrLl { Family = AfPacket, Protocol = BitConverter.IsLittleEndian ? Swap(v6) : (ushort)(v6 ? 0x86dd : 0x0800) };
        if (BindTo(_fd, &address, (uint)sizeof(SockaddrLl)) < 0)
        {
            throw NetlinkException.Last("bind a packet socket");
        }
    }

    private static ushort Swap(bool v6) => v6 ? (ushort)0xdd86 : (ushort)0x0008;

    // Classic BPF (linux/filter.h), from the network header on: UDP or TCP, no later fragment, source port 53.
    private static ReadOnlySpan<Instruction> FilterV4 => new Instruction[]
    {
        new(0x30, 0, 0, 9), // ldb [9]: protocol
        new(0x15, 1, 0, 17),
        new(0x15, 0, 6, 6),
        new(0x28, 0, 0, 6), // ldh [6]: fragment
        new(0x45, 4, 0, 0x1fff),
        new(0xb1, 0, 0, 0), // ldxb 4 * ([0] & 0xf): length of the header
        new(0x48, 0, 0, 0), // ldh [x]: source port
        new(0x15, 0, 1, DnsPacket.Port),
        new(0x06, 0, 0, Longest),
        new(0x06, 0, 0, 0),
    };

    private static ReadOnlySpan<Instruction> FilterV6 => new Instruction[]
    {
        new(0x30, 0, 0, 6), // ldb [6]: next header
        new(0x15, 1, 0, 17),
        new(0x15, 0, 3, 6),
        new(0x28, 0, 0, 40), // ldh [40]: source port
        new(0x15, 0, 1, DnsPacket.Port),
        new(0x06, 0, 0, Longest),
        new(0x06, 0, 0, 0),
    };

    /// <summary>The most bytes of a packet that are copied.</summary>
    public const int Longest = 4096;

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    [StructLayout(LayoutKind.Sequential)]
    private struct Program
    {
        public ushort Length;
        public Instruction* Code;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct SockaddrLl
    {
        public ushort Family;
        public ushort Protocol;
        public int Interface;
        public ushort Hardware;
        public byte Kind;
        public byte Length;
        public ulong Address;
    }

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static partial int BindTo(SafeHandle fd, SockaddrLl* address, uint length);
}
