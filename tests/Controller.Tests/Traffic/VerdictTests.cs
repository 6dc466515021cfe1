using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Controller.Traffic;

namespace Bulkhead.Controller.Tests.Traffic;

public sealed class VerdictTests
{
    [Fact]
    public async Task Sentences_name_the_end_and_what_decides()
    {
        await using var world = new TrafficWorld { Enforced = TrafficWorld.RingFence };
        await world.PassAsync("app", "db", 3306, TrafficWorld.Shop, TrafficWorld.Mariadb);
        await world.PassAsync("web", "pay", 443, TrafficWorld.Nginx);
        await world.PassAsync("dev", "db", 3306, TrafficWorld.Netcat, TrafficWorld.Mariadb);
        await world.PassAsync("8.8.8.8", "9.9.9.9", 53);

        Assert.Equal("Allowed: rule 2 of ruleset shop-prod allows it", world.Because("app", "db", 3306, TrafficView.Enforced));
        Assert.Equal("PotentiallyBlocked: no rule of pay (payments/prod) allows tcp/443 inbound; it passes because its inbound mode is visibility", world.Because("web", "pay", 443, TrafficView.Enforced));
        Assert.Equal("Blocked: no rule of db (shop/prod) allows tcp/3306 inbound; its inbound mode is full", world.Because("dev", "db", 3306, TrafficView.Enforced));
        Assert.Equal(
            "PotentiallyBlocked: it passed when last tried, but now no rule of db (shop/prod) allows tcp/3306 inbound; its inbound mode is full",
            world.Because("dev", "db", 3306, TrafficView.Reported));
        Assert.Equal("Unknown: neither end has an agent", world.Because("8.8.8.8", "9.9.9.9", 53, TrafficView.Enforced));
    }

    [Fact]
    public async Task What_an_agent_says_has_blocked_it_is_said_by_name()
    {
        await using var world = new TrafficWorld { Enforced = TrafficWorld.RingFence };
        await world.SeeAsync("dev", "db", 3306, FlowSide.Destination, blocked: true, by: BlockedBy.Default);
        await world.SeeAsync("web", "app", 8080, FlowSide.Destination, blocked: true, by: 2);
        await world.SeeAsync("pay", "app", 1, FlowSide.Destination, blocked: true, by: 99);
        await world.SeeAsync("web", "pay", 2, FlowSide.Source, blocked: true, by: BlockedBy.Quarantine);

        Assert.Equal("Blocked: no rule of db (shop/prod) allowed tcp/3306 inbound, and its inbound mode was full", world.Because("dev", "db", 3306, TrafficView.Reported));
        Assert.Equal("Blocked: rule 2 of ruleset shop-prod blocked it at app (shop/prod)", world.Because("web", "app", 8080, TrafficView.Reported));
        Assert.Equal("Blocked: rule 99, which has since been removed, blocked it at app (shop/prod)", world.Because("pay", "app", 1, TrafficView.Reported));
        Assert.Equal("Blocked: pay (payments/prod) is in quarantine", world.Because("web", "pay", 2, TrafficView.Reported));
    }

    [Fact]
    public async Task A_source_that_blocked_is_outdated_by_what_has_since_arrived()
    {
        await using var world = new TrafficWorld();
        await world.SeeAsync("web", "pay", 443, FlowSide.Source, blocked: true);
        Assert.StartsWith("Blocked", world.Because("web", "pay", 443, TrafficView.Reported), StringComparison.Ordinal);

        world.Fixture.Time.Advance(TimeSpan.FromSeconds(10));
        await world.SeeAsync("web", "pay", 443, FlowSide.Destination);
        Assert.StartsWith("PotentiallyBlocked", world.Because("web", "pay", 443, TrafficView.Reported), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_edge_is_judged_by_the_worst_of_the_processes_seen_and_again_when_one_joins_them()
    {
        await using var world = new TrafficWorld { Enforced = TrafficWorld.RingFence };
        await world.PassAsync("app", "db", 3306, TrafficWorld.Shop, TrafficWorld.Mariadb);
        Assert.StartsWith("Allowed", world.Because("app", "db", 3306, TrafficView.Enforced), StringComparison.Ordinal);

        await world.PassAsync("app", "db", 3306, TrafficWorld.Shop, TrafficWorld.Netcat);
        Assert.StartsWith("Blocked", world.Because("app", "db", 3306, TrafficView.Enforced), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_was_not_attributed_leaves_open_what_an_end_that_names_its_processes_would_say()
    {
        await using var world = new TrafficWorld { Enforced = TrafficWorld.RingFence };
        await world.PassAsync("app", "db", 3306, TrafficWorld.Shop);
        Assert.StartsWith("Blocked", world.Because("app", "db", 3306, TrafficView.Enforced), StringComparison.Ordinal);

        await world.PassAsync("app", "db", 3306, TrafficWorld.Shop, TrafficWorld.Mariadb);
        Assert.StartsWith("Unknown", world.Because("app", "db", 3306, TrafficView.Enforced), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_process_that_nobody_recorded_leaves_the_verdict_open_where_a_rule_asks_for_it()
    {
        await using var world = new TrafficWorld { Enforced = TrafficWorld.RingFence };
        await world.SeeAsync("app", "db", 3306, FlowSide.Source, TrafficWorld.Shop);
        Assert.Equal("Unknown: rule 2 of ruleset shop-prod depends on the process or user at db (shop/prod), which is not known", world.Because("app", "db", 3306, TrafficView.Enforced));
    }

    [Fact]
    public async Task The_draft_blocks_exactly_what_it_does_not_allow()
    {
        await using var world = new TrafficWorld { Draft = TrafficWorld.RingFence };
        await world.PassAsync("web", "app", 8080, TrafficWorld.Nginx, TrafficWorld.Shop);
        await world.PassAsync("app", "db", 3306, TrafficWorld.Shop, TrafficWorld.Mariadb);
        await world.PassAsync("dev", "db", 3306, TrafficWorld.Netcat, TrafficWorld.Mariadb);
        await world.PassAsync("fd00::4", "fd00::3", 3306, TrafficWorld.Netcat, TrafficWorld.Mariadb);
        await world.PassAsync("dev", "pay", 5432, TrafficWorld.Netcat);

        var impact = ShowImpact.Of(world.Picture());
        Assert.Equal(["10.0.0.4 > 10.0.0.3 tcp/3306", "fd00::4 > fd00::3 tcp/3306"], impact.NewlyBlocked.Select(Text));
        Assert.Empty(impact.NewlyAllowed);
        Assert.Equal(["app", "db", "web"], impact.HostsChanged);
        Assert.Equal(5, impact.Edges);

        (world.Enforced, world.Draft) = (world.Draft!, new());
        Assert.Equal(impact.NewlyBlocked.Select(Text), ShowImpact.Of(world.Picture()).NewlyAllowed.Select(Text));
    }

    private static string Text(FlowEdge flow) => $"{flow.Source.Address} > {flow.Destination.Address} {flow.Port}";
}
