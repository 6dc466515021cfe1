using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests;

public class VerdictTests
{
    private static World Shop() => new World()
        .Host("web", "role=web,app=shop,env=prod")
        .Host("db", "role=db,app=shop,env=prod")
        .Host("dev", "role=web,app=shop,env=dev")
        .Host("pay", "role=app,app=pay,env=prod")
        .Host("old", "role=legacy,app=shop,env=prod", managed: false);

    [Theory]
    [InlineData("web", "db", "tcp/3306", VerdictKind.Allowed, "10.0.0.1→10.0.0.2 by rule")]
    [InlineData("dev", "db", "tcp/3306", VerdictKind.Blocked, "no rule, full")]
    [InlineData("web", "db", "tcp/22", VerdictKind.Blocked, "no rule for the port")]
    [InlineData("db", "web", "tcp/3306", VerdictKind.Blocked, "rules have a direction")]
    [InlineData("web", "pay", "tcp/443", VerdictKind.Blocked, "web's outbound is full")]
    [InlineData("dev", "pay", "tcp/443", VerdictKind.PotentiallyBlocked, "both in visibility")]
    [InlineData("old", "db", "tcp/3306", VerdictKind.Blocked, "an unmanaged source is judged by the destination")]
    [InlineData("203.0.113.9", "db", "tcp/3306", VerdictKind.Blocked, "unknown address")]
    [InlineData("dev", "old", "tcp/80", VerdictKind.PotentiallyBlocked, "only the source is managed")]
    [InlineData("old", "203.0.113.9", "tcp/80", VerdictKind.Unknown, "nobody judges")]
    [InlineData("web", "10.9.9.9", "tcp/8444", VerdictKind.Allowed, "the controller is essential")]
    public void A_fenced_application(string from, string to, string port, VerdictKind expected, string because)
    {
        var world = Shop()
            .Modes("app=shop,env=prod", "full", "full")
            .Ruleset("shop", "app=shop,env=prod", Write.Allow("role=web", "role=db", "tcp/3306"));
        Assert.True(expected == world.Judge(from, to, port).Kind, because);
        if (from is not "203.0.113.9" && to is not ("10.9.9.9" or "203.0.113.9"))
        {
            Assert.Equal(expected, world.Judge(from, to, port, v6: true).Kind);
        }
    }

    [Theory]
    [InlineData("visibility", Outcome.Allow, Outcome.Block)]
    [InlineData("selective", Outcome.Block, Outcome.Block)]
    [InlineData("full", Outcome.Block, Outcome.Block)]
    public void A_deny_blocks_in_selective_and_full(string mode, Outcome outcome, Outcome inFull)
    {
        var decision = Shop().Modes("all", mode, "visibility").Ruleset("r", "all", Write.Deny("env=dev", "env=prod", "tcp")).Judge("dev", "db", "tcp/3306").Destination!;
        Assert.Equal((outcome, inFull, DecidedBy.Rule), (decision.Outcome, decision.InFull, decision.By));
    }

    [Fact]
    public void Tiers_decide_in_order_and_the_lowest_rule_within_a_tier()
    {
        var world = Shop().Modes("all", "full", "full").Ruleset(
            "r",
            "all",
            Write.Deny("all", "role=db", "any") with { Id = 1 },
            Write.Allow("role=web", "role=db", "tcp/3306") with { Id = 9 },
            Write.Allow("env=prod", "role=db", "tcp/3306") with { Id = 5 },
            Write.OverrideDeny("env=dev", "env=prod", "any") with { Id = 7 });
        var allowed = world.Judge("web", "db", "tcp/3306");
        Assert.Equal(VerdictKind.Allowed, allowed.Kind);
        Assert.Equal(new RuleId(5), allowed.Destination!.Rule);
        Assert.Equal([new RuleId(9), new RuleId(1)], allowed.Destination.Others);
        var denied = world.Judge("dev", "db", "tcp/3306");
        Assert.Equal((VerdictKind.Blocked, new RuleId(7)), (denied.Kind, denied.Destination!.Rule!.Value));
        Assert.Equal(new RuleId(1), world.Judge("pay", "db", "tcp/22").Destination!.Rule);
    }

    [Fact]
    public void Not_one_of_also_matches_a_workload_without_the_key()
    {
        var world = new World().Host("a", "role=web").Host("b", "role=db,env=prod").Modes("all", "full", "visibility")
            .Ruleset("r", "all", Write.Allow("env!=dev", "role=db", "any"));
        Assert.Equal(Outcome.Allow, world.Judge("a", "b", "tcp/1").Destination!.Outcome);
    }

