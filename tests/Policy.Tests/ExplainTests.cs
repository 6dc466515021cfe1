using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Evaluate;

namespace Bulkhead.Policy.Tests;

/// <summary>An explanation names what would let a blocked connection pass, and it does.</summary>
public class ExplainTests
{
    private static World Shop() => new World()
        .Host("web", "role=web,app=shop,env=prod")
        .Host("db", "role=db,app=shop,env=prod")
        .Host("dev", "role=web,app=shop,env=dev")
        .Modes("all", "full", "full");

    [Fact]
    public void What_passes_needs_nothing()
    {
        var world = Shop().Ruleset("shop", "app=shop,env=prod", Write.Allow("role=web", "role=db", "tcp/3306") with { Id = 1 });
        Assert.Empty(Explain(world, "web", "db", "tcp/3306").Remedies);
    }

    /// <summary>Backup wants to web on tcp/22; what is offered, given a rule between other or more ends.</summary>
    [Theory]
    [InlineData("all", "role=backup,app=ops,env=prod", "role=web,app=shop,env=prod", "add the port")]
    [InlineData("app=ops", "role=backup,env=prod", "role=web,app=shop,env=prod", "add the port", "from")]
    [InlineData("all", "role=backup,app=ops", "role=web,app=shop,env=prod", "add a rule")]
    [InlineData("all", "role=backup|ci,app=ops,env=prod", "role=web,app=shop,env=prod", "add a rule")]
    [InlineData("all", "all", "all", "add a rule")]
    [InlineData("env=prod", "all", "all", "add a rule")]
    [InlineData("all", "network:internet", "role=web", "add a rule")]
    public void A_rule_gets_the_port_only_if_that_opens_no_more_than_a_new_rule_would(string scope, string from, string to, string offered, string within = "both")
    {
        var world = Shop().Host("backup", "role=backup,app=ops,env=prod").Network("internet", "0.0.0.0/0")
            .Ruleset("wide", scope, Write.Allow(from, to, "tcp/443") with { Id = 1, Within = within });
        var remedy = Assert.Single(Explain(world, "backup", "web", "tcp/22").Remedies);
        if (offered == "add the port")
        {
            Assert.Equal(new Remedy.AddService(new(1), "wide", "tcp/22"), remedy);
        }
        else
        {
            Assert.Equal(["tcp/22"], Assert.IsType<Remedy.AddRule>(remedy).Rule.Services);
        }
    }

    [Fact]
    public void A_scope_of_several_compartments_does_not_get_the_rule_of_one()
    {
        var world = Shop().Ruleset("apps", [new() { Selector = "all", Per = ["app"] }]).Ruleset("either", [new() { Selector = "app=shop|pay" }]);
        var remedy = Assert.IsType<Remedy.AddRule>(Assert.Single(Explain(world, "web", "db", "tcp/3306").Remedies));
        Assert.Equal(("shop-prod", true, "app=shop,env=prod,role=web"), (remedy.Ruleset, remedy.NewRuleset, remedy.Rule.From));
    }

    [Fact]
    public void A_new_ruleset_has_a_name_that_is_free()
    {
        var world = Shop().Ruleset("shop-prod", [new() { Selector = "all", Per = ["app"] }]);
        Assert.Equal("shop-prod-2", Assert.IsType<Remedy.AddRule>(Assert.Single(Explain(world, "web", "db", "tcp/3306").Remedies)).Ruleset);
    }

