using Bulkhead.Policy.Documents;

namespace Bulkhead.Policy.Tests;

/// <summary>Bad policy: each problem names its place, and all are reported at once.</summary>
public class DiagnosticTests
{
    private static World With(RuleDocument rule) => new World().Host("a", "role=web").Ruleset("r", "app=shop", rule);

    public static TheoryData<string, string, object> BadRules() => new()
    {
        { "empty-selector", "rulesets[r].rules[0].from", Write.Allow("", "role=db", "any") },
        { "unknown-label-key", "rulesets[r].rules[0].from", Write.Allow("tier=web", "role=db", "any") },
        { "bad-selector", "rulesets[r].rules[0].to", Write.Allow("role=web", "db", "any") },
        { "bad-label-value", "rulesets[r].rules[0].to", Write.Allow("role=web", "role=", "any") },
        { "repeated-key", "rulesets[r].rules[0].to", Write.Allow("role=web", "role=a,role=b", "any") },
        { "unknown-network", "rulesets[r].rules[0].from", Write.Allow("network:mars", "role=db", "any") },
        { "unknown-service", "rulesets[r].rules[0].services[0]", Write.Allow("role=web", "role=db", "mysql") },
        { "bad-port", "rulesets[r].rules[0].services[0]", Write.Allow("role=web", "role=db", "tcp/99999") },
        { "bad-port", "rulesets[r].rules[0].services[0]", Write.Allow("role=web", "role=db", "tcp/90-80") },
        { "no-services", "rulesets[r].rules[0].services", Write.Allow("role=web", "role=db") },
        { "bad-action", "rulesets[r].rules[0].action", Write.Allow("role=web", "role=db", "any") with { Action = "permit" } },
        { "bad-within", "rulesets[r].rules[0].within", Write.Allow("role=web", "role=db", "any") with { Within = "none" } },
        { "repeats-scope-key", "rulesets[r].rules[0].from", Write.Allow("app=shop", "role=db", "any") },
        { "deny-binds-both-ends", "rulesets[r].rules[0]", Write.Deny("role=web", "role=db", "served") with { FromProcess = new() { Path = "/bin/x" } } },
        { "empty-process", "rulesets[r].rules[0].fromProcess", Write.Allow("role=web", "role=db", "any") with { FromProcess = new() } },
        { "bad-path", "rulesets[r].rules[0].fromProcess.path", Write.Allow("role=web", "role=db", "any") with { FromProcess = new() { Path = "bin/x" } } },
        { "unidentified-allow", "rulesets[r].rules[0].unidentified", Write.Allow("role=web", "role=db", "any") with { Unidentified = "match" } },
        { "no-labelled-end", "rulesets[r].rules[0]", Write.Allow("network:net", "network:net", "any") },
        { "network-within-scope", "rulesets[r].rules[0].within", Write.Allow("network:net", "role=db", "any") with { Within = "from" } },
        { "bad-rule-id", "rulesets[r].rules[0].id", Write.Allow("role=web", "role=db", "any") with { Id = -5 } },
        { "bad-rule-id", "rulesets[r].rules[0].id", Write.Allow("role=web", "role=db", "any") with { Id = RuleIds.Max + 1 } },
        { "bad-rule-id", "rulesets[r].rules[0].id", Write.Allow("role=web", "role=db", "any") with { Id = long.MaxValue } },
        { "undecidable-condition", "rulesets[r].rules[0].from", Write.Allow("network:net", "role=db", "any") with { Users = ["admins"] } },
    };

    [Theory]
    [MemberData(nameof(BadRules))]
    public void A_bad_rule_is_refused_at_its_place(string code, string path, object rule)
    {
        var world = With((RuleDocument)rule).Network("net", "192.0.2.0/24").Service("served", new() { Path = "/bin/y" }, "tcp/1");
        var parsed = PolicyParser.Parse(world.Document, World.Keys);
        Assert.False(parsed.Ok);
        Assert.Contains(parsed.Diagnostics, d => d.Code == code && d.Path == path && d.Message.Length > 20);
    }