    [Fact]
    public void Per_makes_one_compartment_per_combination()
    {
        var world = new World().Host("a1", "role=web,app=a,env=prod").Host("a2", "role=db,app=a,env=prod").Host("b", "role=db,app=b,env=prod").Host("none", "role=db")
            .Modes("all", "full", "full")
            .Ruleset("ring", [new ScopeDocument { Selector = "env=prod", Per = ["app"] }], Write.Allow("all", "all", "any"));
        Assert.Equal(VerdictKind.Allowed, world.Judge("a1", "a2", "tcp/1").Kind);
        Assert.Equal(VerdictKind.Blocked, world.Judge("a1", "b", "tcp/1").Kind);
        Assert.Equal(VerdictKind.Blocked, world.Judge("none", "a1", "tcp/1").Kind);
    }

    [Fact]
    public void Extra_scope_binds_only_the_named_end()
    {
        var world = Shop().Modes("all", "full", "full")
            .Ruleset("r", "app=pay", Write.Allow("app=shop,env=prod,role=web", "all", "tcp/443") with { Within = "to" });
        Assert.Equal(VerdictKind.Allowed, world.Judge("web", "pay", "tcp/443").Kind);
        Assert.Equal(VerdictKind.Blocked, world.Judge("web", "db", "tcp/443").Kind);
        Assert.Equal(VerdictKind.Blocked, world.Judge("pay", "web", "tcp/443").Kind);
    }

    [Fact]
    public void A_network_matches_addresses_whoever_owns_them()
    {
        var world = Shop().Network("office", "203.0.113.0/24", "10.0.0.3").Modes("all", "full", "visibility")
            .Ruleset("r", "env=prod", Write.Allow("network:office", "role=web", "tcp/443"));
        Assert.Equal(Outcome.Allow, world.Judge("203.0.113.77", "web", "tcp/443").Destination!.Outcome);
        Assert.Equal(Outcome.Allow, world.Judge("dev", "web", "tcp/443").Destination!.Outcome);
        Assert.Equal(Outcome.Block, world.Judge("db", "web", "tcp/443").Destination!.Outcome);
    }

    [Fact]
    public void All_means_workloads_never_any_address()
    {
        var world = Shop().Modes("all", "full", "full").Ruleset("r", "all", Write.Allow("all", "all", "any"));
        Assert.Equal(VerdictKind.Allowed, world.Judge("dev", "pay", "tcp/9").Kind);
        Assert.Equal(VerdictKind.Blocked, world.Judge("203.0.113.1", "pay", "tcp/9").Kind);
    }

    [Fact]
    public void Quarantine_cuts_at_every_peer_in_every_mode()
    {
        var world = new World().Host("sick", "role=web", quarantined: true).Host("well", "role=db").Host("doctor", "role=soc")
            .Network("responders", "10.0.0.3").Ruleset("r", "all", Write.Allow("all", "all", "any"));
        Assert.Equal(VerdictKind.Blocked, world.Judge("sick", "well", "tcp/1").Kind);
        var atPeer = world.Judge("well", "sick", "tcp/1");
        Assert.Equal((Outcome.Block, DecidedBy.Quarantine), (atPeer.Source!.Outcome, atPeer.Source.By));
        Assert.Equal(Outcome.Allow, world.Judge("doctor", "sick", "tcp/22").Destination!.Outcome);
        Assert.Equal(VerdictKind.Allowed, world.Judge("sick", "10.9.9.9", "tcp/8444").Kind);
    }

    [Fact]
    public void Fail_safe_opens_inbound_before_any_rule()
    {
        var world = Shop().Network("admins", "198.51.100.0/24").Modes("all", "full", "full").Ruleset("r", "all", Write.Deny("network:admins", "all", "any"));
        world.Document = world.Document with { FailSafe = [new() { Network = "admins", Ports = ["tcp/22"] }] };
        Assert.Equal((Outcome.Allow, DecidedBy.Essential), (world.Judge("198.51.100.7", "db", "tcp/22").Destination!.Outcome, world.Judge("198.51.100.7", "db", "tcp/22").Destination!.By));
        Assert.Equal(Outcome.Block, world.Judge("198.51.100.7", "db", "tcp/23").Destination!.Outcome);
    }

    [Fact]
    public void Unapproved_pairings_are_in_no_peer_set()
    {
        var world = Shop().Host("new", "role=web,app=shop,env=prod", admitted: false).Modes("all", "full", "visibility").Ruleset("r", "all", Write.Allow("role=web", "role=db", "any"));
        Assert.Equal(Outcome.Block, world.Judge("new", "db", "tcp/1").Destination!.Outcome);
    }

    [Fact]
    public void An_expired_rule_does_not_apply_and_the_next_expiry_is_known()
    {
        var expiry = World.Now.AddHours(1);
        var world = Shop().Modes("all", "full", "full").Ruleset("r", "all", Write.Allow("all", "all", "any") with { Expires = expiry });
        Assert.Equal(expiry, world.Compile().NextExpiry);
        Assert.Equal(VerdictKind.Allowed, new PolicyEvaluator(world.Compile()).Judge(world.Connect("web", "db", "tcp/1")).Kind);
        Assert.Equal(VerdictKind.Blocked, new PolicyEvaluator(world.Compile(expiry)).Judge(world.Connect("web", "db", "tcp/1")).Kind);
    }
}
