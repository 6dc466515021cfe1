using Bulkhead.Policy.Assertions;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests;

/// <summary>What assertions say, as an operator meets it.</summary>
public class AssertionsTests
{
    private static World Never(World world, string from, string to, params string[] services) =>
        With(world, new() { Name = "a", Never = new() { From = from, To = to, Services = services.Length == 0 ? ["any"] : services } });

    private static World Must(World world, string from, string to, params string[] services) =>
        With(world, new() { Name = "a", Must = new() { From = from, To = to, Services = services } });

    private static World With(World world, AssertionDocument assertion)
    {
        world.Document = world.Document with { Assertions = [assertion] };
        return world;
    }

    private static World Plan(World world, string selector, params string[] networks)
    {
        world.Document = world.Document with { Plans = [.. world.Document.Plans, new() { Selector = selector, Networks = networks }] };
        return world;
    }

    private static AssertionResult Check(World world, bool live = false) =>
        Assert.Single(AssertionChecker.Check(world.Parse(), World.Now, live ? new(world.Workloads) : null));

    [Fact]
    public void A_never_is_violated_by_workloads_that_need_not_exist()
    {
        var result = Check(Never(new World().Ruleset("r", "app=shop", Write.Allow("role=web", "role=db", "tcp/5432")), "env=dev", "env=prod"));
        Assert.Equal(AssertionStatus.Violated, result.Status);
        Assert.Equal("app=shop,env=dev,role=web → app=shop,env=prod,role=db on tcp/5432", result.Counterexample!.ToString());
        Assert.Equal(1, result.Counterexample.Inbound.Rule?.Value);
        Assert.Equal(("assertion-violated", "assertions[a]"), (result.ToDiagnostic()!.Code, result.ToDiagnostic()!.Path));
    }

