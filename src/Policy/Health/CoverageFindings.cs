using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Health;

/// <summary>Finds rules that change no verdict, since nothing can match them or other rules cover them. All reported may be removed together.</summary>
internal sealed class CoverageFindings(PolicyRegions policy, ILookup<Rule, (Direction Direction, Region Region)> byRule)
{
    private readonly HashSet<RuleId> _dropped = [];

    /// <summary>Rules that were given up.</summary>
    public List<RuleId> Undecided { get; } = [];

    /// <summary>
    /// The findings on rules, the youngest rule first: of two rules that say the same it is the younger that is redundant. A rule that was found
    /// to do nothing is not counted on afterwards.
    /// </summary>
    public IEnumerable<RuleFinding> Of(IEnumerable<RegionSource> rules)
    {
        foreach (var source in rules.OrderByDescending(r => r.Rule!.Id))
        {
            if (Of(source) is { } finding)
            {
                _dropped.Add(finding.Rule);
                yield return finding;
            }
        }
    }

    private RuleFinding? Of(RegionSource source)
    {
        var rule = source.Rule!;
        var effort = new Effort(RuleHealth.MostSteps);
        var parts = byRule[rule].SelectMany(r => PolicyRegions.Everything.Select(all => (r.Direction, Region: r.Region.And(all)))).Where(r => r.Region is not null)
            .SelectMany(r => RegionSearch.Outside(r.Region!, policy.Impossible[Reading.Exact], effort).Select(part => (r.Direction, Region: part))).ToList();
        if (parts.Count == 0 && !effort.IsSpent)
        {
            return new(HealthCode.NeverMatches, rule.Id, source.Path, Unmatchable(rule), [], []);
        }

        var finding = Covered(source, parts, Before(rule.Action), HealthCode.Shadowed, effort) ?? Covered(source, parts, [.. Before(rule.Action), rule.Action], HealthCode.Redundant, effort);
        if (effort.IsSpent)
        {
            Undecided.Add(rule.Id);
            return null;
        }

        return finding;
    }

    /// <summary>A finding if rules of some tiers, or openings, take all that a rule is about, at every end that judges by it.</summary>
    private RuleFinding? Covered(RegionSource source, List<(Direction Direction, Region Region)> parts, RuleAction[] tiers, HealthCode code, Effort effort)
    {
        var covering = new HashSet<RegionSource>(ReferenceEqualityComparer.Instance);
        foreach (var (direction, region) in parts)
        {
            var covers = tiers.SelectMany(tier => policy[direction, tier].Overlapping(region, Reading.Exact)).Where(c => Counts(c.Source.Rule!, source.Rule!))
                .Concat(policy.Openings(direction).Overlapping(region, Reading.Exact)).ToList();
            if (covers.Find(c => c.Region.Contains(region)) is { } one)
            {
                covering.Add(one.Source);
            }
            else if (covers.Count == 0 || RegionSearch.Outside(region, [.. covers.Select(c => c.Region)], effort).Any() || effort.IsSpent)
            {
                return null;
            }
            else
            {
                covering.UnionWith(covers.Select(c => c.Source));
            }
        }

        var rules = covering.Where(c => c.Rule is not null).Select(c => c.Rule!.Id).Distinct().Order().ToList();
        var names = string.Join(", ", rules.Take(RuleHealth.Named).Select(r => $"rule {r}").Concat(covering.Select(c => c.Opening).OfType<string>().Distinct().Order(StringComparer.Ordinal)));
        var all = names + (rules.Count > RuleHealth.Named ? $" and {rules.Count - RuleHealth.Named} more" : "");
        return new(code, source.Rule!.Id, source.Path,
            code == HealthCode.Shadowed
                ? $"Never decides: all that it is about is decided before it, by {all}. Remove it, or narrow what shadows it."
                : $"Changes nothing: all that it is about is decided alike without it, by {all}. Remove it.",
            rules.Take(RuleHealth.Named).ToEquatableArray(), []);
    }

    /// <summary>Whether a rule may be counted on in another's place: it stays, and at least as long.</summary>
    private bool Counts(Rule candidate, Rule rule) =>
        candidate.Id != rule.Id && !_dropped.Contains(candidate.Id) && (candidate.Expires is null || candidate.Expires >= rule.Expires)
        && (candidate.Action != RuleAction.Allow || HelpsAlike(candidate, rule));

    /// <summary>An allow with a helper opens more than it says, and is left out where the helper is missing: it neither stands for others nor they for it.</summary>
    private static bool HelpsAlike(Rule a, Rule b) => a.Services.Concat(b.Services).Select(service => service.Helper).Distinct().Count() <= 1;

    private static RuleAction[] Before(RuleAction action) => [.. Enum.GetValues<RuleAction>().Where(other => other < action)];

    private static string Unmatchable(Rule rule)
    {
        var names = new[] { rule.From, rule.To }.OfType<RuleEnd.Addresses>().Select(end => end.Network).FirstOrDefault(n => n.Prefixes.Count == 0);
        return names is null
            ? "Nothing can ever match it: its ends, its scope and the plans contradict each other. Correct it, or remove it."
            : $"Nothing can match it: the network {names.Name} has names only, and those are not enforced yet.";
    }
}
