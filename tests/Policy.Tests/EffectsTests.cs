using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Effects;
using Bulkhead.Policy.Evaluate;

namespace Bulkhead.Policy.Tests;

/// <summary>What a change of policy does: as an operator reads it, and against every connection of a small label space.</summary>
public class EffectsTests
{
    private static World Shop(params RuleDocument[] rules) => new World().Ruleset("shop", "app=shop", rules);

    private static List<string> Compare(World before, World after, bool inForce = false)
    {
        var report = PolicyEffects.Compare(before.Parse(), after.Parse(), World.Now, inForce: inForce);
        Assert.True(report.IsComplete);
        return [.. report.Effects.Select(e => e.Message)];
    }

    [Fact]
    public void A_rule_more_opens_what_it_says()
    {
        var web = Write.Allow("role=web", "role=db", "tcp/5432") with { Id = 1 };
        Assert.Equal(
            ["app=shop,role=ci → app=shop,role=db on tcp/5432: newly allowed by rule 7"],
            Compare(Shop(web), Shop(web, Write.Allow("role=ci|web", "role=db", "tcp/5432") with { Id = 7 })));
    }

    [Fact]
    public void A_rule_less_closes_what_no_other_allows()
    {
        var web = Write.Allow("role=web", "role=db", "tcp/5432") with { Id = 1 };
        var wide = Write.Allow("role=*", "role=db", "tcp/5432") with { Id = 2 };
        Assert.Empty(Compare(Shop(web, wide), Shop(wide)));
        Assert.Equal(
            ["app=shop,role=*,role!=web → app=shop,role=db on tcp/5432: no longer allowed (was by rule 2); no rule allows it"],
            Compare(Shop(web, wide), Shop(web)));
    }

    [Fact]
    public void An_override_deny_closes_and_is_named()
    {
        var all = Write.Allow("all", "all", "any") with { Id = 1 };
        Assert.Equal(
            ["app=shop,env=dev → app=shop,env=prod on any: no longer allowed (was by rule 1); rule 2 blocks"],
            Compare(Shop(all), Shop(all, Write.OverrideDeny("env=dev", "env=prod", "any") with { Id = 2 })));
    }

    [Fact]
    public void What_is_only_said_otherwise_does_nothing()
    {
        var before = Shop(Write.Allow("role=web|app", "role=db", "tcp/80-81") with { Id = 1 });
        var after = Shop(
            Write.Allow("role=web", "role=db", "tcp/80", "tcp/81") with { Id = 2 },
            Write.Allow("role=app", "role=db", "tcp/80") with { Id = 3, Owner = "ann" },
            Write.Allow("role=app", "role=db", "tcp/81") with { Id = 4 },
            Write.Deny("role=web", "role=cache", "any") with { Id = 5 });
        Assert.Empty(Compare(before, after));
    }

    [Theory]
    [InlineData("visibility", "full", ": no longer allowed (was by mode visibility")]
    [InlineData("selective", "full", ": no longer allowed (was by mode visibility and mode selective")]
    [InlineData("full", "selective", ": newly allowed by mode visibility and mode selective")]
    [InlineData("full", "visibility", ": newly allowed by mode visibility")]
    public void A_mode_that_changes_allows_or_blocks_what_rules_leave_open(string before, string after, string effect)
    {
        var rule = Write.Allow("role=web", "role=db", "tcp/1") with { Id = 1 };
        var (was, @is) = (Shop(rule).Modes("role=db", before, "visibility"), Shop(rule).Modes("role=db", after, "visibility"));
        Assert.Empty(Compare(was, @is));
        var effects = Compare(was, @is, inForce: true);
        Assert.Contains(effects, told => told.Contains("role=db on any" + effect, StringComparison.Ordinal));
        // What the rule allows, it allows in every mode.
        Assert.DoesNotContain(effects, told => told.Contains("app=shop,role=web → app=shop,role=db on tcp/1:", StringComparison.Ordinal));
    }

    [Fact]
    public void A_deny_has_effect_where_the_mode_is_selective()
    {
        World Selective(params RuleDocument[] rules) => Shop(rules).Modes("all", "selective", "visibility");
        var deny = Write.Deny("role=web", "role=db", "tcp/22") with { Id = 1 };
        Assert.Equal(
            ["app=shop,role=web → app=shop,role=db on tcp/22: no longer allowed (was by mode visibility and mode selective); rule 1 blocks"],
            Compare(Selective(), Selective(deny), inForce: true));
        Assert.Equal(
            ["app=shop,role=web → app=shop,role=db on tcp/22: newly allowed by mode visibility and mode selective"],
            Compare(Selective(deny), Selective(), inForce: true));
        Assert.Empty(Compare(Selective(), Selective(deny)));
    }

