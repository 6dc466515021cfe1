using System.Runtime.InteropServices;
using Bulkhead.Bench.Dataplane;
using Bulkhead.Bench.Harness;

namespace Bulkhead.Bench.Load;

/// <summary>
/// New TCP connections: each is made, closed by the server, and ended by the client with a reset, so that neither end keeps it and ports
/// never run out. Several are under way at a time.
/// </summary>
internal static unsafe class ConnectionLoad
{
    private const int Clients = 4;

    /// <summary>Connections over all routes in turn.</summary>
    /// <exception cref="BenchException">A connection failed.</exception>
    public static Sample Measure(Case one, SampleTime time, CancellationToken cancel)
    {
        var (pair, traffic) = (one.Pair, one.Traffic);
        var listeners = pair.Server.Run(() => ServerSockets.Listen(traffic.Ports));
        var servers = Crew.Start(pair.Server, listeners.Length, (crew, member) => Serve(crew, listeners[member]));
        var clients = Crew.Start(pair.Client, Clients, (crew, member) => ConnectInTurn(crew, member, traffic));
        try
        {
            return time.Take(() => clients.Done, one.Agents, cancel);
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

    /// <summary>Makes one connection on each route and names the first that fails; null if none does.</summary>
    public static string? Try(VethPair pair, IReadOnlyList<Route> routes, IReadOnlyList<ushort> ports)
    {
        var listeners = pair.Server.Run(() => ServerSockets.Listen(ports));
        var servers = Crew.Start(pair.Server, listeners.Length, (crew, member) => Serve(crew, listeners[member]));
        try
        {
            return pair.Client.Run(() =>
            {
                foreach (var route in routes)
                {
                    if (!Connect(route))
                    {
                        return $"{route}: {Marshal.GetLastPInvokeErrorMessage()}";
                    }
                }

                return null;
            });
        }
        finally
        {
            servers.Stop();
            ServerSockets.Wake(listeners);
            servers.Join();
            ServerSockets.Close(listeners);
        }
    }

    private static void Serve(Crew crew, int listener)
    {
        while (!crew.IsStopping)
        {
            var fd = Libc.Accept(listener, null, null, Libc.SockCloexec);
            if (fd >= 0)
            {
                _ = Libc.Close(fd);
            }
        }
    }

    private static void ConnectInTurn(Crew crew, int member, Traffic traffic)
    {
        while (!crew.IsStopping)
        {
            var route = traffic.Next();
            if (!Connect(route))
            {
                throw new BenchException($"a connection that the policy allows failed: {route}: {Marshal.GetLastPInvokeErrorMessage()}");
            }

            crew.Count(member, 1);
        }
    }

    /// <summary>One connection, waiting until the server has closed it.</summary>
    private static bool Connect(Route route)
    {
        var fd = Libc.Check(Libc.Socket(Libc.AfInet, Libc.SockStream | Libc.SockCloexec, 0), "socket");
        try
        {
            Libc.Set(fd, Libc.SolIp, Libc.IpBindAddressNoPort, 1);
            Libc.Set(fd, Libc.SolSocket, Libc.SoLinger, new Libc.Linger { On = 1 });
            var from = route.From;
            Libc.Check(Libc.Bind(fd, &from, (uint)sizeof(Libc.SockaddrIn)), "bind");
            var to = route.To;
            byte nothing;
            return Libc.Connect(fd, &to, (uint)sizeof(Libc.SockaddrIn)) == 0 && Libc.Receive(fd, &nothing, 1, 0) == 0;
        }
        finally
        {
            _ = Libc.Close(fd);
        }
    }
}
