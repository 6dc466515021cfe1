using Bulkhead.Bench.Dataplane;
using Bulkhead.Bench.Harness;

namespace Bulkhead.Bench.Load;

/// <summary>Bulk data over a few TCP connections, each on a route of its own.</summary>
internal static unsafe class ThroughputLoad
{
    private const int Connections = 4;
    private const int Block = 128 << 10;

    /// <summary>Bytes that the server reads.</summary>
    public static Sample Measure(Case one, SampleTime time, CancellationToken cancel)
    {
        var (pair, traffic) = (one.Pair, one.Traffic);
        var routes = Enumerable.Range(0, Connections).Select(i => traffic.Routes[(int)((2L * i + 1) * traffic.Routes.Count / (2 * Connections))]).ToArray();
        var listeners = pair.Server.Run(() => ServerSockets.Listen(routes.Select(route => route.Port).Distinct()));
        var servers = Crew.Start(pair.Server, Connections, (crew, member) => Read(crew, member, listeners[member % listeners.Length]));
        var clients = Crew.Start(pair.Client, Connections, (crew, member) => Write(crew, routes[member]));
        try
        {
            return time.Take(() => servers.Done, one.Agents, cancel);
        }
        finally
        {
            clients.Stop();
            clients.Join();
            servers.Stop();
            ServerSockets.Wake(listeners);
            servers.Join();
            ServerSockets.Close(listeners);
        }
    }

    private static void Read(Crew crew, int member, int listener)
    {
        var fd = Libc.Accept(listener, null, null, Libc.SockCloexec);
        if (fd < 0)
        {
            return;
        }

        var buffer = new byte[Block];
        fixed (byte* start = buffer)
        {
            nint count;
            while ((count = Libc.Receive(fd, start, Block, 0)) > 0)
            {
                crew.Count(member, count);
            }
        }

        _ = Libc.Close(fd);
    }

    private static void Write(Crew crew, Route route)
    {
        var fd = Libc.Check(Libc.Socket(Libc.AfInet, Libc.SockStream | Libc.SockCloexec, 0), "socket");
        Libc.Set(fd, Libc.SolSocket, Libc.SoLinger, new Libc.Linger { On = 1 });
        Libc.Set(fd, Libc.SolSocket, Libc.SoSndtimeo, new Libc.TimeValue { Seconds = 2 });
        var from = route.From;
        Libc.Check(Libc.Bind(fd, &from, (uint)sizeof(Libc.SockaddrIn)), "bind");
        var to = route.To;
        Libc.Check(Libc.Connect(fd, &to, (uint)sizeof(Libc.SockaddrIn)), $"connect {route}");
        var buffer = new byte[Block];
        fixed (byte* start = buffer)
        {
            while (!crew.IsStopping)
            {
                Libc.Check((int)Libc.Send(fd, start, Block, Libc.MsgNosignal), $"send {route}");
            }
        }

        _ = Libc.Close(fd);
    }
}