    [Fact]
    public void A_stranger_gets_a_network_of_its_own_never_one_that_holds_others()
    {
        var world = Shop().Network("internet", "0.0.0.0/0").Network("office", "192.0.2.7").Ruleset("shop", "app=shop,env=prod", Write.Allow("network:internet", "role=web", "tcp/443") with { Id = 1 });
        var declare = Assert.IsType<Remedy.DeclareNetwork>(Assert.Single(Explain(world, "192.0.2.7", "web", "tcp/22").Remedies));
        Assert.Equal(("192.0.2.7", "internet"), (declare.Address, Assert.Single(declare.Wider)));
        Assert.Contains("network 'internet' holds it too, but other addresses as well", declare.Sentence, StringComparison.Ordinal);
        world.Ruleset("office", "app=shop,env=prod", Write.Allow("network:office", "role=db", "tcp/443") with { Id = 2 });
        Assert.Equal("network:office", Assert.IsType<Remedy.AddRule>(Assert.Single(Explain(world, "192.0.2.7", "web", "tcp/22").Remedies)).Rule.From);
        world.Ruleset("exactly", "app=shop,env=prod", Write.Allow("network:office", "role=web", "tcp/443") with { Id = 3 });
        Assert.Equal(new Remedy.AddService(new(3), "exactly", "tcp/22"), Assert.Single(Explain(world, "192.0.2.7", "web", "tcp/22").Remedies));
    }

    [Fact]
    public void A_missing_rule_is_drafted_in_the_ruleset_of_both_ends()
    {
        var world = Shop().Ruleset("shop", "app=shop,env=prod", Write.Allow("role=cache", "role=db", "tcp/3306") with { Id = 1 });
        var remedy = Assert.IsType<Remedy.AddRule>(Assert.Single(Explain(world, "web", "db", "tcp/3306").Remedies));
        Assert.Equal(("shop", "role=web", "role=db", "both"), (remedy.Ruleset, remedy.Rule.From, remedy.Rule.To, remedy.Rule.Within));
    }

    [Fact]
    public void A_consumer_from_elsewhere_is_drafted_by_all_its_labels()
    {
        var world = Shop().Ruleset("shop", "app=shop,env=prod", Write.Allow("role=web", "role=db", "tcp/3306") with { Id = 1 });
        var remedy = Assert.IsType<Remedy.AddRule>(Assert.Single(Explain(world, "dev", "db", "tcp/3306").Remedies));
        Assert.Equal(("shop", "app=shop,env=dev,role=web", "role=db", "to"), (remedy.Ruleset, remedy.Rule.From, remedy.Rule.To, remedy.Rule.Within));
    }

    [Fact]
    public void Override_denies_are_named_besides_what_is_missing()
    {
        var world = Shop().Ruleset("shop", "app=shop", Write.OverrideDeny("env=dev", "env=prod", "any") with { Id = 1, Within = "both" });
        var remedies = Explain(world, "dev", "db", "tcp/3306").Remedies;
        Assert.Contains(new Remedy.NarrowRule(new(1), "shop"), remedies);
        Assert.Contains(remedies, remedy => remedy is Remedy.AddRule);
    }

    [Fact]
    public void Quarantine_is_named()
    {
        var world = new World().Host("web", "role=web").Host("db", "role=db", quarantined: true).Modes("all", "full", "full")
            .Ruleset("shop", "all", Write.Allow("all", "all", "any") with { Id = 1 });
        Assert.Equal("db", Assert.IsType<Remedy.LiftQuarantine>(Assert.Single(Explain(world, "web", "db", "tcp/80").Remedies)).Name);
    }

    [Fact]
    public void Another_process_than_the_rule_asks_for_is_named()
    {
        var world = Shop().Ruleset("shop", "app=shop,env=prod", Write.Allow("role=web", "role=db", "tcp/3306") with { Id = 1, FromProcess = new() { Path = "/usr/bin/app" } });
        var remedy = Explain(world, "web", "db", "tcp/3306", SocketFacts.Of("/usr/bin/curl", null, null)).Remedies[0];
        Assert.Equal("/usr/bin/app", Assert.IsType<Remedy.MeetCondition>(remedy).Condition);
    }

