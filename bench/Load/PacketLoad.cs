using System.Runtime.InteropServices;
using Bulkhead.Bench.Dataplane;
using Bulkhead.Bench.Harness;

namespace Bulkhead.Bench.Load;

/// <summary>Small UDP packets over many flows, sent in bursts. 18 bytes of payload make a frame of 64 bytes (RFC 2544).</summary>
internal static unsafe class PacketLoad
{
    private const int Payload = 18;
    private const int Burst = 16;
    private const int MaxFlows = 1000;
    private const int Slots = 64;
    private const int SlotSize = 64;

    /// <summary>Packets that arrive at the server's sockets.</summary>
    /// <param name="one">Where; at most 1,000 of its routes are taken, evenly spread.</param>
    /// <param name="answered">
    /// Whether the server answers each flow's first packet, which makes the flow established in the eyes of conntrack; else every packet of a
    /// flow is new to it.
    /// </param>
    /// <param name="time">How long.</param>
    /// <param name="cancel">Ends the sample.</param>
    public static Sample Measure(Case one, bool answered, SampleTime time, CancellationToken cancel)
    {
        var (pair, traffic) = (one.Pair, one.Traffic);
        var receivers = pair.Server.Run(() => ServerSockets.Receive(traffic.Ports));
        var flows = pair.Client.Run(() => Open(traffic));
        Crew? source = null;
        Crew? sinks = null;
        try
        {
            if (answered)
            {
                Establish(pair, receivers, flows);
            }

            sinks = Crew.Start(pair.Server, receivers.Length, (crew, member) => Sink(crew, member, receivers[member]));
            source = Crew.Start(pair.Client, 1, (crew, _) => Send(crew, flows));
            return time.Take(() => sinks.Done, one.Agents, cancel);
        }
        finally
        {
            source?.Stop();
            source?.Join();
            sinks?.Stop();
            sinks?.Join();
            ServerSockets.Close(flows);
            ServerSockets.Close(receivers);
        }
    }

    private static int[] Open(Traffic traffic)
    {
        var count = Math.Min(MaxFlows, traffic.Routes.Count);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var route = traffic.Routes[(int)((long)i * traffic.Routes.Count / count)];
            var fd = Libc.Check(Libc.Socket(Libc.AfInet, Libc.SockDgram | Libc.SockCloexec, 0), "socket");
            Libc.Set(fd, Libc.SolSocket, Libc.SoRcvtimeo, new Libc.TimeValue { Seconds = 2 });
            var from = route.From;
            Libc.Check(Libc.Bind(fd, &from, (uint)sizeof(Libc.SockaddrIn)), "bind");
            var to = route.To;
            Libc.Check(Libc.Connect(fd, &to, (uint)sizeof(Libc.SockaddrIn)), "connect");
            return fd;
        })];
    }

    /// <summary>One packet there and one back on each flow.</summary>
    private static void Establish(VethPair pair, int[] receivers, int[] flows)
    {
        var answering = Crew.Start(pair.Server, receivers.Length, (crew, member) => Answer(crew, receivers[member]));
        try
        {
            var packet = stackalloc byte[Payload];
            foreach (var fd in flows)
            {
                if (Libc.Send(fd, packet, Payload, 0) != Payload || Libc.Receive(fd, packet, Payload, 0) != Payload)
                {
                    throw new BenchException($"a UDP flow that the policy allows got no answer: {Marshal.GetLastPInvokeErrorMessage()}");
                }
            }
        }
        finally
        {
            answering.Stop();
            answering.Join();
        }
    }

    private static void Answer(Crew crew, int fd)
    {
        var payload = stackalloc byte[Payload];
        var control = stackalloc byte[SlotSize];
        Libc.SockaddrIn client;
        var vector = new Libc.IoVector { Base = payload, Length = Payload };
        while (!crew.IsStopping)
        {
            // What came as packet information (to which address, by which interface) goes back as such: from where, by which.
            var header = new Libc.BatchHeader
            {
                Name = &client, NameLength = (uint)sizeof(Libc.SockaddrIn), Vectors = &vector, VectorCount = 1, Control = control, ControlLength = SlotSize,
            };
            if (Libc.ReceiveMany(fd, &header, 1, 0, null) == 1)
            {
                header.Flags = 0;
                Libc.Check(Libc.SendMany(fd, &header, 1, 0), "sendmmsg");
            }
        }
    }

    private static void Sink(Crew crew, int member, int fd)
    {
        var buffer = stackalloc byte[SlotSize];
        var vector = new Libc.IoVector { Base = buffer, Length = SlotSize };
        var headers = stackalloc Libc.BatchHeader[Slots];
        Fill(headers, Slots, &vector);
        while (!crew.IsStopping)
        {
            crew.Count(member, Math.Max(0, Libc.ReceiveMany(fd, headers, Slots, Libc.MsgWaitforone, null)));
        }
    }

    private static void Send(Crew crew, int[] flows)
    {
        var buffer = stackalloc byte[Payload];
        var vector = new Libc.IoVector { Base = buffer, Length = Payload };
        var headers = stackalloc Libc.BatchHeader[Burst];
        Fill(headers, Burst, &vector);
        for (var i = 0; !crew.IsStopping; i = (i + 1) % flows.Length)
        {
            Libc.Check(Libc.SendMany(flows[i], headers, Burst, 0), "sendmmsg, of packets that the policy allows");
        }
    }

    private static void Fill(Libc.BatchHeader* headers, int count, Libc.IoVector* vector)
    {
        for (var i = 0; i < count; i++)
        {
            headers[i] = new() { Vectors = vector, VectorCount = 1 };
        }
    }
}
