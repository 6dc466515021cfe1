using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Telemetry;
using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Addresses;
using Direction = Bulkhead.Policy.Rules.Direction;

namespace Bulkhead.Agent.Tests.Telemetry;

public sealed class FlowWindowTests
{
    internal static readonly ProcessFacts Nginx = new(10, 1, "/usr/sbin/nginx") { Name = "nginx", Unit = "nginx.service", User = "www-data", Uid = 33, LoginUid = ProcessFacts.NoLogin };
    private readonly FlowWindow _window = new(3);

    [Fact]
    public void An_empty_window_tells_nothing() => Assert.Null(_window.Close(0, 10_000));

    [Fact]
    public void Connections_of_one_key_are_one_flow()
    {
        _window.Find(Key(80, Nginx))!.Connect(100);
        _window.Find(Key(80, Nginx))!.Connect(900);
        _window.Find(Key(80, Nginx))!.Add(new Traffic(1, 100, 2, 200), 950);

        var batch = _window.Close(5, 10_000)!;

        var flow = Assert.Single(batch.Flows);
        Assert.Equal((2UL, 100UL, 200UL, 100L, 950L), (flow.Connections, flow.BytesOut, flow.BytesIn, flow.FirstMs, flow.LastMs));
        Assert.Equal("/usr/sbin/nginx", batch.Processes[(int)flow.Process - 1].Path);
        Assert.Equal((5L, 10_000U), (batch.WindowUnixMs, batch.WindowMs));
        Assert.Null(_window.Close(0, 10_000));
    }

    [Fact]
    public void A_process_is_told_once_a_batch_and_an_unknown_one_is_none()
    {
        _window.Find(Key(80, Nginx))!.Connect(0);
        _window.Find(Key(443, Nginx))!.Connect(0);
        _window.Find(Key(443, null))!.Connect(0);
        var batch = _window.Close(0, 10_000)!;
        Assert.Single(batch.Processes);
        Assert.Equal([0U, 1U, 1U], batch.Flows.Select(f => f.Process).Order());
    }

    [Fact]
    public void A_full_window_sums_up_without_processes_and_counts_what_does_not_fit()
    {
        _window.Find(Key(1, null))!.Connect(0);
        _window.Find(Key(2, null))!.Connect(0);
        _window.Find(Key(3, null))!.Connect(0);

        Assert.Same(_window.Find(Key(1, null)), _window.Find(Key(1, Nginx)));
        Assert.Null(_window.Find(Key(4, Nginx)));

        Assert.Equal(1UL, _window.Close(0, 10_000)!.LostEvents);
        Assert.Equal(0UL, _window.Lost);
    }

    [Fact]
    public void A_window_had_better_end_before_it_is_full()
    {
        var window = new FlowWindow(8);
        for (ushort port = 1; port <= 8; port++)
        {
            Assert.Equal(port > 6, window.IsNearlyFull);
            window.Find(Key(port, null))!.Connect(0);
        }
    }

    [Fact]
    public void Lost_events_are_told_even_without_flows()
    {
        _window.CountLost(7);
        Assert.Equal(7UL, _window.Close(0, 10_000)!.LostEvents);
    }

    [Fact]
    public void A_blocked_connection_that_tries_again_is_one_connection()
    {
        var key = Key(5432, null) with { Blocked = true, DecidedBy = 17 };
        _window.Block(key, 40_001, new Traffic(0, 0, 1, 60), 10);
        _window.Block(key, 40_001, new Traffic(0, 0, 1, 60), 1010);
        _window.Block(key, 40_002, new Traffic(0, 0, 1, 60), 1020);

        var flow = Assert.Single(_window.Close(0, 10_000)!.Flows);

        Assert.Equal((Outcome.Blocked, 17L, 2UL, 3UL, 180UL), (flow.Outcome, flow.DecidedBy, flow.Connections, flow.PacketsIn, flow.BytesIn));
    }

    [Fact]
    public void New_connections_of_whose_traffic_nothing_is_known_yet_are_known_to_be_undecided()
    {
        _window.Find(Key(80, null))!.Connect(0);
        _window.Find(Key(81, null))!.Connect(0);
        _window.Find(Key(81, null))!.Add(new Traffic(1, 60, 0, 0), 0);
        _ = _window.Find(Key(82, null));
        Assert.Equal(1, _window.CountUndecided());
    }

    [Fact]
    public void In_the_next_window_it_counts_again()
    {
        var key = Key(5432, null) with { Blocked = true };
        _window.Block(key, 40_001, default, 0);
        _ = _window.Close(0, 10_000);
        _window.Block(key, 40_001, default, 0);
        Assert.Equal(1UL, Assert.Single(_window.Close(0, 10_000)!.Flows).Connections);
    }

    internal static FlowKey Key(ushort port, ProcessFacts? process) =>
        new(Direction.Inbound, IpAddress.Parse("10.0.0.1"), IpAddress.Parse("10.0.0.2"), 6, port, process);
}