    [Theory]
    [InlineData("env=prod", false)]
    [InlineData("app=mail", true)]
    public void A_rule_that_repeats_a_scopes_key_could_never_match_only_if_no_scope_lets_it(string otherScope, bool never)
    {
        var problem = new World().Ruleset("r", [new() { Selector = "app=shop" }, new() { Selector = otherScope }], Write.Allow("app=web", "role=db", "any")).Problems().First(p => p.Code == "repeats-scope-key");
        Assert.Equal(never, problem.Message.Contains("never match", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("host-bits-set", "192.0.2.1/24")]
    [InlineData("host-bits-set", "2001:db8::1/32")]
    [InlineData("bad-cidr", "192.0.2.0/33")]
    [InlineData("bad-cidr", "192.0.2.0/")]
    [InlineData("bad-address", "192.0.2")]
    [InlineData("bad-address", "example.org")]
    [InlineData("bad-address", "fe80::1%eth0")]
    [InlineData("bad-range", "192.0.2.9-192.0.2.1")]
    [InlineData("bad-range", "192.0.2.9-2001:db8::1")]
    [InlineData("overlap", "198.51.100.0/25")]
    [InlineData("overlap", "198.51.100.7")]
    [InlineData("overlap", "198.51.99.0-198.51.100.3")]
    public void A_bad_network_is_refused_at_its_place(string code, string address)
    {
        var problem = Assert.Single(new World().Network("n", "198.51.100.0/24", "2001:db8:1::/48", address).Problems());
        Assert.Equal(code, problem.Code);
        Assert.StartsWith("networks[n].addresses[", problem.Path, StringComparison.Ordinal);
    }

    [Fact]
    public void All_problems_are_reported_at_once()
    {
        var world = With(Write.Allow("tier=x", "", "nope")).Network("n", "1.2.3.4/8").Modes("env=", "loud", "full");
        Assert.Equal(
            ["host-bits-set", "unknown-label-key", "empty-selector", "unknown-service", "bad-label-value", "bad-mode"],
            world.Problems().Select(p => p.Code));
    }

    [Fact]
    public void What_is_wrong_with_one_part_of_a_rule_hides_nothing_of_the_others()
    {
        var world = With(Write.Deny("tier=x", "app=shop", "nope", "served") with { Users = ["ops"], Unidentified = "maybe", Within = "to", Id = -1 })
            .Service("served", new() { Path = "/bin/y" }, "tcp/1");
        Assert.Equal(
            ["bad-rule-id", "bad-unidentified", "deny-binds-both-ends", "repeats-scope-key", "unknown-label-key", "unknown-service"],
            world.Problems().Select(p => p.Code).Order(StringComparer.Ordinal));
        Assert.Equal(["bad-action", "repeats-scope-key"], With(Write.Allow("app=shop", "role=db", "any") with { Action = "permit", Unidentified = "match" }).Problems().Select(p => p.Code));
    }

    [Fact]
    public void The_highest_id_is_one_and_the_rules_without_one_come_behind_it()
    {
        var world = With(Write.Allow("role=web", "role=db", "any") with { Id = RuleIds.Max });
        Assert.Empty(world.Problems());
        world.Ruleset("s", "all", Write.Allow("role=web", "role=db", "any"));
        Assert.Equal([RuleIds.Max, RuleIds.Max + 1], world.Parse().Rulesets.Select(r => r.Rules[0].Id.Value));
    }

    [Theory]
    [InlineData("app=blog", true)]
    [InlineData("app=shop", false)]
    public void A_rule_that_repeats_a_key_could_never_match_only_if_it_could_in_no_scope(string end, bool possible)
    {
        var world = new World().Ruleset("r", [new() { Selector = "app=blog" }, new() { Selector = "app=wiki" }], Write.Allow(end, "role=db", "any"));
        Assert.Equal(!possible, Assert.Single(world.Problems()).Message.Contains("never match", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_object_is_checked_whatever_its_name()
    {
        var world = new World().Network("n", "192.0.2.0/24").Network("n", "x").Network("", "y").Network("1", "192.0.2.0/24")
            .Ruleset("r", "all").Ruleset("r", "all", Write.Allow("all", "", "any"));
        Assert.Equal(
            ["duplicate-name networks[n]", "bad-name networks[2].name", "bad-address networks[01].addresses[0]", "bad-address networks[2].addresses[0]", "duplicate-name rulesets[r]", "empty-selector rulesets[1].rules[0].to"],
            world.Problems().Select(p => $"{p.Code} {p.Path}"));
    }

    [Fact]
    public void Names_and_ids_are_unique()
    {
        var world = new World().Ruleset("r", "all", Write.Allow("all", "all", "any") with { Id = 3 }).Ruleset("r", "all", Write.Deny("all", "all", "any") with { Id = 3 });
        Assert.Equal(["duplicate-name", "duplicate-rule-id"], world.Problems().Select(p => p.Code));
    }

    public static TheoryData<string, object> WithoutEffect() => new()
    {
        { "consumer", Write.Allow("role=web", "role=db", "any") with { Consumer = "best-effort" } },
        { "", Write.Allow("role=web", "role=db", "any") with { Consumer = "best-effort", Users = ["ops"] } },
        { "consumer", Write.Deny("role=web", "role=db", "any") with { Consumer = "best-effort", Users = ["ops"] } },
        { "unidentified", Write.Deny("role=web", "role=db", "any") with { Unidentified = "match" } },
        { "", Write.Deny("role=web", "role=db", "served") with { Unidentified = "match" } },
        { "whereUnenforceable", Write.Deny("role=web", "network:net", "any") with { WhereUnenforceable = "skip" } },
        { "", Write.Deny("role=web", "network:names", "any") with { WhereUnenforceable = "skip" } },
        { "", Write.OverrideDeny("role=web", "role=db", "any") with { WhereUnenforceable = "skip", FromProcess = new() { Path = "/bin/x" } } },
        { "whereUnenforceable", Write.Allow("role=web", "role=db", "served") with { WhereUnenforceable = "skip" } },
    };

    [Theory]
    [MemberData(nameof(WithoutEffect))]
    public void What_means_nothing_where_it_stands_is_said(string field, object rule)
    {
        var world = With((RuleDocument)rule).Network("net", "192.0.2.0/24").Service("served", new() { Path = "/bin/y" }, "tcp/1");
        world.Document = world.Document with { Networks = [.. world.Document.Networks, new() { Name = "names", Fqdn = ["a.example"] }] };
        Assert.Equal(field.Length == 0 ? [] : [$"rulesets[r].rules[0].{field}"], world.Problems().Where(p => p.Code == "without-effect").Select(p => p.Path));
        Assert.True(PolicyParser.Parse(world.Document, World.Keys).Ok);
    }

    [Theory]
    [InlineData("192.0.2.7", "")]
    [InlineData("192.0.3.7", "0")]
    [InlineData("192.0.0.0/16", "")]
    [InlineData("2001:db8::/64,2001:db8:1::1-2001:db8:1::9,192.0.2.0/30", "1")]
    [InlineData("0.0.0.0/8,192.0.2.255,255.0.0.0/8,::1", "0 2 3")]
    public void An_exclusion_that_excludes_nothing_is_said(string exclude, string outside)
    {
        var world = new World { Document = new() { Networks = [new() { Name = "n", Addresses = ["192.0.2.0/24", "198.51.100.7", "2001:db8::/48"], Exclude = exclude.Split(',') }] } };
        Assert.Equal(outside.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(i => $"networks[n].exclude[{i}]"), world.Problems().Where(p => p.Code == "excludes-nothing").Select(p => p.Path));
    }

    [Fact]
    public void Modes_and_plans_that_choose_nobody_and_expired_rules_are_said()
    {
        var world = new World().Host("a", "role=web").Host("b", "role=db").Network("n", "192.0.2.0/24").Modes("role=web", "full", "full").Modes("env=prod", "full", "full")
            .Ruleset("r", "all", Write.Allow("role=web", "role=db", "any") with { Expires = World.Now });
        world.Document = world.Document with { Plans = [new() { Selector = "app=shop", Networks = ["n"] }, new() { Selector = "all", Networks = ["n"] }] };
        Assert.Equal(
            ["matches-nothing modes[env=prod].selector", "matches-nothing plans[app=shop].selector", "expired rulesets[r].rules[id=1].expires"],
            world.Compile().Diagnostics.Select(d => $"{d.Code} {d.Path}"));
        Assert.DoesNotContain(world.Compile(World.Now.AddSeconds(-1)).Diagnostics, d => d.Code == "expired");
    }

    [Fact]
    public void A_rule_that_chooses_nothing_is_said()
    {
        var world = new World().Host("a", "role=web,app=shop").Ruleset("r", "app=shop", Write.Allow("role=web", "role=db", "any"));
        var warning = Assert.Single(world.Compile().Diagnostics);
        Assert.Equal((Severity.Warning, "matches-nothing", "rulesets[r].rules[id=1].to"), (warning.Severity, warning.Code, warning.Path));
    }
}
