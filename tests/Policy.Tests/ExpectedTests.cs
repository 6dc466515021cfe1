using Bulkhead.Policy.Assertions;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Effects;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests;

/// <summary>What may be agreed upon where rules give helpers, as assertions and effects see it: against every connection of a small label space.</summary>
public class ExpectedTests
{
    private static World Ftp(params RuleDocument[] rules) => Files("ftp", rules);

    private static World Files(string? helper, params RuleDocument[] rules)
    {
        var world = new World().Ruleset("r", "all", rules);
        world.Document = world.Document with { Services = [new() { Name = "files", Ports = ["tcp/21"], Helper = helper }] };
        return world;
    }

    private static List<string> Compare(World before, World after, bool inForce = false)
    {
        var report = PolicyEffects.Compare(before.Parse(), after.Parse(), World.Now, inForce: inForce);
        Assert.True(report.IsComplete);
        return [.. report.Effects.Select(e => e.Message)];
    }

    [Fact]
    public void A_helper_that_comes_or_goes_is_an_effect()
    {
        var rule = Write.Allow("role=web", "role=ftp", "files") with { Id = 7 };
        string[] both = ["role=web → role=ftp on tcp/1024-65535", "role=ftp → role=web on tcp/1024-65535"];
        Assert.Equal(both.Select(c => $"{c}: may be agreed upon, by ftp of rule 7"), Compare(Files(null, rule), Ftp(rule)));
        Assert.Equal(both.Select(c => $"{c}: can no longer be agreed upon (could by ftp of rule 7)"), Compare(Ftp(rule), Files(null, rule)));
        Assert.Empty(Compare(Ftp(rule), Ftp(rule with { Id = 8 })));
    }

    [Fact]
    public void What_an_override_deny_stops_is_not_agreed_upon_nor_is_anything_without_its_session()
    {
        var rule = Write.Allow("role=web", "role=ftp", "files") with { Id = 7 };
        var database = Write.OverrideDeny("role=web", "role=ftp", "tcp/5432") with { Id = 8 };
        Assert.Equal(["role=web → role=ftp on tcp/5432: can no longer be agreed upon (could by ftp of rule 7)"], Compare(Ftp(rule), Ftp(rule, database)));
        var session = Write.OverrideDeny("role=web", "role=ftp", "tcp/21") with { Id = 8 };
        Assert.Equal(3, Compare(Ftp(rule), Ftp(rule, session)).Count);
        // Only below 1024 does anything change for whom nothing is agreed upon.
        Assert.Single(Compare(Ftp(rule), Ftp(rule, Write.Allow("role=web", "role=ftp", "tcp/22") with { Id = 8 })));
    }

    [Fact]
    public void In_visibility_no_helper_is_given()
    {
        var rule = Write.Allow("role=web", "role=ftp", "files") with { Id = 7 };
        World In(string mode, World world) => world.Modes("all", mode, mode);
        Assert.Empty(Compare(In("visibility", Files(null, rule)), In("visibility", Ftp(rule)), inForce: true));
        Assert.Empty(Compare(In("selective", Files(null, rule)), In("selective", Ftp(rule)), inForce: true));
        Assert.Equal(2, Compare(In("full", Files(null, rule)), In("full", Ftp(rule)), inForce: true).Count);
    }

