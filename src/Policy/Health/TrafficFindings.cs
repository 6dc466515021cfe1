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
    private readonly IReadOnlyList<LabelSet> _live;

    /// <summary>Of what was observed, and the labels of the admitted workloads.</summary>
    public TrafficFindings(ObservedWindow observed, IReadOnlyList<LabelSet> live)
    {
        _live = live;
        _byRule = observed.Connections.Distinct().SelectMany(c => c.Rules.Distinct().Select(rule => (rule, c))).ToLookup(c => c.rule, c => c.c);
        _window = $"between {Day(observed.From)} and {Day(observed.To)}";
    }

    public IEnumerable<RuleFinding> Of(IEnumerable<RegionSource> rules)
    {
        foreach (var source in rules.Where(r => r.Rule!.Action == RuleAction.Allow))
        {
            var rule = source.Rule!;
            var seen = _byRule[rule.Id].ToList();
            // What is not tracked is not seen, and so not known to be unused.
            var isStateless = rule.Services.Any(service => service.Stateless);
            if (seen.Count == 0 && isStateless)
            {
                continue;
            }

            if (seen.Count == 0)
            {
                yield return new(HealthCode.NeverUsed, rule.Id, source.Path, $"Decided no connection {_window}. Remove it if nothing needs it.", [], []);
                continue;
            }

            var peers = isStateless ? [] : Peers(source, rule.From, "from", seen.Select(c => c.Consumer)).Concat(Peers(source, rule.To, "to", seen.Select(c => c.Provider)));
            var unseen = Ports(rule, seen).Concat(peers)
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
        foreach (var port in rule.Services.Where(s => !s.Stateless).SelectMany(s => s.Ports).Distinct())
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

    /// <summary>
    /// Label values that an end admits and that no connection had: those that it names, and where it names none, or only which it does not
    /// admit, those of the live workloads that it chooses. Of <c>all</c>, the built-in keys.
    /// </summary>
    private IEnumerable<string> Peers(RegionSource source, RuleEnd end, string name, IEnumerable<LabelSet?> seen)
    {
        var labels = seen.OfType<LabelSet>().Distinct().ToList();
        if (end is not RuleEnd.Workloads { Selector: var selector } || labels.Count == 0)
        {
            yield break;
        }

        var named = selector.Requirements.Where(r => r is { Kind: RequirementKind.OneOf }).ToList();
        var open = selector.IsAll ? LabelText.BuiltInKeys : selector.Requirements.Select(r => r.Key).Except(named.Select(r => r.Key), StringComparer.Ordinal);
        var bound = name == "from" ? source.Rule!.Within != Within.To : source.Rule!.Within != Within.From;
        var live = new Lazy<List<LabelSet>>(() => [.. _live.Where(l => selector.Matches(l) && (!bound || source.Ruleset!.Scopes.Any(scope => scope.Contains(l))))]);
        foreach (var (key, values) in named.Where(r => r.Values.Count > 1).Select(r => (r.Key, r.Values.AsEnumerable()))
            .Concat(open.Select(key => (key, live.Value.Select(l => l[key]).OfType<string>().Distinct()))))
        {
            foreach (var value in values.Where(value => !labels.Exists(l => l[key] == value)))
            {
                yield return $"{name} {key}={value}";
            }
        }
    }

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
