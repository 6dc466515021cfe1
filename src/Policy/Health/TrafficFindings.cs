using System.Globalization;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Health;

/// <summary>Compares what allows say with the connections that they decided in a window.</summary>
internal sealed class TrafficFindings
{
    private readonly ILookup<RuleId, ObservedConnection> _byRule;
    private readonly string _window;

    public TrafficFindings(ObservedWindow observed)
    {
        _byRule = observed.Connections.Distinct().SelectMany(c => c.Rules.Distinct().Select(rule => (rule, c))).ToLookup(c => c.rule, c => c.c);
        _window = $"between {Day(observed.From)} and {Day(observed.To)}";
    }

    public IEnumerable<RuleFinding> Of(IEnumerable<RegionSource> rules)
    {
        foreach (var source in rules.Where(r => r.Rule!.Action == RuleAction.Allow))
        {
            var rule = source.Rule!;
            var seen = _byRule[rule.Id].ToList();
            if (seen.Count == 0)
            {
                yield return new(HealthCode.NeverUsed, rule.Id, source.Path, $"Decided no connection {_window}. Remove it if nothing needs it.", [], []);
                continue;
            }

            var unseen = Ports(rule, seen).Concat(Peers(rule.From, "from", seen.Select(c => c.Consumer))).Concat(Peers(rule.To, "to", seen.Select(c => c.Provider)))
                .Distinct().Order(StringComparer.Ordinal).ToList();
            if (unseen.Count > 0)
            {
                var more = unseen.Count > RuleHealth.Named ? $" and {unseen.Count - RuleHealth.Named} more" : "";
                yield return new(HealthCode.BroaderThanObserved, rule.Id, source.Path,
                    $"Without traffic {_window}: {string.Join("; ", unseen.Take(RuleHealth.Named))}{more}. Narrow it if nothing needs them.", [], unseen.Take(RuleHealth.Named).ToEquatableArray());
            }
        }
    }

    /// <summary>Ports that no connection went to; of a range, whether only some of it was used.</summary>
    private static IEnumerable<string> Ports(Rule rule, List<ObservedConnection> seen)
    {
        foreach (var port in rule.Services.SelectMany(s => s.Ports).Distinct())
        {
            var used = seen.Where(c => port.Matches(c.Protocol, c.Port)).Select(c => PortCodes.Of(c.Protocol, c.Port)).Distinct().ToList();
            if (used.Count == 0)
            {
                yield return port.ToString();
            }
            else if (port.First != port.Last && (port.IsAny || IpProtocol.HasPorts(port.Protocol)) && used.Count <= port.Last - port.First)
            {
                yield return $"{port} but for {PortCodes.Text(Intervals<int>.Of(used.Select(p => (p, p))))}";
            }
        }
    }

    /// <summary>Values that an end names and that no connection had.</summary>
    private static IEnumerable<string> Peers(RuleEnd end, string name, IEnumerable<LabelSet?> seen)
    {
        var labels = seen.OfType<LabelSet>().ToList();
        return end is not RuleEnd.Workloads { Selector: var selector } || labels.Count == 0 ? [] :
            from requirement in selector.Requirements
            where requirement.Kind == RequirementKind.OneOf && requirement.Values.Count > 1
            from value in requirement.Values
            where !labels.Exists(l => l[requirement.Key] == value)
            select $"{name} {requirement.Key}={value}";
    }

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
