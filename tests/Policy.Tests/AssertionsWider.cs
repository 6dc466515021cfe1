using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests;

/// <summary>Random policies with more of the vocabulary: units, label groups, expiry, and networks together with processes and users.</summary>
internal static class AssertionsWider
{
    private static readonly (string Written, string Group)[] _groups = [("role=a|b", "role=@both"), ("role!=a|b", "role!=@both"), ("role=b", "role=@b"), ("role!=a", "role!=@a")];

    public static PolicyModel Policy(Random random, bool networks)
    {
        var world = AssertionsRandom.World(random, networks);
        world.Document = world.Document with
        {
            LabelGroups = [new() { Name = "both", Key = "role", Values = ["a"], Groups = ["b"] }, new() { Name = "a", Key = "role", Values = ["a"] }, new() { Name = "b", Key = "role", Values = ["b"] }],
        };
        var rulesets = world.Document.Rulesets;
        world.Document = world.Document with { Rulesets = [] };
        rulesets = [.. rulesets.Select(ruleset => ruleset with { Rules = [.. ruleset.Rules.Select(rule => Wider(random, networks, rule) is var wider && AssertionsRandom.Valid(world, [.. ruleset.Scopes], wider) ? wider : rule)] })];
        world.Document = world.Document with
        {
            Rulesets = rulesets,
            Assertions = [.. world.Document.Assertions.Select(a => a with { Never = Wider(random, networks, a.Never), Must = Wider(random, networks, a.Must) })],
        };
        return world.Parse();
    }

    private static RuleDocument Wider(Random random, bool networks, RuleDocument rule) => rule with
    {
        From = Grouped(random, rule.From),
        To = Grouped(random, rule.To),
        FromProcess = Process(random, networks, rule.FromProcess),
        Users = networks && random.Next(4) == 0 ? ["g"] : rule.Users,
        Consumer = networks ? "best-effort" : rule.Consumer,
        Expires = random.Next(6) switch { 0 => World.Now, 1 => World.Now.AddDays(1), _ => null },
    };

    private static AssertedDocument? Wider(Random random, bool networks, AssertedDocument? asserted) => asserted is null ? null : asserted with
    {
        From = Grouped(random, asserted.From),
        To = Grouped(random, asserted.To),
        FromProcess = Process(random, networks, asserted.FromProcess),
        Users = networks && random.Next(4) == 0 ? ["g"] : asserted.Users,
    };

    private static string Grouped(Random random, string end) =>
        random.Next(2) == 0 ? _groups.Where(pair => pair.Written == end).Select(pair => pair.Group).FirstOrDefault() ?? end : end;

    private static ProcessDocument? Process(Random random, bool networks, ProcessDocument? process) =>
        networks ? (random.Next(4) == 0 ? new() { Path = "/bin/p" } : process)
        : process is null ? null
        : random.Next(3) switch { 0 => process, 1 => new() { Unit = "p.service" }, _ => process with { Unit = "p.service" } };
}
