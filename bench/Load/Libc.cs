using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bulkhead.Bench.Load;

/// <summary>
/// The socket calls of glibc on 64-bit Linux. Load is made with them directly: what the framework adds to a connection costs as much as what
/// is being measured.
/// </summary>
internal static unsafe partial class Libc
{
    public const int AfInet = 2;
    public const int SockStream = 1;
    public const int SockDgram = 2;
    public const int SockCloexec = 0x80000;
    public const int SolIp = 0;
    public const int SolSocket = 1;
    public const int SoReuseaddr = 2;
    public const int SoLinger = 13;
    public const int SoRcvtimeo = 20;
    public const int SoSndtimeo = 21;
    public const int SoRcvbufforce = 33;
    public const int IpPktinfo = 8;
    public const int IpBindAddressNoPort = 24;
    public const int MsgWaitforone = 0x10000;
    public const int MsgNosignal = 0x4000;
    public const int ShutRdwr = 2;

    /// <summary>An IPv4 socket address; both numbers in network order.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct SockaddrIn
    {
        public ushort Family;
        public ushort Port;
        public uint Address;
        public ulong Zero;

        /// <summary>From numbers in host order.</summary>
        public static SockaddrIn Of(uint address, ushort port) => new()
        {
            Family = AfInet,
            Port = BitConverter.IsLittleEndian ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(port) : port,
            Address = BitConverter.IsLittleEndian ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(address) : address,
        };
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Linger
    {
        public int On;
        public int Seconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct TimeValue
    {
        public long Seconds;
        public long Microseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public void* Base;
        public nuint Length;
    }

    /// <summary>A message of a batch (mmsghdr), whose own header ends in padding.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct BatchHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public long Flags;
        public uint Transferred;
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(int fd, SockaddrIn* address, uint length);

    [LibraryImport("libc", EntryPoint = "listen", SetLastError = true)]
    public static partial int Listen(int fd, int backlog);

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    public static partial int Accept(int fd, SockaddrIn* address, uint* length, int flags);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    public static partial int Connect(int fd, SockaddrIn* address, uint length);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(int fd, void* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(int fd, void* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "sendmmsg", SetLastError = true)]
    public static partial int SendMany(int fd, BatchHeader* headers, uint count, int flags);

    [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    public static partial int ReceiveMany(int fd, BatchHeader* headers, uint count, int flags, void* timeout);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetOption(int fd, int level, int option, void* value, uint length);

    [LibraryImport("libc", EntryPoint = "shutdown")]
    public static partial int Shutdown(int fd, int how);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int fd);

    /// <summary>Sets an option; a kernel that refuses one of ours is not one that these benchmarks run on.</summary>
    public static void Set<T>(int fd, int level, int option, T value)
        where T : unmanaged =>
        Check(SetOption(fd, level, option, &value, (uint)sizeof(T)), "setsockopt");

    /// <summary>Throws if a call failed.</summary>
    /// <exception cref="Harness.BenchException">It returned less than 0.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Check(int result, string call) => result >= 0 ? result : throw Failure(call);

    private static Harness.BenchException Failure(string call) => new($"{call}: {Marshal.GetLastPInvokeErrorMessage()}");
}
