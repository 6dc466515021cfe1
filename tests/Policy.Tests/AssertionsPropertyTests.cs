using System.Globalization;
using Bulkhead.Policy.Assertions;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests;

/// <summary>Every assertion's result, on random policies, against every connection between every two workloads of a small label space.</summary>
public class AssertionsPropertyTests
{
    private static readonly string?[] _values = [null, "a", "b", "zz"];
    private static readonly (byte, ushort)[] _ports = [(6, 80), (6, 85), (6, 443), (17, 53), (17, 67), (17, 68), (1, 8), (47, 0)];
    private static readonly string[] _ends = ["all", "role=a", "role=b", "role=a|b", "role!=a", "role!=a|b", "role=*", "app=a", "app!=b", "role=b,app=*"];
    private static readonly string[] _networks = ["network:ten", "network:left", "network:six", "network:v4"];
    private static readonly string[] _services = ["any", "tcp/80", "tcp/80-90", "udp", "icmp/8", "tcp/443", "served"];
    private static readonly LabelSet[] _labels = [.. from role in _values from app in _values
        select LabelSet.Of(new[] { ("role", role), ("app", app) }.Where(l => l.Item2 is not null).Select(l => new Label(l.Item1, l.Item2!)))];

    [Theory]
    [InlineData(0, 60, false)]
    [InlineData(1000, 100, true)]
    public void Results_are_those_of_every_single_connection(int firstSeed, int seeds, bool networks)
    {
        var tally = new Dictionary<AssertionStatus, int>();
        for (var seed = firstSeed; seed < firstSeed + seeds; seed++)
        {
            var policy = RandomPolicy(new Random(seed), networks);
            var reference = new LetterReference(policy);
            foreach (var result in AssertionChecker.Check(policy, World.Now))
            {
                var expected = Expected(reference, result.Assertion, networks);
                Assert.True(expected == result.Status, $"seed {seed}, {result.Assertion.Name}: expected {expected}, was {result.Status}: {result.Message}");
                tally[expected] = tally.GetValueOrDefault(expected) + 1;
                if (result.Counterexample is { } found)
                {
                    Confirm(policy, reference, result, found, $"seed {seed}, {result.Assertion.Name}: {result.Message}");
                }
            }
        }

        Assert.True(tally[AssertionStatus.Held] > 30 && tally[AssertionStatus.Violated] > 60, string.Join(", ", tally));
        Assert.True(!networks || tally[AssertionStatus.Conditional] > 15, string.Join(", ", tally));
    }

    /// <summary>The evaluator that hosts are judged by says the same, and with one label less the counterexample would be none.</summary>
    private static void Confirm(PolicyModel policy, LetterReference reference, AssertionResult result, Counterexample found, string context)
    {
        var compiled = PolicyCompiler.Compile(policy, new(found.ToWorkloads()), new(new(1, 1), World.Now, []));
        var verdict = new PolicyEvaluator(compiled).Judge(found.ToConnection());
        Assert.True(verdict.Kind == (result.Assertion.Kind == AssertionKind.Never ? VerdictKind.Allowed : VerdictKind.Blocked), $"{context} but the evaluator says {verdict}");
        Assert.True(found.Outbound.Rule == verdict.Source?.Rule && found.Inbound.Rule == verdict.Destination?.Rule, $"{context} but the evaluator names other rules: {verdict}");

        var connection = new LetterConnection(End(found.Consumer), End(found.Provider), found.Protocol, found.Port, [.. found.Users]);
        Assert.True(Shows(reference, result, connection), context);
        foreach (var key in (string[])["role", "app"])
        {
            foreach (var smaller in (LetterConnection[])[connection with { From = Without(connection.From, key) }, connection with { To = Without(connection.To, key) }])
            {
                Assert.True(smaller == connection || !Shows(reference, result, smaller), $"{context} is not minimal: {smaller}");
            }
        }
    }

    private static LetterEnd End(CounterexampleEnd end) => new(end.Labels, end.Address, end.Address.IsV6, end.Process?.Path);

    private static LetterEnd Without(LetterEnd end, string key) =>
        end.Labels?[key] is null ? end : end with { Labels = LabelSet.Of(end.Labels.Labels.Where(l => l.Key != key)) };

    /// <summary>Whether a connection is a counterexample, in the sense of the status: of a violation, wherever workloads without a plan are.</summary>
    private static bool Shows(LetterReference reference, AssertionResult result, LetterConnection c)
    {
        LetterEnd Loose(LetterEnd end) => result.Status == AssertionStatus.Violated && end.Labels is not null && !reference.IsPlanned(end) ? end with { Address = null } : end;
        return Fails(reference, result.Assertion, c with { From = Loose(c.From), To = Loose(c.To) });
    }

    private static bool Fails(LetterReference reference, Assertion assertion, LetterConnection c)
    {
        var never = assertion.Kind == AssertionKind.Never;
        return LetterReference.Asserts(assertion, c, Assume.Least) && reference.KeepsPlans(c.From) && reference.KeepsPlans(c.To)
            && reference.Allowed(c, never ? Assume.Least : Assume.Most, never ? Assume.Most : Assume.Least, dhcp: !never) == never;
    }

