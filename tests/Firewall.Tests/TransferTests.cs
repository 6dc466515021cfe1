using System.Net;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>
/// A long transfer while the policy changes. How long it stands still is told by another one, at the same pace and by the same thread, that no policy touches:
/// a machine that is slow is slow for both.
/// </summary>
public class TransferTests
{
    private const int Updates = 1000;
    private const int Port = 9443;

    /// <summary>What the other gets in 200 ms.</summary>
    private const long LongestStall = Transfer.Pace / 5;

    private static readonly Modes _full = new(EnforcementMode.Full, EnforcementMode.Full);

    [Fact]
    public async Task A_long_transfer_across_a_thousand_updates_loses_no_byte_and_does_not_stall()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Version(0));
        Assert.InRange(await StallAsync(bench, _ => UpdateAsync(bench)), 0, LongestStall);
    }

    [Fact]
    public async Task What_stands_still_for_longer_is_noticed()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Version(0));
        Assert.InRange(await StallAsync(bench, HoldUpAsync), LongestStall + 1, long.MaxValue);

        async Task HoldUpAsync(Transfer other)
        {
            bench.Host.Nft($$"""
                table inet hold {
                  chain input {
                    type filter hook input priority -10;
                    tcp dport {{Port}} drop
                  }
                }
                """);
            await other.ReachesAsync(other.Received + (2 * LongestStall));
            bench.Host.Nft("delete table inet hold");
        }
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

    /// <summary>Sends from the peer to the host until something is done; returns the most that the other transfer got while nothing of this one arrived.</summary>
    private static async Task<long> StallAsync(Bench bench, Func<Transfer, Task> meanwhile)
    {
        // For what hangs, not for what is slow.
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(30));
        using var there = NetworkNamespace.Create();
        using var elsewhere = NetworkNamespace.Create();
        Bench.Connect(there, elsewhere, "10.79.0.1", "fd79::1", "10.79.0.2", "fd79::2");
        using var watched = await Transfer.OpenAsync(bench.Peer, bench.Host, new(Bench.HostAddress(false).ToIPAddress(), Port), deadline.Token);
        using var other = await Transfer.OpenAsync(elsewhere, there, new(IPAddress.Parse("10.79.0.1"), Port), deadline.Token);

        var over = 0;
        var stall = Task.Factory.StartNew(Move, deadline.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await meanwhile(other).WaitAsync(deadline.Token);
        }
        finally
        {
            Volatile.Write(ref over, 1);
        }

        return await stall;

        long Move()
        {
            var (longest, stands) = (0L, 0L);
            while (Volatile.Read(ref over) == 0)
            {
                watched.Send();
                other.Send();
                Step();
            }

            watched.End();
            other.End();
            while (!(watched.IsOver && other.IsOver))
            {
                Step();
            }

            Assert.True(watched.Received > 0 && other.Received > 0);
            return longest;

            void Step()
            {
                deadline.Token.ThrowIfCancellationRequested();
                Transfer.Wait(watched, other);
                var arrived = watched.Receive();
                var meanwhile = other.Receive();
                stands = arrived > 0 || watched.IsOver ? 0 : stands + meanwhile;
                longest = Math.Max(longest, stands);
            }
        }
    }
}