    [Theory]
    [InlineData(0, 20, false, false)]
    [InlineData(1000, 20, true, false)]
    [InlineData(2000, 20, false, true)]
    [InlineData(3000, 25, true, true)]
    public void What_may_be_agreed_upon_and_what_changes_of_it_is_that_of_every_single_connection(int firstSeed, int seeds, bool networks, bool inForce)
    {
        var (may, come, gone) = (0, 0, 0);
        for (var seed = firstSeed; seed < firstSeed + seeds; seed++)
        {
            var random = new Random(seed);
            var before = Helping(random, networks);
            var after = before.Document with { Rulesets = [.. before.Document.Rulesets.Where(_ => random.Next(4) > 0), .. Helping(random, networks).Document.Rulesets.Take(1).Select(set => set with { Name = "new", Rules = [.. set.Rules.Select(r => r with { Id = r.Id + 100 })] })] };
            var (was, @is) = (before.Parse(), Parse(before, after));
            var search = new EffectSearch(was, @is, World.Now, inForce);
            var found = search.Expected(new(5_000_000));
            var (newly, noLonger) = (found.Come.ToList(), found.Gone.ToList());
            var (then, now) = (new LetterReference(was), new LetterReference(@is));
            // Without networks there are many more than are needed.
            foreach (var c in Connections(networks).Where((_, i) => networks || (i + seed) % 7 == 0).Where(c => then.KeepsPlans(c.From) && then.KeepsPlans(c.To)))
            {
                var point = LetterSpace.Point(c, search.Alphabet);
                var (first, second) = (then.Expected(c, inForce), now.Expected(c, inForce));
                var passes = second || now.Allowed(c, Assume.Least, Assume.Least, dhcp: false, inForce);
                Assert.True(newly.Count(one => point.IsIn(one.Region)) == (second && !first ? 1 : 0), $"seed {seed}: {c} could be agreed upon {first}, can {second}");
                Assert.True(noLonger.Count(one => point.IsIn(one.Region)) == (first && !passes ? 1 : 0), $"seed {seed}: {c} could be agreed upon {first}, passes {passes}");
                may += second ? 1 : 0;
                come += second && !first ? 1 : 0;
                gone += first && !passes ? 1 : 0;
            }
        }

        Assert.True(may > 200 && come > 40 && gone > 40, $"{may} may be agreed upon, {come} newly, {gone} no longer");
    }

    [Theory]
    [InlineData(0, 25, false)]
    [InlineData(1000, 40, true)]
    public void A_never_is_unproven_exactly_if_one_of_its_connections_may_be_agreed_upon_unless_it_accepts_that(int firstSeed, int seeds, bool networks)
    {
        var (unproven, held) = (0, 0);
        for (var seed = firstSeed; seed < firstSeed + seeds; seed++)
        {
            var random = new Random(seed);
            var world = Helping(random, networks);
            var policy = world.Parse();
            var reference = new LetterReference(policy);
            var accepting = Parse(world, world.Document with { Assertions = [.. world.Document.Assertions.Select(a => a.Must is null ? a with { Helpers = "accept" } : a)] });
            foreach (var (result, accepted) in AssertionChecker.Check(policy, World.Now).Zip(AssertionChecker.Check(accepting, World.Now)))
            {
                Assert.NotEqual(AssertionStatus.Unproven, accepted.Status);
                if (result.Assertion.Kind == AssertionKind.Must || accepted.Status != AssertionStatus.Held)
                {
                    Assert.Equal(accepted.Status, result.Status);
                    continue;
                }

                var some = Connections(networks).SelectMany(c => new[] { c with { Protocol = 6, Port = 3000 }, c with { Protocol = 17, Port = 3500 } }).FirstOrDefault(c => LetterReference.Asserts(result.Assertion, c, Assume.Least) && reference.KeepsPlans(c.From) && reference.KeepsPlans(c.To) && reference.Expected(c));
                Assert.True((some is null ? AssertionStatus.Held : AssertionStatus.Unproven) == result.Status, $"seed {seed}, {result.Assertion.Name}: {result.Message} {some}");
                Assert.False(result.StopsProvisioning);
                _ = some is null ? held++ : unproven++;
            }
        }

        Assert.True(unproven > 4 && held > 10, $"{unproven} unproven, {held} held");
    }

