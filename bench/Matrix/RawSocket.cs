using System.Net.Sockets;
using System.Runtime.InteropServices;
using Bulkhead.Bench.Load;

namespace Bulkhead.Bench.Matrix;

/// <summary>Raw sockets of protocols that the framework has no name for, and so does not make itself.</summary>
internal static class RawSocket
{
    private const int AfInet6 = 10;
    private const int SockRaw = 3;

    /// <summary>Makes one in the calling thread's network namespace.</summary>
    /// <exception cref="SocketException">The kernel refuses.</exception>
    public static Socket Open(AddressFamily family, byte protocol)
    {
        var descriptor = Libc.Socket(family == AddressFamily.InterNetworkV6 ? AfInet6 : Libc.AfInet, SockRaw | Libc.SockCloexec, protocol);
        return descriptor < 0
            ? throw new SocketException(Marshal.GetLastPInvokeError())
            : new(new SafeSocketHandle(descriptor, ownsHandle: true));
    }
}
