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

    [Fact]
    public void A_rule_between_the_ends_gets_the_port()
    {
        var world = Shop().Ruleset("shop", "app=shop,env=prod", Write.Allow("role=web", "role=db", "tcp/3306") with { Id = 1 }, Write.Allow("all", "all", "tcp/1", "tcp/2") with { Id = 2 });
        Assert.Equal([new Remedy.AddService(new(1), "shop", "tcp/22")], Explain(world, "web", "db", "tcp/22").Remedies);
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

    /// <summary>For every blocked pair of random policies without conditions: the draft with its remedies allows the connection.</summary>
    [Fact]
    public void Whatever_is_blocked_passes_once_the_remedies_are_applied()
    {
        var applied = 0;
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            string Pick(params string[] from) => from[random.Next(from.Length)];
            var world = Shop().Host("cache", "role=cache,app=shop,env=prod").Host("pay", "role=app,app=pay,env=prod");
            world.Ruleset("shop", Pick("app=shop,env=prod", "app=shop", "env=prod"),
                Write.Allow(Pick("role=web", "all", "role=cache"), Pick("role=db", "all"), Pick("tcp/3306", "udp/53")) with { Id = 1 },
                new RuleDocument { Id = 2, From = Pick("role=web", "role=app"), To = Pick("role=db", "role=cache"), Services = ["tcp/80"], Action = Pick("allow", "override-deny", "deny") });
            foreach (var (from, to) in from a in world.Workloads from b in world.Workloads where a != b select (a.Name, b.Name))
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
                    world.Document = remedies.Aggregate(before, Apply);
                    Assert.True(world.Judge(from, to, port).Kind == VerdictKind.Allowed, $"seed {seed}: {from} → {to} {port}: {string.Join(" ", remedies.Select(r => r.Sentence))}");
                    world.Document = before;
                    applied++;
                }
            }
        }

        Assert.True(applied > 500, $"only {applied} remedies were applied");
    }

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
        var touch = Reachability.Of(evaluator.Compiled, new(1))!;
        Assert.Equal((1, 1), (touch.Consumers, touch.Providers));
        Assert.Equal([web.Id, db.Id], touch.Hosts);
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
