using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Health;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests;

/// <summary>What is found on rules: as an operator reads it, and against every connection of a small label space.</summary>
public class HealthTests
{
    private static List<RuleFinding> Check(World world, bool live = false, ObservedWindow? observed = null)
    {
        var compiled = live ? world.Compile() : null;
        var report = RuleHealth.Check(new()
        {
            Policy = world.Parse(),
            Now = World.Now,
            Workloads = compiled?.Workloads,
            LeftOut = compiled?.LeftOut ?? [],
            Observed = observed,
        });
        Assert.Empty(report.Undecided);
        return [.. report.Findings];
    }

    private static RuleFinding Only(World world, bool live = false, ObservedWindow? observed = null) => Assert.Single(Check(world, live, observed));

    private static ObservedWindow Seen(params (string From, string To, ushort Port, long Rule)[] connections)
    {
        static LabelSet Labels(string text) => LabelSet.Of(text.Split(',').Select(l => new Label(l.Split('=')[0], l.Split('=')[1])));
        return new(World.Now.AddDays(-30), World.Now, [.. connections.Select(c => new ObservedConnection(Labels(c.From), Labels(c.To), 6, c.Port, [new(c.Rule)]))]);
    }

    [Theory]
    [InlineData("ftp", "tcp/21", false)]
    [InlineData("tcp/21", "ftp", false)]
    [InlineData("sane", "ftp", false)]
    [InlineData("ftp", "ftp", true)]
    [InlineData("tcp/21", "tcp/21", true)]
    public void A_rule_with_a_helper_is_redundant_only_beside_one_with_the_same(string first, string second, bool redundant)
    {
        var world = new World().Ruleset("r", "all", Write.Allow("role=web", "role=db", first) with { Id = 1 }, Write.Allow("role=web", "role=db", second) with { Id = 2 });
        world.Document = world.Document with { Services = [new() { Name = "ftp", Ports = ["tcp/21"], Helper = "ftp" }, new() { Name = "sane", Ports = ["tcp/21"], Helper = "sane" }] };
        Assert.Equal(redundant ? [2] : Array.Empty<long>(), Check(world).Where(f => f.Code == HealthCode.Redundant).Select(f => f.Rule.Value));
    }