    /// <summary>For every blocked pair of random policies without conditions: the draft with its remedies allows the connection, and of others only those between the same labels.</summary>
    [Fact]
    public void Whatever_is_blocked_passes_once_the_remedies_are_applied_and_nothing_else_does()
    {
        var (applied, ports) = (0, 0);
        for (var seed = 0; seed < 12; seed++)
        {
            var random = new Random(seed);
            string Pick(params string[] from) => from[random.Next(from.Length)];
            var world = Shop().Host("cache", "role=cache,app=shop,env=prod").Host("pay", "role=app,app=pay,env=prod").Host("db2", "role=db,app=shop,env=prod,loc=a").Host("plain", "role=web");
            world.Network("some", "10.0.0.1-10.0.0.4").Network("everything", "0.0.0.0/0");
            world.Ruleset("shop", Pick("app=shop,env=prod", "app=shop", "env=prod", "app=shop|pay"),
                Write.Allow(Pick("role=web", "all", "role=cache", "network:some"), Pick("role=db", "all"), Pick("tcp/3306", "udp/53")) with { Id = 1 },
                new RuleDocument { Id = 2, From = Pick("role=web", "role=app", "network:everything"), To = Pick("role=db", "role=cache"), Services = ["tcp/80"], Action = Pick("allow", "override-deny", "deny") });
            world.Ruleset("estate", [new() { Selector = "all", Per = random.Next(2) == 0 ? ["app"] : [] }], Write.Allow("all", "all", "udp/53") with { Id = 3 });
            world.Ruleset("exact", "all", Write.Allow("role=web,app=shop,env=prod", "role=db,app=shop,env=prod", "tcp/1") with { Id = 4 });
            (string From, string To)[] pairs = [.. from a in world.Workloads from b in world.Workloads where a != b select (a.Name, b.Name)];
            foreach (var (from, to) in pairs)
            {
                foreach (var port in new[] { "tcp/80", "tcp/3306" })
                {
                    var remedies = Explain(world, from, to, port).Remedies;
                    if (remedies.Count == 0)
                    {
                        Assert.NotEqual(VerdictKind.Blocked, world.Judge(from, to, port).Kind);
                        continue;
                    }

                    var before = world.Document;
                    world.Document = remedies.OfType<Remedy.NarrowRule>().Aggregate(before, Apply);
                    var narrowed = new PolicyEvaluator(world.Compile());
                    world.Document = remedies.Aggregate(before, Apply);
                    var after = new PolicyEvaluator(world.Compile());
                    world.Document = before;
                    var told = $"seed {seed}: {from} → {to} {port}: {string.Join(" ", remedies.Select(r => r.Sentence))}";
                    Assert.True(after.Judge(world.Connect(from, to, port)).Kind == VerdictKind.Allowed, told);
                    foreach (var (a, b) in pairs)
                    {
                        foreach (var other in new[] { "tcp/80", "tcp/3306", "tcp/22" })
                        {
                            var connection = world.Connect(a, b, other);
                            if (narrowed.Judge(connection).Kind != VerdictKind.Allowed && after.Judge(connection).Kind == VerdictKind.Allowed)
                            {
                                Assert.True(other == port && Has(world, a, from) && Has(world, b, to), $"{told} lets {a} → {b} {other} pass");
                            }
                        }
                    }

                    applied++;
                    ports += remedies.Count(remedy => remedy is Remedy.AddService);
                }
            }
        }

        Assert.True(applied > 400 && ports > 5, $"only {applied} remedies were applied, {ports} ports added");
    }

    /// <summary>Whether one host has all the labels of another.</summary>
    private static bool Has(World world, string name, string all) =>
        world.Workloads.Single(w => w.Name == all).Labels.Labels.All(label => world.Workloads.Single(w => w.Name == name).Labels[label.Key] == label.Value);

    [Fact]
    public void Who_can_reach_a_workload_and_what_it_can_reach()
    {
        var world = Shop().Ruleset("shop", "app=shop,env=prod", Write.Allow("role=web", "role=db", "tcp/3306") with { Id = 1 });
        var evaluator = new PolicyEvaluator(world.Compile());
        var (web, db) = (world.Workloads[0], world.Workloads[1]);
        var to = Reachability.To(evaluator, db, 6, 3306, SocketFacts.Unrecorded, SocketFacts.Unrecorded);
        Assert.Equal(["web"], to.Workloads.Where(r => r.Verdict.Kind == VerdictKind.Allowed).Select(r => r.Example.Name));
        Assert.Equal(["dev", "web"], to.Workloads.Select(r => r.Example.Name).Order(StringComparer.Ordinal));
        var from = Reachability.From(evaluator, web, 6, 3306, SocketFacts.Unrecorded, SocketFacts.Unrecorded);
        Assert.Equal(["db"], from.Workloads.Where(r => r.Verdict.Kind == VerdictKind.Allowed).Select(r => r.Example.Name));
    }