    private static AssertionStatus Expected(LetterReference reference, Assertion assertion, bool networks)
    {
        var status = AssertionStatus.Held;
        foreach (var c in Connections(reference, assertion, networks))
        {
            // An address that is known is a supposition, unless a plan says so or the end is no workload.
            bool Supposed(LetterEnd end) => end is { Labels: not null, Address: not null } && !reference.IsPlanned(end);
            var supposed = Supposed(c.From) || Supposed(c.To);
            if ((supposed && status == AssertionStatus.Conditional) || !Fails(reference, assertion, c))
            {
                continue;
            }

            if (!supposed)
            {
                return AssertionStatus.Violated;
            }

            status = AssertionStatus.Conditional;
        }

        return status;
    }

    private static IEnumerable<LetterConnection> Connections(LetterReference reference, Assertion assertion, bool networks)
    {
        string[][] groups = networks ? [[]] : [[], ["g"], ["h"], ["g", "h"]];
        var providers = Ends(reference, assertion.To, networks, "/bin/s").ToList();
        return from f in Ends(reference, assertion.From, networks, "/bin/p")
               from t in providers
               where f.IsV6 == t.IsV6
               from port in _ports
               from g in groups
               select new LetterConnection(f, t, port.Item1, port.Item2, g);
    }

    /// <summary>Every workload, at every address and at one of which only the family is known; for a network, strangers too.</summary>
    private static IEnumerable<LetterEnd> Ends(LetterReference reference, RuleEnd end, bool networks, string process)
    {
        LetterEnd[] known = networks ? [.. LetterReference.Addresses.Select(a => new LetterEnd(null, a, a.IsV6, null))] : [];
        LetterEnd[] places = [new(null, null, false, null), new(null, null, true, null), .. known];
        string?[] paths = networks ? [null] : [null, process];
        var workloads = from labels in _labels from place in places from path in paths select place with { Labels = labels, Path = path };
        return workloads.Where(w => end is not RuleEnd.Workloads { Selector: var selector } || selector.Matches(w.Labels!))
            .Where(w => w.Address is not null || !reference.IsPlanned(w))
            .Concat(end is RuleEnd.Addresses ? known : []);
    }

    private static PolicyModel RandomPolicy(Random random, bool networks)
    {
        T Pick<T>(IReadOnlyList<T> items) => items[random.Next(items.Count)];
        string End() => networks && random.Next(4) == 0 ? Pick(_networks) : Pick(_ends);
        var world = new World().Network("ten", "10.0.0.0/16").Network("left", "10.0.0.0/24", "192.168.0.0/16").Network("six", "2001:db8::/32").Network("v4", "0.0.0.0/0")
            .Service("served", networks ? null : new ProcessDocument { Path = "/bin/s" }, "tcp/443");
        var id = 1;
        for (var sets = random.Next(1, 4); sets > 0; sets--)
        {
            ScopeDocument[] scopes = [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => new ScopeDocument { Selector = Pick<string>(["all", "all", "app=a", "app!=a", "app=a|b"]), Per = random.Next(3) == 0 ? ["app"] : [] })];
            var rules = Enumerable.Range(0, random.Next(1, 4)).Select(_ => new RuleDocument
            {
                Id = id++,
                From = End(),
                To = End(),
                Services = [Pick(_services), Pick(_services)],
                Action = Pick<string>(["allow", "allow", "allow", "deny", "override-deny"]),
                Within = Pick<string>(["both", "both", "from", "to"]),
                FromProcess = !networks && random.Next(4) == 0 ? new() { Path = "/bin/p" } : null,
                Users = !networks && random.Next(4) == 0 ? Pick<string[]>([["g"], ["h"], ["g", "h"]]) : [],
            });
            world.Ruleset(string.Create(CultureInfo.InvariantCulture, $"r{sets}"), scopes, [.. rules.Where(rule => Valid(world, scopes, rule))]);
        }

        if (networks)
        {
            world.Document = world.Document with
            {
                FailSafe = random.Next(4) == 0 ? [new() { Network = "left", Ports = ["tcp/80"] }] : [],
                Plans = [.. Enumerable.Range(0, random.Next(3)).Select(_ => new PlanDocument { Selector = Pick<string>(["role=a", "app=b", "role!=a", "role=*"]), Networks = [Pick<string>(["ten", "left", "six"])] }).DistinctBy(p => p.Selector)],
            };
        }

        world.Document = world.Document with
        {
            Assertions = [.. Enumerable.Range(0, 6).Select(i =>
            {
                var (from, to) = (End(), End());
                var asserted = new AssertedDocument
                {
                    From = from,
                    To = from.StartsWith("network", StringComparison.Ordinal) ? Pick(_ends) : to,
                    Services = [Pick(_services)],
                    FromProcess = !networks && random.Next(4) == 0 ? new() { Path = "/bin/p" } : null,
                    Users = !networks && random.Next(4) == 0 ? ["g"] : [],
                };
                return new AssertionDocument { Name = $"a{i}", Never = i % 2 == 0 ? asserted : null, Must = i % 2 == 0 ? null : asserted };
            }).Where(a => PolicyParser.Parse(world.Document with { Assertions = [a] }, World.Keys).Ok)],
        };
        return world.Parse();
    }

    private static bool Valid(World world, ScopeDocument[] scopes, RuleDocument rule) =>
        PolicyParser.Parse(world.Document with { Rulesets = [new() { Name = "candidate", Scopes = scopes, Rules = [rule] }] }, World.Keys).Ok;
}