    [Fact]
    public void A_rule_of_names_never_matches()
    {
        var world = new World();
        world.Document = world.Document with { Networks = [new() { Name = "saas", Fqdn = ["*.example.com"] }] };
        var finding = Only(world.Ruleset("r", "all", Write.Allow("role=web", "network:saas", "tcp/443") with { Id = 3 }));
        Assert.Equal((HealthCode.NeverMatches, "rulesets[r].rules[id=3]"), (finding.Code, finding.Path));
        Assert.Contains("saas has names only", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_for_workloads_that_no_plan_leaves_an_address_never_matches()
    {
        var world = new World().Network("lab", "10.0.0.0/8").Network("office", "192.0.2.0/24").Ruleset("r", "env=prod", Write.Allow("role=web", "role=db", "tcp/1"), Write.Allow("role=app", "role=db", "tcp/1"));
        world.Document = world.Document with { Plans = [new() { Selector = "role=web", Networks = ["lab"] }, new() { Selector = "env=prod", Networks = ["office"] }] };
        Assert.Equal((HealthCode.NeverMatches, 1), (Only(world).Code, Only(world).Rule.Value));
    }

    [Fact]
    public void An_allow_inside_override_denies_is_shadowed()
    {
        var finding = Only(new World().Ruleset("r", "all", Write.OverrideDeny("env=dev", "env=prod", "any") with { Id = 1 }, Write.Allow("env=dev,role=web", "env=prod", "tcp/1") with { Id = 2 }));
        Assert.Equal((HealthCode.Shadowed, 2, "shadowed"), (finding.Code, finding.Rule.Value, finding.ToDiagnostic().Code));
        Assert.Equal("Never decides: all that it is about is decided before it, by rule 1. Remove it, or narrow what shadows it.", finding.Message);
        Assert.Equal([new RuleId(1)], finding.Others);
    }

    [Fact]
    public void A_deny_inside_allows_is_shadowed()
    {
        var finding = Only(new World().Ruleset("r", "all", Write.Allow("all", "role=db|cache", "tcp") with { Id = 1 }, Write.Deny("env=dev", "role=db", "tcp/1") with { Id = 2 }));
        Assert.Equal((HealthCode.Shadowed, 2), (finding.Code, finding.Rule.Value));
    }

    [Fact]
    public void An_allow_that_one_other_or_several_together_cover_is_redundant()
    {
        var narrow = Write.Allow("role=web", "role=db", "tcp/80-81") with { Id = 9 };
        var one = Only(new World().Ruleset("r", "all", Write.Allow("role=web|app", "role=db", "tcp/80-90") with { Id = 1 }, narrow));
        Assert.Equal((HealthCode.Redundant, 9, "1"), (one.Code, one.Rule.Value, string.Join(' ', one.Others)));
        var two = Only(new World().Ruleset("r", "all", Write.Allow("role=web", "role=db", "tcp/80") with { Id = 1 }, Write.Allow("role=web", "role=db", "tcp/81") with { Id = 2 }, narrow));
        Assert.Equal("1 2", string.Join(' ', two.Others));
        Assert.Empty(Check(new World().Ruleset("r", "all", Write.Allow("role=web", "role=db", "tcp/80") with { Id = 1 }, narrow with { Action = "override-deny", Services = ["tcp/81"] })));
    }

    [Fact]
    public void Of_two_equal_rules_the_younger_is_redundant_and_only_it()
    {
        var rule = Write.Allow("role=web", "role=db", "tcp/1");
        Assert.Equal(2, Only(new World().Ruleset("r", "all", rule with { Id = 1 }, rule with { Id = 2 })).Rule.Value);
    }

    [Fact]
    public void Of_two_equal_rules_it_is_the_one_that_ends_sooner()
    {
        var rule = Write.Allow("role=web", "role=db", "tcp/1");
        Assert.Equal(1, Only(new World().Ruleset("r", "all", rule with { Id = 1, Expires = World.Now.AddYears(1) }, rule with { Id = 2 })).Rule.Value);
    }

    [Fact]
    public void Expiry_is_said_before_and_after()
    {
        var world = new World().Ruleset("r", "all",
            Write.Allow("role=a", "role=db", "tcp/1") with { Id = 1, Expires = World.Now },
            Write.Allow("role=b", "role=db", "tcp/1") with { Id = 2, Expires = World.Now.AddDays(3) },
            Write.Allow("role=c", "role=db", "tcp/1") with { Id = 3, Expires = World.Now.AddDays(30) });
        Assert.Equal([(HealthCode.Expired, 1), (HealthCode.Expiring, 2)], Check(world).Select(f => (f.Code, f.Rule.Value)));
        Assert.Contains("2026-01-04 00:00 UTC", Check(world)[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_end_without_workloads_is_said_with_its_place()
    {
        var world = new World().Host("a", "role=web,app=shop").Host("b", "role=db,app=pay").Ruleset("r", "app=shop", Write.Allow("role=web", "role=db", "tcp/1") with { Id = 1 });
        Assert.Equal((HealthCode.NoLiveWorkload, "rulesets[r].rules[id=1].to"), (Only(world, live: true).Code, Only(world, live: true).Path));
        Assert.Empty(Check(world.Host("c", "role=db,app=shop"), live: true));
    }

    [Fact]
    public void Hosts_that_go_without_a_rule_are_counted_and_named()
    {
        var world = new World().Host("old", "role=db", features: [Features.Base]).Host("new", "role=db").Host("web", "role=web")
            .Service("mysql", new ProcessDocument { Path = "/usr/sbin/mariadbd" }, "tcp/3306").Ruleset("r", "all", Write.Allow("role=web", "role=db", "mysql") with { Id = 1 });
        var finding = Only(world, live: true);
        Assert.Equal((HealthCode.Unenforceable, "old"), (finding.Code, string.Join(' ', finding.Evidence)));
        Assert.StartsWith("1 host goes without it: old.", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_compiling_tells_of_a_rule_is_not_told_again()
    {
        var deny = Write.Deny("role=web", "role=db", "any") with { Id = 1, FromProcess = new() { Path = "/bin/nc" } };
        var world = new World().Host("web", "role=web").Host("db", "role=db").Ruleset("r", "all", deny);
        Assert.Equal("unidentified-escapes", Assert.Single(world.Compile().Diagnostics).Code);
        Assert.Empty(Check(world, live: true));
    }

    [Fact]
    public void All_hosts_that_go_without_are_evidence_and_the_first_are_in_the_sentence()
    {
        var world = new World().Host("web", "role=web").Service("mysql", new ProcessDocument { Path = "/usr/sbin/mariadbd" }, "tcp/3306").Ruleset("r", "all", Write.Allow("role=web", "role=db", "mysql") with { Id = 1 });
        for (var n = 10; n < 30; n++)
        {
            world.Host($"old{n}", "role=db", features: [Features.Base]);
        }

        var finding = Only(world, live: true);
        Assert.Equal(Enumerable.Range(10, 20).Select(n => $"old{n}"), finding.Evidence);
        Assert.StartsWith("20 hosts go without it: old10, old11, old12, old13, old14, old15, old16, old17 and 12 more. ", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_not_observed_is_listed_rule_by_rule()
    {
        var world = new World().Ruleset("r", "all",
            Write.Allow("role=web|app", "role=db", "tcp/5432", "tcp/8000-8100") with { Id = 1 },
            Write.Allow("role=ci", "role=db", "tcp/22") with { Id = 2 },
            Write.Allow("role=ops", "role=db", "tcp/22") with { Id = 3 });
        var findings = Check(world, observed: Seen(("role=web", "role=db", 8080, 1), ("role=ci", "role=db", 22, 2)));
        Assert.Equal([(HealthCode.BroaderThanObserved, 1), (HealthCode.NeverUsed, 3)], findings.Select(f => (f.Code, f.Rule.Value)));
        Assert.Equal(["from role=app", "tcp/5432", "tcp/8000-8100 but for tcp/8080"], findings[0].Evidence);
        Assert.Equal("Decided no connection between 2025-12-02 and 2026-01-01. Remove it if nothing needs it.", findings[1].Message);
    }

    [Fact]
    public void What_is_not_tracked_is_not_seen_and_so_not_called_unused()
    {
        var world = new World().Ruleset("r", "all", Write.Allow("role=web", "role=db", "dns") with { Id = 1 }, Write.Allow("role=app", "role=db", "dns", "tcp/22") with { Id = 2 });
        world.Document = world.Document with { Services = [new() { Name = "dns", Ports = ["udp/53"], Stateless = true }] };
        Assert.Empty(Check(world, observed: Seen(("role=app", "role=db", 22, 2))));
    }

    [Theory]
    [InlineData("all", "from env=dev, from role=ci")]
    [InlineData("role=*", "from role=ci")]
    [InlineData("role!=db", "from role=ci")]
    [InlineData("role!=db|ci", "")]
    [InlineData("role=web", "")]
    public void What_an_end_admits_without_naming_it_is_compared_with_the_workloads_that_live(string from, string unseen)
    {
        var world = new World().Host("w", "role=web,env=prod").Host("c", "role=ci,env=dev").Host("d", "role=db,env=prod").Host("x", "role=lb,env=qa", admitted: false)
            .Ruleset("r", "all", Write.Allow(from, "role=db", "tcp/22") with { Id = 1 });
        var findings = Check(world, live: true, observed: Seen(("role=web,env=prod", "role=db,env=prod", 22, 1), ("role=db,env=prod", "role=db,env=prod", 22, 1)));
        Assert.Equal(unseen, string.Join(", ", findings.SelectMany(f => f.Evidence)));
    }

    [Fact]
    public void What_the_scope_does_not_hold_is_not_missed()
    {
        var world = new World().Host("w", "role=web,app=shop").Host("c", "role=ci,app=pay").Ruleset("r", "app=shop", Write.Allow("role=*", "all", "tcp/22") with { Id = 1 });
        Assert.Empty(Check(world, live: true, observed: Seen(("role=web,app=shop", "role=web,app=shop", 22, 1))));
    }

    [Fact]
    public void Coverage_is_that_of_every_single_connection()
    {
        var (reported, kept) = (0, 0);
        for (var seed = 0; seed < 40; seed++)
        {
            var world = AssertionsRandom.World(new Random(seed + 9000), networks: false);
            // The same once more, but for some actions and services, so that much is covered by much.
            var random = new Random(seed);
            RuleDocument Again(RuleDocument rule) => rule with
            {
                Id = rule.Id + 50,
                Action = random.Next(4) == 0 ? "override-deny" : rule.Action,
                Services = random.Next(2) == 0 ? ["tcp/80-90"] : rule.Services,
            };
            bool IsSound(RulesetDocument set, RuleDocument rule) => AssertionsRandom.Valid(world, [.. set.Scopes], rule);
            world.Document = world.Document with { Assertions = [], Rulesets = [.. world.Document.Rulesets, .. world.Document.Rulesets.Select(r => r with { Name = $"again {r.Name}", Rules = [.. r.Rules.Select(Again).Where(rule => IsSound(r, rule))] })] };
            var policy = world.Parse();
            var reference = new LetterReference(policy);
            // Where each rule matches, and what else does: once for each set of matching rules.
            var matches = LetterSpace.Everything(networks: false)
                .SelectMany(c => Enum.GetValues<Direction>().Select(d => reference.Deciding(c, d, Assume.Least).OrderBy(r => r.Id).ToEquatableArray())).ToHashSet();
            var dropped = new HashSet<RuleId>();
            foreach (var rule in policy.Rulesets.SelectMany(r => r.Rules).OrderByDescending(r => r.Id))
            {
                if (matches.Where(m => m.Contains(rule)).All(m => m.Any(other => other.Id != rule.Id && other.Action <= rule.Action && !dropped.Contains(other.Id))))
                {
                    dropped.Add(rule.Id);
                }
            }

            var found = RuleHealth.Check(new() { Policy = policy, Now = World.Now });
            Assert.Empty(found.Undecided);
            Assert.True(dropped.Order().SequenceEqual(found.Findings.Where(f => f.Code <= HealthCode.Redundant).Select(f => f.Rule)), $"seed {seed}: expected {string.Join(' ', dropped.Order())}, was {string.Join(' ', found.Findings.Select(f => $"{f.Rule} {f.Message}"))}");
            reported += dropped.Count;
            kept += policy.Rulesets.Sum(r => r.Rules.Count) - dropped.Count;
        }

        Assert.True(reported > 40 && kept > 100, $"{reported} reported, {kept} kept");
    }
}
