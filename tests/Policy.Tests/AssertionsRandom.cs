using System.Globalization;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests;

/// <summary>Random policies over a small label space.</summary>
internal static class AssertionsRandom
{
    private static readonly string[] _ends = ["all", "role=a", "role=b", "role=a|b", "role!=a", "role!=a|b", "role=*", "app=a", "app!=b", "role=b,app=*"];
    private static readonly string[] _networks = ["network:ten", "network:left", "network:six", "network:v4"];
    private static readonly string[] _services = ["any", "tcp/80", "tcp/80-90", "udp", "icmp/8", "tcp/443", "served"];

    /// <summary>A policy with assertions; either with networks and plans, or with processes and users, so that every connection can still be tried.</summary>
    public static PolicyModel Policy(Random random, bool networks) => World(random, networks).Parse();

    /// <summary>The same, as text.</summary>
    public static World World(Random random, bool networks)
    {
        T Pick<T>(IReadOnlyList<T> items) => items[random.Next(items.Count)];
        string End() => networks && random.Next(4) == 0 ? Pick(_networks) : Pick(_ends);
        var world = new Tests.World().Network("ten", "10.0.0.0/16").Network("left", "10.0.0.0/24", "192.168.0.0/16").Network("six", "2001:db8::/32").Network("v4", "0.0.0.0/0")
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
            }).Where(a => PolicyParser.Parse(world.Document with { Assertions = [a] }, Tests.World.Keys).Ok)],
        };
        return world;
    }

    public static bool Valid(World world, ScopeDocument[] scopes, RuleDocument rule) =>
        PolicyParser.Parse(world.Document with { Rulesets = [new() { Name = "candidate", Scopes = scopes, Rules = [rule] }] }, Tests.World.Keys).Ok;
}
