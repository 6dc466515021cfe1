using System.Globalization;
using Bulkhead.Policy.Assertions;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Health;

/// <summary>
/// Looks for rules that do nothing, less than they say, or more than is needed. Whether other rules cover a rule is decided by the letter, for
/// every connection that could be made; the rest by what exists and what was observed.
/// </summary>
public static class RuleHealth
{
    /// <summary>How many steps may be spent on finding out whether others cover one rule.</summary>
    public const int MostSteps = 5_000;

    /// <summary>How many rules, hosts or ports a finding names.</summary>
    internal const int Named = 8;

    /// <summary>Checks every rule.</summary>
    public static HealthReport Check(HealthInput input)
    {
        var alphabet = new Alphabet();
        var regions = new PolicyRegions(input.Policy, input.Now, alphabet);
        var byRule = regions.ByRule();
        foreach (var labels in (input.Workloads?.Workloads ?? []).Select(w => w.Labels).Distinct())
        {
            alphabet.Use(labels);
        }

        var rules = input.Policy.Rulesets.SelectMany(set => set.Rules.Select(rule => new RegionSource(set, rule, null))).ToList();
        var inForce = rules.Where(r => r.Rule!.Expires is not { } expiry || expiry > input.Now).ToList();
        var coverage = new CoverageFindings(regions, byRule);
        var findings = new List<RuleFinding>(rules.SelectMany(r => Expiry(r, input)));
        findings.AddRange(coverage.Of(inForce));
        if (input.Workloads is { } workloads)
        {
            findings.AddRange(Lifeless(inForce, byRule, new LiveWorkloads(workloads.Workloads.Where(w => w.Admitted), workloads.Held, alphabet)));
        }

        findings.AddRange(Unenforceable(inForce, input));
        if (input.Observed is { } observed)
        {
            findings.AddRange(new TrafficFindings(observed, [.. (input.Workloads?.Workloads ?? []).Where(w => w.Admitted).Select(w => w.Labels).Distinct()]).Of(inForce));
        }

        return new([.. findings.OrderBy(f => f.Rule).ThenBy(f => f.Code)], [.. coverage.Undecided.Order()]);
    }

    private static IEnumerable<RuleFinding> Expiry(RegionSource source, HealthInput input)
    {
        if (source.Rule!.Expires is not { } expiry || expiry > input.Now + input.ExpiringWithin)
        {
            yield break;
        }

        var day = expiry.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
        yield return expiry <= input.Now
            ? new(HealthCode.Expired, source.Rule.Id, source.Path, $"Expired on {day} and does nothing since. Remove it, or give it a later expiry.", [], [])
            : new(HealthCode.Expiring, source.Rule.Id, source.Path, $"Expires on {day}. Give it a later expiry if it is still needed.", [], []);
    }

    private static IEnumerable<RuleFinding> Lifeless(IEnumerable<RegionSource> rules, ILookup<Rule, (Direction Direction, Region Region)> byRule, LiveWorkloads live)
    {
        foreach (var source in rules.Where(r => byRule.Contains(r.Rule!)))
        {
            foreach (var (end, side, name) in new[] { (source.Rule!.From, Side.Consumer, "from"), (source.Rule.To, Side.Provider, "to") })
            {
                if (end is RuleEnd.Workloads && !byRule[source.Rule].Any(r => live.Of(r.Region, side).Any()))
                {
                    yield return new(HealthCode.NoLiveWorkload, source.Rule.Id, $"{source.Path}.{name}",
                        $"'{end}' chooses no workload today, so the rule does nothing. Correct the labels, or remove the rule.", [], []);
                }
            }
        }
    }

    private static IEnumerable<RuleFinding> Unenforceable(IEnumerable<RegionSource> rules, HealthInput input)
    {
        var leftOut = input.LeftOut.ToLookup(l => l.Rule);
        foreach (var source in rules)
        {
            var hosts = leftOut[source.Rule!.Id].GroupBy(l => l.Host).OrderBy(host => host.Key).ToList();
            if (hosts.Count > 0)
            {
                var names = hosts.Select(host => input.Workloads?.Find(host.Key)?.Name ?? host.Key.ToString()).Order(StringComparer.Ordinal).ToEquatableArray();
                var others = names.Count > Named ? $" and {names.Count - Named} more" : "";
                yield return new(HealthCode.Unenforceable, source.Rule.Id, source.Path,
                    $"{hosts.Count} {(hosts.Count == 1 ? "host goes" : "hosts go")} without it: {string.Join(", ", names.Take(Named))}{others}. {hosts[0].First().Reason}", [], names);
            }
        }
    }
}
