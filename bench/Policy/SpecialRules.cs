using Bulkhead.Policy.Documents;

namespace Bulkhead.Bench.Policy;

/// <summary>Draws rules with a negated selector, a process or users, or a network: a third each.</summary>
internal sealed class SpecialRules(EstateRules rules, IReadOnlyList<string> processServices, IReadOnlyList<string> networks, Random random)
{
    private static readonly string[] Groups = ["administrators", "developers", "operators", "auditors"];

    /// <summary>A rule for a ruleset.</summary>
    public RuleDocument Draw(EstatePlace place) => random.Next(3) switch
    {
        0 => DrawNegated(place),
        1 => DrawProcess(place),
        _ => DrawNetwork(place),
    };

    private RuleDocument DrawNegated(EstatePlace place)
    {
        var other = $"role!={EstateApp.AllRoles[random.Next(EstateApp.AllRoles.Count)]}|{EstateApp.AllRoles[random.Next(EstateApp.AllRoles.Count)]}";
        return place.Env is { } env && random.Next(4) == 0
            ? new() { From = $"env!={env}", To = rules.DrawEnd(place), Within = "to", Action = "deny" }
            : new() { From = other, To = rules.DrawEnd(place), Action = rules.DrawAction() };
    }

    private RuleDocument DrawProcess(EstatePlace place)
    {
        var rule = new RuleDocument { From = rules.DrawEnd(place), To = rules.DrawEnd(place), Action = random.Next(10) == 0 ? "deny" : "allow" };
        return random.Next(3) switch
        {
            0 => rule with { FromProcess = EstateNames.DrawProcess(random) },
            1 => rule with { Users = [Groups[random.Next(Groups.Length)]] },
            _ => rule with { Services = [processServices[random.Next(processServices.Count)]] },
        };
    }

    private RuleDocument DrawNetwork(EstatePlace place)
    {
        var network = $"network:{networks[random.Next(networks.Count)]}";
        return random.Next(2) == 0
            ? new() { From = network, To = rules.DrawEnd(place), Action = rules.DrawAction() }
            : new() { From = rules.DrawEnd(place), To = network, Action = rules.DrawAction() };
    }
}
