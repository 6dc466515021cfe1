using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Evaluate;

/// <summary>Why a connection passes or not, and what would let it pass.</summary>
/// <param name="Verdict">At both ends, with the decisive rule and the others that match.</param>
/// <param name="Remedies">For a block: the changes that are needed, each end's blocks first; of those to choose from the smallest. Empty otherwise.</param>
public sealed record ConnectionExplanation(Verdict Verdict, EquatableArray<Remedy> Remedies);

/// <summary>Explains what a compiled policy does to connections. Safe for use by many threads.</summary>
public sealed class Explainer
{
    private readonly PolicyEvaluator _evaluator;
    private readonly Lazy<Dictionary<RuleId, string>> _rulesets;

    /// <summary>Explains by an evaluator.</summary>
    public Explainer(PolicyEvaluator evaluator)
    {
        _evaluator = evaluator;
        _rulesets = new(() => evaluator.Compiled.Policy.Rulesets.SelectMany(ruleset => ruleset.Rules.Select(rule => (rule.Id, ruleset.Name))).ToDictionary(pair => pair.Id, pair => pair.Name));
    }

    /// <summary>The ruleset of a rule.</summary>
    public string RulesetOf(RuleId rule) => _rulesets.Value.GetValueOrDefault(rule, "");

    /// <summary>Explains a connection.</summary>
    public ConnectionExplanation Explain(Connection connection)
    {
        var verdict = _evaluator.Judge(connection);
        var (source, destination) = (_evaluator.Holder(connection.Space, connection.Source), _evaluator.Holder(connection.Space, connection.Destination));
        var remedies = new List<Remedy>();
        var silent = new List<(Workload Host, Direction Direction)>();
        foreach (var (decision, host) in new[] { (verdict.Source, source), (verdict.Destination, destination) })
        {
            if (decision is null || host is null || (decision.Outcome != Outcome.Block && decision.InFull != Outcome.Block))
            {
                continue;
            }

            if (decision.By == DecidedBy.Quarantine)
            {
                var cut = host.Quarantined ? host : decision.Direction == Direction.Inbound ? source : destination;
                remedies.Add(new Remedy.LiftQuarantine((cut ?? host).Id, (cut ?? host).Name));
                continue;
            }

            remedies.AddRange(Blocking(host, decision, connection));
            if (!HasAllow(host, decision, connection))
            {
                silent.Add((host, decision.Direction));
            }
        }

        if (silent.Count > 0)
        {
            remedies.Add(Allowing(silent, connection, source, destination));
        }

        return new(verdict, remedies.Distinct().ToEquatableArray());
    }

    /// <summary>The override-denies that block whatever is allowed.</summary>
    private IEnumerable<Remedy> Blocking(Workload host, EndDecision decision, Connection connection) =>
        Covering(host, decision.Direction, connection)
            .Where(entry => entry.Action == RuleAction.OverrideDeny && Matches(entry, connection) && Meets(entry, decision.Direction, connection) != false)
            .Select(entry => new Remedy.NarrowRule(entry.Rule, RulesetOf(entry.Rule)));

    private bool HasAllow(Workload host, EndDecision decision, Connection connection) =>
        Covering(host, decision.Direction, connection)
            .Any(entry => entry.Action == RuleAction.Allow && Matches(entry, connection) && Meets(entry, decision.Direction, connection) == true);

    /// <summary>The smallest change that allows: meet a condition, add a port to the rule that covers fewest ports, or add a rule between these labels.</summary>
    private Remedy Allowing(List<(Workload Host, Direction Direction)> silent, Connection connection, Workload? source, Workload? destination)
    {
        var covering = silent.Select(end => Covering(end.Host, end.Direction, connection).Where(entry => entry.Action == RuleAction.Allow).ToList()).ToList();
        foreach (var (entries, end) in covering.Zip(silent))
        {
            if (entries.Find(entry => Matches(entry, connection) && Meets(entry, end.Direction, connection) == false) is { } conditional)
            {
                return new Remedy.MeetCondition(conditional.Rule, RulesetOf(conditional.Rule), ConditionOf(conditional));
            }
        }

        // A rule helps only if it covers every end that lacks an allow.
        var shared = covering.Select(entries => entries.Where(entry => entry.Needs == Feature.None && entry.Peer.Variant == PeerVariant.All).Select(entry => entry.Rule).ToHashSet())
            .Aggregate((all, rules) => [.. all.Intersect(rules)]);
        if (covering[0].Where(entry => shared.Contains(entry.Rule)).OrderBy(entry => entry.Ports.Count).ThenBy(entry => entry.Rule).FirstOrDefault() is { } nearest)
        {
            return new Remedy.AddService(nearest.Rule, RulesetOf(nearest.Rule), PortOf(connection));
        }

        return new RuleDraft(_evaluator.Compiled.Policy, connection, PortOf(connection)).Between(source, destination);
    }

    private IEnumerable<Entry> Covering(Workload host, Direction direction, Connection connection) => _evaluator.Covering(host, direction, connection);

    private static bool Matches(Entry entry, Connection connection)
    {
        foreach (var port in entry.Ports)
        {
            if (port.Matches(connection.Protocol, connection.Port))
            {
                return true;
            }
        }

        return false;
    }

    private static bool? Meets(Entry entry, Direction direction, Connection connection) =>
        (direction == Direction.Inbound ? connection.Provider : connection.Consumer).Meets(entry.Process, entry.Users, entry.UnidentifiedMatches);

    private static string ConditionOf(Entry entry) => (entry.Process, entry.Users.Count) switch
    {
        (null, _) => $"users of {string.Join(", ", entry.Users)}",
        ({ } process, 0) => process.ToString(),
        ({ } process, _) => $"{process} run by users of {string.Join(", ", entry.Users)}",
    };

    private static string PortOf(Connection connection) =>
        PortMatch.TryCreate(connection.Protocol, connection.Port, connection.Port, out var match) ? match.ToString() : PortMatch.Whole(connection.Protocol).ToString();
}