    [Theory]
    [InlineData(0, 80, false)]
    [InlineData(1000, 60, true)]
    public void A_helper_is_warned_of_exactly_if_another_rule_leaves_some_of_its_connections_untracked_at_one_of_their_ends(int firstSeed, int seeds, bool networks)
    {
        var (warned, not) = (0, 0);
        for (var seed = firstSeed; seed < firstSeed + seeds; seed++)
        {
            var world = Helping(new Random(seed), networks);
            world.Document = world.Document with { Services = [.. world.Document.Services, new() { Name = "untracked", Ports = ["udp/69", "tcp/80"], Stateless = true }] };
            world.Document = world.Document with
            {
                Rulesets = [.. world.Document.Rulesets.Select((set, i) => i > 0 ? set : set with { Rules = [.. set.Rules.Select(rule => rule.Action == "allow" ? rule with { Services = [rule.FromProcess is null && rule.Users.Count == 0 && rule.Id % 2 == 0 ? "tftp" : "untracked"] } : rule)] })],
            };
            var policy = world.Parse();
            var reference = new LetterReference(policy);
            var pairs = (from c in LetterSpace.Everything(networks).Select(c => c with { Protocol = 17, Port = 69 })
                         from direction in Enum.GetValues<Direction>()
                         let deciding = reference.Deciding(c, direction, Assume.Least).Where(rule => rule.Action == RuleAction.Allow).ToList()
                         from helped in deciding.Where(rule => rule.Services.Any(service => service.Helper?.Name == "tftp"))
                         from untracked in deciding.Where(rule => rule.Services.Any(service => service.Stateless))
                         select (helped.Id, untracked.Id)).ToHashSet();
            var told = world.Problems().Where(problem => problem.Code == "helper-untracked").ToList();
            Assert.True(pairs.Count == told.Count, $"seed {seed}: {string.Join(", ", pairs)} but {string.Join(", ", told)}");
            Assert.All(pairs, pair => Assert.Contains(told, problem => problem.Path.Contains($"[id={pair.Item1}]", StringComparison.Ordinal) && problem.Message.StartsWith($"Rule {pair.Item2} ", StringComparison.Ordinal)));
            warned += pairs.Count;
            not += pairs.Count == 0 ? 1 : 0;
        }

        Assert.True(warned > 5 && not > 5, $"{warned} warned of, {not} policies without");
    }

    private static PolicyModel Parse(World world, PolicyDocument document)
    {
        var before = world.Document;
        world.Document = document;
        var model = world.Parse();
        world.Document = before;
        return model;
    }

    /// <summary>A random policy, some of whose rules give helpers, and whose assertions speak of what is agreed upon.</summary>
    private static World Helping(Random random, bool networks)
    {
        string[] services = ["ftp", "tftp", "tcp/21", "any", "tcp/3000", "udp/3000-4000"];
        var world = AssertionsRandom.World(random, networks);
        var rulesets = world.Document.Rulesets;
        world.Document = world.Document with
        {
            Services = [.. world.Document.Services, new() { Name = "ftp", Ports = ["tcp/21"], Helper = "ftp" }, new() { Name = "tftp", Ports = ["udp/69"], Helper = "tftp" }],
            Rulesets = [],
        };
        world.Document = world.Document with
        {
            Rulesets = [.. rulesets.Select(set => set with { Rules = [.. set.Rules.Select(rule => Another(rule, [.. set.Scopes]))] })],
            Modes = [new() { Selector = "role=a|b", Inbound = Mode(), Outbound = Mode() }, new() { Selector = "app=*", Inbound = Mode(), Outbound = Mode() }],
            Assertions = [.. world.Document.Assertions.Select(a => a.Never is null ? a : a with { Never = a.Never with { Services = [services[random.Next(4, 6)]] } })],
        };
        return world;

        string Mode() => ((string[])["visibility", "selective", "full", "full"])[random.Next(4)];

        RuleDocument Another(RuleDocument rule, ScopeDocument[] scopes)
        {
            var other = rule with { Services = [services[random.Next(rule.Action == "allow" ? 3 : services.Length)], services[random.Next(services.Length)]] };
            return random.Next(5) > 0 && AssertionsRandom.Valid(world, scopes, other) ? other : rule;
        }
    }

    /// <summary>Connections to ports that helpers may expect, and others.</summary>
    private static IEnumerable<LetterConnection> Connections(bool networks) =>
        LetterSpace.Everything(networks).Select(c => c.Port switch { 80 => c with { Port = 3000 }, 53 => c with { Port = 3500 }, _ => c });
}
