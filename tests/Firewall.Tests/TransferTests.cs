using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>A long transfer while the policy changes.</summary>
public class TransferTests
{
    private const int Updates = 1000;
    private const int Port = 9443;

    // Linux: sol_socket, so_max_pacing_rate. 4 MB/s leaves the processors to the updates.
    private const int SocketLevel = 1;
    private const int MostPerSecond = 47;
    private const int Pace = 4 << 20;
    private const long Undisturbed = 8 << 20;

    private static readonly TimeSpan _longestStall = TimeSpan.FromMilliseconds(200);
    private static readonly Modes _full = new(EnforcementMode.Full, EnforcementMode.Full);

    [Fact]
    public async Task A_long_transfer_across_a_thousand_updates_loses_no_byte_and_does_not_stall()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Version(0));
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(3));

        // What this machine does to a transfer that nobody disturbs is no stall of ours.
        var (alone, unhurried) = await TransferAsync(bench, null, deadline.Token);
        var (during, bytes) = await TransferAsync(bench, () => UpdateAsync(bench), deadline.Token);

        Assert.True(unhurried > 0 && bytes > 0);
        var bound = _longestStall > alone * 2 ? _longestStall : alone * 2;
        Assert.True(during < bound, $"stalled for {during.TotalMilliseconds:0} ms; without updates at most {alone.TotalMilliseconds:0} ms");
    }

    /// <summary>Updates of every kind: an address, a port (other rules), the whole table.</summary>
    private static async Task UpdateAsync(Bench bench)
    {
        for (var i = 1; i <= Updates; i++)
        {
            await bench.ApplyAsync(Version(i), replace: i % 100 == 0);
        }
    }

    private static HostPolicy Version(int number) => Make(
        _full,
        [
            .. from direction in (Direction[])[Direction.Inbound, Direction.Outbound]
               from port in (PortMatch[])[PortMatch.Tcp(Port), PortMatch.Tcp((ushort)(1000 + (number / 10 % 7)))]
               select Entry(direction, RuleAction.Allow, port == PortMatch.Tcp(Port) ? 1 : 2, 0, port),
        ],
        Hosts("10.77.0.2", $"10.77.{1 + (number / 250)}.{1 + (number % 250)}", $"10.78.{number % 250}.0/24"));

    /// <summary>Sends from the peer to the host until something is done, or a bounded amount; returns the longest time in which nothing arrived, and how much did.</summary>
    private static async Task<(TimeSpan Stall, long Bytes)> TransferAsync(Bench bench, Func<Task>? meanwhile, CancellationToken cancel)
    {
        using var listener = bench.Host.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(Bench.HostAddress(false).ToIPAddress(), Port));
        listener.Listen();
        using var sender = bench.Peer.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        sender.SetRawSocketOption(SocketLevel, MostPerSecond, BitConverter.GetBytes(Pace));
        await sender.ConnectAsync(listener.LocalEndPoint!, cancel);
        using var receiver = await listener.AcceptAsync(cancel);

        var over = 0;
        var sending = Task.Run(() => Send(sender, sent => meanwhile is null ? sent >= Undisturbed : Volatile.Read(ref over) != 0), cancel);
        var receiving = Task.Run(() => Receive(receiver), cancel);
        await (meanwhile?.Invoke() ?? Task.CompletedTask);
        Volatile.Write(ref over, 1);
        var sent = await sending.WaitAsync(cancel);
        var (received, stall) = await receiving.WaitAsync(cancel);
        Assert.Equal(sent, received);
        return (stall, received);
    }

    /// <summary>Sends bytes of which each says where it stands.</summary>
    private static long Send(Socket socket, Func<long, bool> over)
    {
        var block = new byte[4096];
        long sent = 0;
        while (!over(sent))
        {
            for (var i = 0; i < block.Length; i++)
            {
                block[i] = At(sent + i);
            }

            sent += socket.Send(block);
        }

        socket.Shutdown(SocketShutdown.Send);
        return sent;
    }

    private static (long Bytes, TimeSpan Stall) Receive(Socket socket)
    {
        var buffer = new byte[64 * 1024];
        var (bytes, stall, last) = (0L, TimeSpan.Zero, Stopwatch.GetTimestamp());
        while (socket.Receive(buffer) is var length and > 0)
        {
            var now = Stopwatch.GetTimestamp();
            (stall, last) = (TimeSpan.FromTicks(Math.Max(stall.Ticks, Stopwatch.GetElapsedTime(last, now).Ticks)), now);
            for (var i = 0; i < length; i++)
            {
                Assert.True(buffer[i] == At(bytes + i), $"byte {bytes + i} is another");
            }

            bytes += length;
        }

        return (bytes, stall);
    }

    private static byte At(long position) => (byte)(position % 251);
}
