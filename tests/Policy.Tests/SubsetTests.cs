using System.Text.Json;
using Bulkhead.Policy.Documents;
using FsCheck;
using FsCheck.Fluent;

namespace Bulkhead.Policy.Tests;

/// <summary>Some changes of many, with those that they need.</summary>
public class SubsetTests
{
    private const int Names = 3;

    [Fact]
    public void What_is_taken_is_as_it_becomes_the_rest_as_it_was_and_whatever_the_taken_refers_to_is_taken() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2000),
        Prop.ForAll(Documents().ToArbitrary(), Documents().ToArbitrary(), Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), (before, after, seed) =>
        {
            var (old, now) = (Texts(before), Texts(after));
            var changed = old.Keys.Union(now.Keys).Where(part => old.GetValueOrDefault(part) != now.GetValueOrDefault(part)).Order(StringComparer.Ordinal).ToList();
            var random = new Random(seed);
            var wanted = changed.Where(_ => random.Next(3) == 0).ToList();
            var subset = PolicySubset.Of(before, after, [.. wanted.Select(PolicyPart.Parse)], "only");
            var taken = wanted.Concat(subset.Carried.Select(carried => carried.Part.ToString())).ToHashSet();

            Assert.Empty(subset.Problems);
            Assert.Equal(wanted.Count + subset.Carried.Count, taken.Count);
            var result = Texts(subset.Document);
            foreach (var part in old.Keys.Union(now.Keys).Union(result.Keys))
            {
                Assert.Equal((taken.Contains(part) ? now : old).GetValueOrDefault(part), result.GetValueOrDefault(part));
            }

            Assert.Equal(Needed(wanted, now, changed).Order(StringComparer.Ordinal), taken.Order(StringComparer.Ordinal));
            Assert.All(subset.Carried, carried => Assert.Contains(carried.With.ToString(), taken));
        }));

    [Fact]
    public void All_changes_together_make_the_other_policy() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(500),
        Prop.ForAll(Documents().ToArbitrary(), Documents().ToArbitrary(), (before, after) =>
        {
            var all = PolicyDiff.Diff(before, after).Select(change => new PolicyPart(change.Kind, change.Name)).ToList();
            var subset = PolicySubset.Of(before, after, all, "only");
            Assert.Empty(subset.Carried);
            Assert.Empty(PolicyDiff.Diff(after, subset.Document));
        }));

    [Fact]
    public void A_ruleset_brings_the_one_that_it_exchanges_a_rule_with()
    {
        RuleDocument rule = new() { Id = 1, From = "role=web", To = "role=db", Services = ["tcp/80"] };
        var before = new PolicyDocument { Rulesets = [Ruleset("old", [rule])] };
        var after = new PolicyDocument { Rulesets = [Ruleset("new", [rule])] };
        var subset = PolicySubset.Of(before, after, [new("ruleset", "new")], "only");
        Assert.Equal([new(new("ruleset", "old"), new("ruleset", "new"))], subset.Carried);
        Assert.Equal(["new"], subset.Document.Rulesets.Select(ruleset => ruleset.Name));
        subset = PolicySubset.Of(before, after, [new("ruleset", "old")], "only");
        Assert.Equal([new(new("ruleset", "new"), new("ruleset", "old"))], subset.Carried);
        Assert.Equal(["new"], subset.Document.Rulesets.Select(ruleset => ruleset.Name));
    }

    [Fact]
    public void No_rule_is_lost_or_doubled_by_taking_parts() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2000),
        Prop.ForAll(Placed().ToArbitrary(), Placed().ToArbitrary(), Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), (before, after, seed) =>
        {
            var random = new Random(seed);
            var wanted = PolicyDiff.Diff(before, after).Where(_ => random.Next(3) == 0).Select(change => new PolicyPart(change.Kind, change.Name)).ToList();
            var held = Ids(PolicySubset.Of(before, after, wanted, "only").Document);
            Assert.Equal(held.Distinct(), held);
            Assert.Subset(held.ToHashSet(), Ids(before).Intersect(Ids(after)).ToHashSet());
        }));

    private static List<long> Ids(PolicyDocument document) => [.. document.Rulesets.SelectMany(ruleset => ruleset.Rules).Select(rule => rule.Id)];

    /// <summary>Some of six rules, each in one of three rulesets.</summary>
    private static Gen<PolicyDocument> Placed() =>
        from places in Gen.Choose(-1, Names - 1).ArrayOf(6)
        select new PolicyDocument
        {
            Rulesets = [.. Enumerable.Range(0, Names).Where(i => i == 0 || places.Contains(i)).Select(i => Ruleset($"r{i}",
                [.. places.Index().Where(place => place.Item == i).Select(place => new RuleDocument { Id = place.Index + 1, From = "role=web", To = "role=db", Services = ["tcp/80"] })]))],
        };

    [Fact]
    public void What_is_not_changed_is_told_all_at_once()
    {
        var after = new PolicyDocument { Services = [new() { Name = "web", Ports = ["tcp/80"] }] };
        var subset = PolicySubset.Of(new(), after, [new("service", "wbe"), new("service", "web"), new("modes", "")], "only");
        Assert.Equal(["only[0]: The draft changes no 'service/wbe'. It changes: service/web.", "only[2]: The draft changes no 'modes'. It changes: service/web."], subset.Problems.Select(problem => $"{problem.Path}: {problem.Message}"));
    }

    private static RulesetDocument Ruleset(string name, IReadOnlyList<RuleDocument> rules) => new() { Name = name, Scopes = [new() { Selector = "all" }], Rules = rules };

    /// <summary>By the text alone: each name is written nowhere but where it is referred to.</summary>
    private static HashSet<string> Needed(IEnumerable<string> wanted, Dictionary<string, string> now, IReadOnlyCollection<string> changed)
    {
        var reached = wanted.ToHashSet();
        for (var before = -1; before != reached.Count;)
        {
            before = reached.Count;
            foreach (var text in reached.Select(part => now.GetValueOrDefault(part)).OfType<string>().ToList())
            {
                reached.UnionWith(from kind in (string[])["service", "network", "labelGroup"] from i in Enumerable.Range(0, Names) where text.Contains($"the-{kind}-{i}", StringComparison.Ordinal) select $"{kind}/the-{kind}-{i}");
            }
        }

        return [.. reached.Where(changed.Contains)];
    }

    private static Dictionary<string, string> Texts(PolicyDocument document)
    {
        document = PolicyJson.Sort(document);
        return new[]
        {
            document.Rulesets.Select(r => ($"ruleset/{r.Name}", JsonSerializer.Serialize(r))),
            document.Services.Select(s => ($"service/{s.Name}", JsonSerializer.Serialize(s))),
            document.Networks.Select(n => ($"network/{n.Name}", JsonSerializer.Serialize(n))),
            document.LabelGroups.Select(g => ($"labelGroup/{g.Name}", JsonSerializer.Serialize(g))),
            document.Modes.Select(m => ($"modes/{m.Selector}", JsonSerializer.Serialize(m))),
            document.FailSafe.Select(f => ($"failSafe/{f.Network}", JsonSerializer.Serialize(f))),
            document.Plans.Select(p => ($"plans/{p.Selector}", JsonSerializer.Serialize(p))),
            document.Assertions.Select(a => ($"assertion/{a.Name}", JsonSerializer.Serialize(a))),
        }.SelectMany(pairs => pairs).GroupBy(pair => pair.Item1).ToDictionary(group => group.Key, group => string.Join('\n', group.Select(pair => pair.Item2).Distinct()));
    }

    private static Gen<PolicyDocument> Documents() =>
        from services in Some("service", name => from port in Gen.Choose(1, 2) select new ServiceDocument { Name = name, Ports = [$"tcp/{port}"] })
        from networks in Some("network", name => from part in Gen.Choose(1, 2) select new NetworkDocument { Name = name, Addresses = [$"10.0.{part}.0/24"] })
        from groups in Some("labelGroup", name => from nested in Name("labelGroup") from value in Gen.Elements("a", "b")
                                                  select new LabelGroupDocument { Name = name, Key = "app", Values = [value], Groups = [nested] })
        from rulesets in Some("ruleset", name => from scope in Selectors() from rule in Rules() select new RulesetDocument { Name = name, Scopes = [new() { Selector = scope }], Rules = [rule] })
        from modes in Lists(from selector in Selectors() from mode in Gen.Elements("full", "selective") select new ModeDocument { Selector = selector, Inbound = mode })
        from failSafe in Lists(from network in Name("network") from port in Gen.Choose(1, 2) select new FailSafeDocument { Network = network, Ports = [$"tcp/{port}"] })
        from plans in Lists(from selector in Selectors() from network in Name("network") select new PlanDocument { Selector = selector, Networks = [network] })
        from assertions in Some("assertion", name => from rule in Rules() select new AssertionDocument { Name = name, Never = new() { From = rule.From, To = rule.To, Services = rule.Services } })
        select new PolicyDocument
        {
            Services = services, Networks = networks, LabelGroups = groups, Modes = modes, FailSafe = failSafe, Plans = plans, Assertions = assertions,
            // Ids as a controller gives them: a rule keeps its id, and no other ruleset has it.
            Rulesets = [.. rulesets.Select(ruleset => ruleset with { Rules = [ruleset.Rules[0] with { Id = ruleset.Name[^1] }] })],
        };

    private static Gen<RuleDocument> Rules() =>
        from network in Name("network")
        from end in Gen.Elements(true, false)
        from selector in Selectors()
        from service in Gen.OneOf(Name("service"), Gen.Constant("tcp/443"))
        select new RuleDocument { From = end ? $"network:{network}" : "all", To = selector, Services = [service] };

    private static Gen<string> Selectors() =>
        from name in Name("labelGroup")
        from text in Gen.Elements("all", "app=a", $"app=@{name}", $"role=web, app != b | @{name}")
        select text;

    private static Gen<string> Name(string kind) => from i in Gen.Choose(0, Names - 1) select $"the-{kind}-{i}";

    private static Gen<IReadOnlyList<T>> Lists<T>(Gen<T> one) => from count in Gen.Choose(0, 2) from items in one.ArrayOf(count) select (IReadOnlyList<T>)items;

    private static Gen<IReadOnlyList<T>> Some<T>(string kind, Func<string, Gen<T>> make) =>
        from names in Gen.SubListOf(Enumerable.Range(0, Names).Select(i => $"the-{kind}-{i}"))
        from items in names.Select(make).Aggregate(Gen.Constant<IReadOnlyList<T>>([]), (all, one) => from list in all from item in one select (IReadOnlyList<T>)[.. list, item])
        select items;
}