    [Fact]
    public void A_never_that_holds_says_which_untracked_replies_it_does_not_count()
    {
        var world = new World().Ruleset("r", "all", Write.Allow("env=prod", "role=dns,env=dev", "dns") with { Id = 7 }, Write.Allow("env=prod", "role=dns,env=dev", "udp/123"), Write.Allow("env=qa", "env=dev", "dns"));
        world.Document = world.Document with { Services = [new() { Name = "dns", Ports = ["udp/53"], Stateless = true }] };
        var result = Check(Never(world, "env=dev", "env=prod"));
        Assert.Equal(AssertionStatus.Held, result.Status);
        Assert.Equal("Holds for every workload that could exist. Not counted are replies of stateless services, which reach UDP ports from 32768: of rule 7.", result.Message);
        Assert.DoesNotContain("replies", Check(Never(world, "env=dev", "env=prod", "tcp")).Message, StringComparison.Ordinal);
        Assert.DoesNotContain("replies", Check(Never(world, "role=web,env=dev", "env=prod")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("env=dev", "env=prod", "any", true)]
    [InlineData("env=prod", "env=dev", "tcp/3306", true)]
    [InlineData("env=prod", "env=dev", "tcp/22-1023", false)]
    [InlineData("env=dev", "env=prod", "udp", false)]
    [InlineData("env=dev", "env=qa", "any", false)]
    public void A_never_is_unproven_where_helpers_may_let_pass_what_no_rule_allows(string from, string to, string service, bool said)
    {
        var world = new World().Ruleset("r", "all", Write.Allow("env=prod", "env=dev", "ftp") with { Id = 7 });
        world.Document = world.Document with { Services = [new() { Name = "ftp", Ports = ["tcp/21"], Helper = "ftp" }] };
        var result = Check(Never(world, from, to, service));
        Assert.Equal(said ? AssertionStatus.Unproven : AssertionStatus.Held, result.Status);
        Assert.Equal(
            said ? "No rule allows any of it, for every workload that could exist; but connections that helpers let be agreed upon may pass: of rule 7. Let an override-deny stop them, or say helpers: accept." : "Holds for every workload that could exist.",
            result.Message);
        Assert.Equal(said ? "assertion-unproven" : null, result.ToDiagnostic()?.Code);
        Assert.False(result.StopsProvisioning);

        world.Document = world.Document with { Assertions = [.. world.Document.Assertions.Select(a => a with { Helpers = "accept" })] };
        Assert.Equal((AssertionStatus.Held, $"Holds for every workload that could exist.{(said ? " Not counted are connections that helpers let be agreed upon: of rule 7." : "")}"), (Check(world).Status, Check(world).Message));
    }

    [Fact]
    public void A_value_that_nothing_mentions_is_a_value_too()
    {
        var world = new World().Ruleset("r", "all", Write.Allow("env!=prod|dev|other", "app=*", "tcp/1") with { Id = 7 });
        Assert.Equal(AssertionStatus.Held, Check(Never(world, "env=prod|dev", "all")).Status);
        Assert.Equal("env=other-2 → app=other-2 on tcp/1", Check(Never(world, "env=*", "all")).Counterexample!.ToString());
    }

    [Fact]
    public void An_override_deny_makes_a_never_hold_but_a_deny_below_an_allow_does_not()
    {
        var world = new World().Ruleset("r", "all", Write.Allow("all", "all", "any"), Write.OverrideDeny("env=dev", "env=prod", "any"));
        Assert.Equal(AssertionStatus.Held, Check(Never(world, "env=dev", "env=prod")).Status);
        var below = new World().Ruleset("r", "all", Write.Allow("all", "all", "any"), Write.Deny("env=dev", "env=prod", "any"));
        Assert.Equal(AssertionStatus.Violated, Check(Never(below, "env=dev", "env=prod")).Status);
    }

    [Fact]
    public void Compartments_keep_their_ends_together()
    {
        var world = new World().Ruleset("r", [new() { Selector = "all", Per = ["app"] }], Write.Allow("all", "all", "any"));
        Assert.Equal(AssertionStatus.Held, Check(Never(world, "app=shop", "app!=shop")).Status);
        Assert.Equal(AssertionStatus.Held, Check(Must(world, "app=shop", "app=shop", "tcp/1")).Status);
        Assert.Equal("app=other → app=other-2 on tcp/1", Check(Must(world, "app=*", "app=*", "tcp/1")).Counterexample!.ToString());
    }

    [Fact]
    public void Two_rules_may_allow_one_end_each()
    {
        var world = new World().Network("prod-net", "10.0.0.0/8").Network("everything", "0.0.0.0/0")
            .Ruleset("r", "all", Write.Allow("env=dev", "network:prod-net", "tcp/443"), Write.Allow("network:everything", "env=prod", "tcp/443"));
        var open = Check(Never(world, "env=dev", "env=prod"));
        Assert.Equal(AssertionStatus.Conditional, open.Status);
        Assert.Contains("if the provider has an address such as 10.0.0.1 of the network prod-net.", open.Message, StringComparison.Ordinal);
        Assert.Equal(AssertionStatus.Violated, Check(Plan(world, "env=prod", "prod-net")).Status);
    }

    [Fact]
    public void What_holds_at_some_addresses_and_fails_at_others_is_conditional()
    {
        var open = new World().Network("offices", "192.0.2.0/24", "2001:db8::/32").Ruleset("r", "all", Write.Allow("all", "all", "any"), Write.OverrideDeny("network:offices", "env=prod", "any"));
        Assert.Equal(AssertionStatus.Conditional, Check(Never(open, "env=dev", "env=prod")).Status);
        Assert.Equal(AssertionStatus.Held, Check(Plan(open, "env=dev", "offices")).Status);

        var closed = new World().Network("webs", "10.0.0.0/8", "fd00::/8").Network("dbs", "10.0.0.0/8", "fd00::/8")
            .Ruleset("r", "all", Write.Allow("role=web", "network:dbs", "tcp/1"), Write.Allow("network:webs", "role=db", "tcp/1"));
        Assert.Equal(AssertionStatus.Conditional, Check(Must(closed, "role=web", "role=db", "tcp/1")).Status);
        Assert.Equal(AssertionStatus.Held, Check(Plan(Plan(closed, "role=web", "webs"), "role=db", "dbs")).Status);
    }

    [Fact]
    public void A_plan_elsewhere_makes_the_condition_impossible()
    {
        var world = new World().Network("office", "192.0.2.0/24").Network("cloud", "10.0.0.0/8")
            .Ruleset("r", "all", Write.Allow("network:office", "env=prod", "tcp/22"), Write.OverrideDeny("env=dev", "env=prod", "udp"), Write.Allow("env=dev", "network:cloud", "tcp/22"));
        Assert.Equal(AssertionStatus.Conditional, Check(Never(world, "env=dev", "env=prod")).Status);
        Assert.Equal(AssertionStatus.Held, Check(Plan(world, "env=dev", "cloud")).Status);
    }

    [Fact]
    public void A_live_workload_at_the_address_makes_a_condition_a_violation()
    {
        // The first host has 10.0.0.1.
        var world = new World().Host("build", "env=dev,role=ci").Network("tools", "10.0.0.1").Network("all", "0.0.0.0/0", "::/0")
            .Ruleset("r", "all", Write.Allow("network:tools", "env=prod", "tcp/22"), Write.Allow("env=dev", "network:all", "tcp/22"));
        Assert.Equal(AssertionStatus.Conditional, Check(Never(world, "env=dev", "env=prod")).Status);
        var live = Check(world, live: true);
        Assert.Equal((AssertionStatus.Violated, "build"), (live.Status, live.Counterexample!.Consumer.Live));
        Assert.StartsWith("env=dev,role=ci (build) at 10.0.0.1 → env=prod on tcp/22 is allowed", live.Message, StringComparison.Ordinal);
        Assert.Equal(AssertionStatus.Conditional, Check(new World().Host("other", "env=test").Let(w => w.Document = world.Document), live: true).Status);
    }

    [Fact]
    public void Fail_safe_entries_are_openings()
    {
        var world = new World().Network("admins", "192.0.2.0/24").Ruleset("r", "all", Write.OverrideDeny("network:admins", "env=prod", "any"));
        world.Document = world.Document with { FailSafe = [new() { Network = "admins", Ports = ["tcp/22"] }] };
        var result = Check(Never(world, "network:admins", "env=prod"));
        Assert.Equal((AssertionStatus.Violated, "fail-safe network admins"), (result.Status, result.Counterexample!.Inbound.Because));
    }

    [Fact]
    public void A_must_names_what_blocks()
    {
        var world = new World().Ruleset("r", "all", Write.Allow("role=web", "role=db", "tcp/5432"), Write.OverrideDeny("env=dev", "env=prod", "any"));
        var blocked = Check(Must(world, "role=web", "role=db", "tcp/5432"));
        Assert.Equal("env=dev,role=web → env=prod,role=db on tcp/5432 is not allowed: at the consumer, override-deny, rule 2 of r; at the provider, override-deny, rule 2 of r.", blocked.Message);
        Assert.Equal("no rule allows it", Check(Must(world, "role=web", "role=cache", "tcp/6379")).Counterexample!.Inbound.Because);
        Assert.Equal(AssertionStatus.Held, Check(Must(world, "role=web,env=dev", "role=db,env=dev", "tcp/5432")).Status);
    }

    [Fact]
    public void Any_process_will_do_for_a_never_and_every_process_is_meant_by_a_must()
    {
        var world = new World().Ruleset("r", "all", Write.Allow("role=web", "role=db", "tcp/1") with { FromProcess = new() { Path = "/bin/app" }, Users = ["dba"] });
        Assert.Equal("role=web [/bin/app] → role=db on tcp/1 by a user in dba", Check(Never(world, "all", "role=db")).Counterexample!.ToString());
        Assert.Equal(AssertionStatus.Violated, Check(Must(world, "role=web", "role=db", "tcp/1")).Status);
        With(world, new() { Name = "a", Must = new() { From = "role=web", To = "role=db", Services = ["tcp/1"], FromProcess = new() { Path = "/bin/app" }, Users = ["dba"] } });
        Assert.Equal(AssertionStatus.Held, Check(world).Status);
    }

    [Fact]
    public void A_path_and_a_unit_are_told_together()
    {
        var world = new World().Service("pg", new ProcessDocument { Path = "/usr/bin/postgres", Unit = "postgresql.service" }, "tcp/5432")
            .Ruleset("r", "all", Write.Allow("role=web", "role=db", "pg"), Write.OverrideDeny("role=web", "role=db", "any") with { FromProcess = new() { Unit = "cron.service" } });
        Assert.Equal("role=web → role=db [/usr/bin/postgres of unit postgresql.service] on tcp/5432", Check(Never(world, "role=web", "role=db")).Counterexample!.ToString());
        With(world, new() { Name = "a", Never = new() { From = "role=web", To = "role=db", FromProcess = new() { Unit = "cron.service" } } });
        Assert.Equal(AssertionStatus.Held, Check(world).Status);
    }

    [Fact]
    public void Who_does_not_enforce_yet_is_said_of_a_never()
    {
        var world = new World().Host("d1", "env=dev").Host("p1", "env=prod").Host("p2", "env=prod", managed: false).Host("p3", "env=prod")
            .Modes("env=dev", "full", "full").Modes("env=prod", "selective", "full");
        var result = Check(Never(world, "env=dev", "env=prod"), live: true);
        Assert.Equal((AssertionStatus.Held, 3), (result.Status, result.NotYetEnforcedCount));
        Assert.Equal([("p1", EnforcementMode.Selective), ("p2", null), ("p3", EnforcementMode.Selective)], result.NotYetEnforced.Select(g => (g.Name, g.Mode)));
        Assert.Equal("Holds for every workload that could exist. Denied by the letter, not yet enforced: p1 (inbound selective), p2 (not managed), p3 (inbound selective).", result.Message);
        Assert.Equal(0, Check(Must(world, "env=dev", "env=prod", "tcp/1"), live: true).NotYetEnforcedCount);
    }

    [Fact]
    public void An_expired_rule_allows_nothing()
    {
        var world = Never(new World().Ruleset("r", "all", Write.Allow("all", "all", "any") with { Expires = World.Now }), "env=dev", "env=prod");
        Assert.Equal(AssertionStatus.Held, Check(world).Status);
    }

    [Fact]
    public void What_could_not_be_decided_in_bounds_stops_provisioning()
    {
        var world = Never(new World().Ruleset("r", "all", Write.OverrideDeny("env=dev", "env=prod", "any"), Write.Allow("all", "all", "any")), "env=dev", "env=prod");
        var result = Assert.Single(AssertionChecker.Check(world.Parse(), World.Now, WorkloadIndex.Empty, mostSteps: 1));
        Assert.Equal((AssertionStatus.Undecided, true, "assertion-undecided"), (result.Status, result.StopsProvisioning, result.ToDiagnostic()!.Code));
        Assert.Null(result.Counterexample);
    }

    [Fact]
    public void A_network_of_names_says_that_they_were_not_looked_at()
    {
        var world = new World();
        world.Document = world.Document with { Networks = [new() { Name = "saas", Fqdn = ["*.example.com"] }] };
        Assert.Contains("names are not resolved", Check(Never(world, "all", "network:saas")).Message, StringComparison.Ordinal);
    }
}

/// <summary>Changes a thing on the way.</summary>
internal static class Lets
{
    public static T Let<T>(this T thing, Action<T> change)
    {
        change(thing);
        return thing;
    }
}