    [Fact]
    public void A_rule_that_expires_stops_to_allow()
    {
        var rule = Write.Allow("role=web", "role=db", "tcp/1") with { Id = 1 };
        Assert.Equal(
            ["app=shop,role=web → app=shop,role=db on tcp/1: no longer allowed (was by rule 1); no rule allows it"],
            Compare(Shop(rule), Shop(rule with { Expires = World.Now })));
        Assert.Empty(Compare(Shop(rule), Shop(rule with { Id = 9, Expires = World.Now.AddDays(1) })));
    }

    [Fact]
    public void Strangers_and_fail_safe_entries_count()
    {
        World Open(params string[] ports)
        {
            var world = new World().Network("admins", "192.0.2.0/24");
            world.Document = world.Document with { FailSafe = [new() { Network = "admins", Ports = ports }] };
            return world;
        }

        Assert.Equal(
            ["no workload at 192.0.2.0/24 → all on tcp/23: newly allowed by fail-safe network admins"],
            Compare(Open("tcp/22"), Open("tcp/22", "tcp/23")));
    }

    [Fact]
    public void A_report_that_leaves_something_out_says_so()
    {
        var after = Shop([.. Enumerable.Range(1, 9).Select(i => Write.Allow($"role=r{i}", "role=db", "tcp/1") with { Id = i })]);
        var report = PolicyEffects.Compare(Shop().Parse(), after.Parse(), World.Now, most: 5);
        Assert.Equal((5, false), (report.Effects.Count, report.IsComplete));
    }

    [Fact]
    public void Observed_connections_are_judged_under_both_policies()
    {
        World Estate(string port) => new World().Host("web", "role=web").Host("db", "role=db").Modes("all", "full", "full").Ruleset("r", "all", Write.Allow("role=web", "role=db", port));
        var (before, after) = (Estate("tcp/80"), Estate("tcp/81"));
        var effects = PolicyEffects.Compare(new PolicyEvaluator(before.Compile()), new(after.Compile()), [before.Connect("web", "db", "tcp/80"), before.Connect("web", "db", "tcp/9"), before.Connect("web", "db", "tcp/81")]);
        Assert.Equal([(VerdictKind.Allowed, VerdictKind.Blocked), (VerdictKind.Blocked, VerdictKind.Allowed)], effects.Select(e => (e.Before.Kind, e.After.Kind)));
    }

    [Theory]
    [InlineData(5000, 12, false, false)]
    [InlineData(6000, 25, true, false)]
    [InlineData(7000, 12, false, true)]
    [InlineData(8000, 25, true, true)]
    public void Effects_are_those_of_every_single_connection(int firstSeed, int seeds, bool networks, bool inForce)
    {
        var (changed, same) = (0, 0);
        for (var seed = firstSeed; seed < firstSeed + seeds; seed++)
        {
            var random = new Random(seed);
            var world = AssertionsRandom.World(random, networks);
            world.Document = world.Document with { Modes = RandomModes(random) };
            var before = world.Parse();
            var other = AssertionsRandom.World(random, networks).Document.Rulesets[0] with { Name = "new" };
            world.Document = world.Document with { Rulesets = [.. world.Document.Rulesets.Where(_ => random.Next(4) > 0), other with { Rules = [.. other.Rules.Select(r => r with { Id = r.Id + 100 })] }] };
            world.Document = world.Document with { Modes = random.Next(3) == 0 ? RandomModes(random) : world.Document.Modes };
            var after = world.Parse();

            var search = new EffectSearch(before, after, World.Now, inForce);
            var (opened, closed) = (search.Opened(new(1_000_000)).Select(o => o.Region).ToList(), search.Closed(new(1_000_000)).Select(o => o.Region).ToList());
            var (then, now) = (new LetterReference(before), new LetterReference(after));
            foreach (var c in LetterSpace.Everything(networks).Where(c => then.KeepsPlans(c.From) && then.KeepsPlans(c.To)))
            {
                var point = LetterSpace.Point(c, search.Alphabet);
                var (was, @is) = (then.Allowed(c, Assume.Least, Assume.Least, dhcp: false, inForce), now.Allowed(c, Assume.Least, Assume.Least, dhcp: false, inForce));
                Assert.True(opened.Count(point.IsIn) == (@is && !was ? 1 : 0) && closed.Count(point.IsIn) == (was && !@is ? 1 : 0), $"seed {seed}: {c} was {was}, is {@is}");
                _ = was == @is ? same++ : changed++;
            }
        }

        Assert.True(changed > 2_000 && same > 2_000, $"{changed} changed, {same} did not");
    }

    private static ModeDocument[] RandomModes(Random random)
    {
        string[] selectors = ["all", "role=a", "role!=a", "app=b", "role=*"], modes = ["visibility", "selective", "full"];
        random.Shuffle(selectors);
        return [.. selectors.Take(random.Next(0, 4)).Select(selector => new ModeDocument { Selector = selector, Inbound = modes[random.Next(3)], Outbound = modes[random.Next(3)] })];
    }
}
