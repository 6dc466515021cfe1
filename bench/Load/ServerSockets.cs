namespace Bulkhead.Bench.Load;

/// <summary>Sockets that serve ports on every address of a namespace.</summary>
internal static unsafe class ServerSockets
{
    private const int Backlog = 8192;
    private const int ReceiveBuffer = 32 << 20;

    /// <summary>Listening TCP sockets.</summary>
    public static int[] Listen(IEnumerable<ushort> ports) => [.. ports.Select(port =>
    {
        var fd = Bound(Libc.SockStream, port);
        Libc.Check(Libc.Listen(fd, Backlog), "listen");
        return fd;
    })];

    /// <summary>UDP sockets with large buffers, which say to which address packets came; who receives looks up from waiting ten times a second.</summary>
    public static int[] Receive(IEnumerable<ushort> ports) => [.. ports.Select(port =>
    {
        var fd = Bound(Libc.SockDgram, port);
        Libc.Set(fd, Libc.SolSocket, Libc.SoRcvbufforce, ReceiveBuffer);
        Libc.Set(fd, Libc.SolIp, Libc.IpPktinfo, 1);
        Libc.Set(fd, Libc.SolSocket, Libc.SoRcvtimeo, new Libc.TimeValue { Microseconds = 100_000 });
        return fd;
    })];

    /// <summary>Wakes whoever accepts from listening sockets, for them to see that it is over.</summary>
    public static void Wake(IEnumerable<int> sockets)
    {
        foreach (var fd in sockets)
        {
            _ = Libc.Shutdown(fd, Libc.ShutRdwr);
        }
    }

    /// <summary>Closes sockets.</summary>
    public static void Close(IEnumerable<int> sockets)
    {
        foreach (var fd in sockets)
        {
            _ = Libc.Close(fd);
        }
    }

    private static int Bound(int type, ushort port)
    {
        var fd = Libc.Check(Libc.Socket(Libc.AfInet, type | Libc.SockCloexec, 0), "socket");
        Libc.Set(fd, Libc.SolSocket, Libc.SoReuseaddr, 1);
        var address = Libc.SockaddrIn.Of(0, port);
        Libc.Check(Libc.Bind(fd, &address, (uint)sizeof(Libc.SockaddrIn)), "bind");
        return fd;
    }
}
