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
    public void Names_and_ids_are_unique()
    {
        var world = new World().Ruleset("r", "all", Write.Allow("all", "all", "any") with { Id = 3 }).Ruleset("r", "all", Write.Deny("all", "all", "any") with { Id = 3 });
        Assert.Equal(["duplicate-name", "duplicate-rule-id"], world.Problems().Select(p => p.Code));
    }

    [Fact]
    public void A_rule_that_chooses_nothing_is_said()
    {
        var world = new World().Host("a", "role=web,app=shop").Ruleset("r", "app=shop", Write.Allow("role=web", "role=db", "any"));
        var warning = Assert.Single(world.Compile().Diagnostics);
        Assert.Equal((Severity.Warning, "matches-nothing", "rulesets[r].rules[id=1].to"), (warning.Severity, warning.Code, warning.Path));
    }
}
