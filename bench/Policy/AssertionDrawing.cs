using Bulkhead.Policy.Documents;

namespace Bulkhead.Bench.Policy;

/// <summary>
/// Draws statements about an estate's policy, some of which hold and some of which do not: what security would forbid (an environment,
/// an application, a role, a network that must not reach another), and what an owner of a rule relies on.
/// </summary>
internal sealed class AssertionDrawing(Estate estate, Random random)
{
    private readonly (RulesetDocument Ruleset, RuleDocument Rule)[] _allows =
    [
        .. from ruleset in estate.Document.Rulesets
           from rule in ruleset.Rules
           where rule is { Action: "allow", FromProcess: null, Users.Count: 0 } && ruleset.Scopes[0].Per.Count == 0
               && !rule.From.StartsWith("network:", StringComparison.Ordinal) && !rule.To.StartsWith("network:", StringComparison.Ordinal)
           select (ruleset, rule),
    ];

    /// <summary>Draws one.</summary>
    public AssertionDocument Draw(string name) => random.Next(8) switch
    {
        0 => new() { Name = name, Never = new() { From = $"env={Env(1)}", To = "env=prod", Services = Services() } },
        1 => new() { Name = name, Never = new() { From = $"env!={Env(0)}", To = $"{App()},env=prod", Services = Services() } },
        2 or 3 => new() { Name = name, Never = new() { From = $"{App()},env=prod", To = $"{App()},env=prod,role={Role()}", Services = Services() } },
        4 => new() { Name = name, Never = new() { From = $"network:{estate.Document.Networks[random.Next(estate.Document.Networks.Count)].Name}", To = $"role={Role()},env=prod", Services = Services() } },
        5 => new() { Name = name, Must = new() { From = $"{App()},env=prod,role={Role()}", To = $"{App()},env=prod,role={Role()}", Services = [EstateNames.DrawPort(random)] } },
        _ => new() { Name = name, Must = WhatARuleSays() },
    };

    private AssertedDocument WhatARuleSays()
    {
        var (ruleset, rule) = _allows[random.Next(_allows.Length)];
        var scope = ruleset.Scopes[0].Selector;
        return new()
        {
            From = rule.Within == "to" ? rule.From : Within(scope, rule.From),
            To = rule.Within == "from" ? rule.To : Within(scope, rule.To),
            Services = [rule.Services[random.Next(rule.Services.Count)]],
        };
    }

    private static string Within(string scope, string end) => scope == "all" ? end : end == "all" ? scope : $"{scope},{end}";

    private IReadOnlyList<string> Services() => random.Next(3) == 0 ? ["any"] : [EstateNames.DrawPort(random)];

    private string App() => $"app={estate.Draw.DrawCell().App.Name}";

    private string Role() => EstateApp.AllRoles[random.Next(EstateApp.AllRoles.Count)];

    private string Env(int first) => EstateApp.AllEnvs[random.Next(first, EstateApp.AllEnvs.Count)];
}
