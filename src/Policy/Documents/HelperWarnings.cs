using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Documents;

/// <summary>Helpers that are never given, since another rule leaves the same connections untracked. It is told at every edit.</summary>
internal static class HelperWarnings
{
    public static void Check(IEnumerable<Ruleset> rulesets, List<Diagnostic> problems)
    {
        var allows = rulesets.SelectMany(set => set.Rules.Where(rule => rule.Action == RuleAction.Allow).Select(rule => (Set: set, Rule: rule))).ToList();
        var helped = allows.Where(allow => allow.Rule.Services.Any(service => service.Helper is not null)).ToList();
        var untracked = helped.Count == 0 ? [] : allows.Where(allow => allow.Rule.Services.Any(service => service.Stateless)).ToList();
        if (untracked.Count == 0)
        {
            return;
        }

        var regions = new RuleRegions(new());
        var passing = untracked.SelectMany(allow => Of(regions, allow.Set, allow.Rule, helped: false)).ToList();
        foreach (var (set, rule) in helped)
        {
            var ends = Of(regions, set, rule, helped: true).ToList();
            foreach (var others in passing.GroupBy(pass => pass.Rule.Id).OrderBy(group => group.Key))
            {
                if ((from one in ends from other in others where one.Direction == other.Direction select one.Region.And(other.Region)).OfType<Region>().FirstOrDefault() is { } both)
                {
                    problems.Add(Diagnostic.Warning(
                        "helper-untracked",
                        $"rulesets[{set.Name}].rules[id={rule.Id}].services",
                        $"Rule {others.Key} leaves {PortCodes.Text(both.Ports)} between some of the same ends untracked, so that the helper is not given there. Take the ports out of one of the two."));
                }
            }
        }
    }

    /// <summary>What a rule says of each end, of the services that it gives a helper, or leaves untracked.</summary>
    private static IEnumerable<(Rule Rule, Direction Direction, Region Region)> Of(RuleRegions regions, Ruleset set, Rule rule, bool helped)
    {
        var ports = Region.Of(PortCodes.Of(rule.Services.Where(service => helped ? service.Helper is not null : service.Stateless).SelectMany(service => service.Ports)));
        return from found in regions.Of(set, other => ReferenceEquals(other, rule))
               let region = found.Region.Region.And(ports)
               where region is not null
               select (rule, found.Direction, region);
    }
}
