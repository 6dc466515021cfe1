using Bulkhead.Bench.Harness;
using Bulkhead.Bench.Load;

namespace Bulkhead.Bench.Dataplane;

/// <summary>
/// What the agent's eBPF programs add to making and connecting a socket: the same calls from within its cgroup and from outside, in turn. The sockets are of UDP,
/// which connect without sending anything, so that little but the programs and the calls themselves is timed.
/// </summary>
internal static unsafe class ConnectCost
{
    private const int Calls = 2000;

    /// <summary>Nanoseconds of processor time for a socket made, connected and closed.</summary>
    /// <param name="Outside">Without the programs.</param>
    /// <param name="Inside">With them.</param>
    internal readonly record struct Cost(double Outside, double Inside);

    /// <summary>Medians over rounds, and of the difference within a round.</summary>
    public static (Cost Cost, double Overhead) Measure(OwnerPair owners, Route route, int rounds, CancellationToken cancel)
    {
        var (outside, inside) = (new List<double>(), new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            cancel.ThrowIfCancellationRequested();
            outside.Add(owners.Client.Network.Run(() => Once(route)));
            inside.Add(owners.Cgroup.Inside(() => owners.Client.Network.Run(() => Once(route))));
        }

        return (new(Statistics.Median(outside), Statistics.Median(inside)), Statistics.Median(outside.Zip(inside, (without, with) => with - without)));
    }

    private static double Once(Route route)
    {
        Connect(route, Calls / 10);
        var start = ProcessUsage.ThreadNanoseconds();
        Connect(route, Calls);
        return (double)(ProcessUsage.ThreadNanoseconds() - start) / Calls;
    }

    private static void Connect(Route route, int times)
    {
        var to = route.To;
        for (var i = 0; i < times; i++)
        {
            var fd = Libc.Check(Libc.Socket(Libc.AfInet, Libc.SockDgram | Libc.SockCloexec, 0), "socket");
            Libc.Check(Libc.Connect(fd, &to, (uint)sizeof(Libc.SockaddrIn)), "connect");
            _ = Libc.Close(fd);
        }
    }
}