    [Fact]
    public void A_rule_touches_the_workloads_at_its_ends_and_the_hosts_that_can_decide_it()
    {
        var world = Shop().Host("old", "role=db,app=shop,env=prod", features: [Features.Base]).Host("waiting", "role=db,app=shop,env=prod", admitted: false)
            .Network("office", "192.0.2.0/24").Service("mysql", new ProcessDocument { Path = "/usr/sbin/mariadbd" }, "tcp/3306")
            .Ruleset("shop", "app=shop,env=prod", Write.Allow("role=web", "role=db", "mysql") with { Id = 1 }, Write.Allow("network:office", "role=web", "tcp/443") with { Id = 2 }, Write.Allow("role=web", "role=db", "tcp/1") with { Id = 3, Expires = World.Now });
        var compiled = world.Compile();
        string Names(IEnumerable<Inventory.WorkloadId>? ids) => string.Join(' ', (ids ?? []).Select(id => compiled.Workloads.Find(id)!.Name));
        var touch = RuleTouch.Of(compiled, new(1))!;
        Assert.Equal(("web", "db old", "web db waiting"), (Names(touch.Consumers), Names(touch.Providers), Names(touch.Hosts)));
        Assert.Equal("old goes without it: its agent lacks process-inbound-1.", Assert.Single(touch.Without).Reason);
        Assert.Null(RuleTouch.Of(compiled, new(2))!.Consumers);
        Assert.Null(RuleTouch.Of(compiled, new(3)));
    }

    [Fact]
    public void The_flows_that_a_rule_decided_are_told_with_the_end()
    {
        var world = Shop().Host("plain", "role=db,app=shop,env=prod", managed: false).Ruleset("shop", "app=shop,env=prod", Write.Allow("role=web", "role=db", "tcp/3306") with { Id = 1 });
        var evaluator = new PolicyEvaluator(world.Compile());
        (string, Verdict) Judged(string from, string to, string port) => ($"{from} {to} {port}", evaluator.Judge(world.Connect(from, to, port)));
        Assert.Equal(
            [new("web db tcp/3306", true, true), new DecidedFlow<string>("web plain tcp/3306", true, false)],
            DecidedFlows.Of(new(1), [Judged("web", "db", "tcp/3306"), Judged("dev", "db", "tcp/3306"), Judged("web", "plain", "tcp/3306"), Judged("web", "db", "tcp/22")]));
    }

    private static PolicyDocument Apply(PolicyDocument document, Remedy remedy) => remedy switch
    {
        Remedy.NarrowRule narrow => Edit(document, narrow.Ruleset, rules => [.. rules.Where(rule => rule.Id != narrow.Rule.Value)]),
        Remedy.AddService add => Edit(document, add.Ruleset, rules => [.. rules.Select(rule => rule.Id == add.Rule.Value ? rule with { Services = [.. rule.Services, add.Port] } : rule)]),
        Remedy.AddRule add when document.Rulesets.Any(ruleset => ruleset.Name == add.Ruleset) => Edit(document, add.Ruleset, rules => [.. rules, add.Rule]),
        Remedy.AddRule add => document with { Rulesets = [.. document.Rulesets, new() { Name = add.Ruleset, Scopes = [new() { Selector = "all" }], Rules = [add.Rule] }] },
        _ => document,
    };

    private static PolicyDocument Edit(PolicyDocument document, string name, Func<IReadOnlyList<RuleDocument>, IReadOnlyList<RuleDocument>> edit) =>
        document with { Rulesets = [.. document.Rulesets.Select(ruleset => ruleset.Name == name ? ruleset with { Rules = edit(ruleset.Rules) } : ruleset)] };

    private static ConnectionExplanation Explain(World world, string from, string to, string port, SocketFacts? consumer = null) =>
        new Explainer(new(world.Compile())).Explain(world.Connect(from, to, port, consumer));
}
