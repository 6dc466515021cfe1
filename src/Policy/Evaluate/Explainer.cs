using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>Why a connection passes or not, and what would let it pass.</summary>
/// <param name="Verdict">At both ends, with the decisive rule and the others that match.</param>
/// <param name="Remedies">For a block: the changes that are needed, each end's blocks first; of those to choose from the smallest. Empty otherwise.</param>
public sealed record ConnectionExplanation(Verdict Verdict, EquatableArray<Remedy> Remedies);

/// <summary>Explains what a compiled policy does to connections. Safe for use by many threads.</summary>
public sealed class Explainer
{
    private readonly PolicyEvaluator _evaluator;
    private readonly Lazy<Dictionary<RuleId, (Ruleset Ruleset, Rule Rule)>> _rules;

    /// <summary>Explains by an evaluator.</summary>
    public Explainer(PolicyEvaluator evaluator)
    {
        _evaluator = evaluator;
        _rules = new(() => evaluator.Compiled.Policy.Rulesets.SelectMany(ruleset => ruleset.Rules.Select(rule => (ruleset, rule))).ToDictionary(pair => pair.rule.Id));
    }

    /// <summary>The ruleset of a rule.</summary>
    public string RulesetOf(RuleId rule) => _rules.Value.TryGetValue(rule, out var found) ? found.Ruleset.Name : "";

    /// <summary>Explains a connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="consumer">Who connects, if that is known although others have the same address.</param>
    /// <param name="provider">Who serves, likewise.</param>
    public ConnectionExplanation Explain(Connection connection, WorkloadId? consumer = null, WorkloadId? provider = null)
    {
        var (source, destination) = (_evaluator.Told(Direction.Outbound, connection, consumer), _evaluator.Told(Direction.Inbound, connection, provider));
        var remedies = new List<Remedy>();
        var silent = new List<ConnectionEnd>();
        foreach (var (decision, end) in new[] { source, destination })
        {
            if (decision is null || end is null || (decision.Outcome != Outcome.Block && decision.InFull != Outcome.Block))
            {
                continue;
            }

            if (decision.By == DecidedBy.Quarantine)
            {
                var cut = end.Workload.Quarantined ? end.Workload : InQuarantine(end) ?? (decision.Direction == Direction.Inbound ? source : destination).End?.Workload ?? end.Workload;
                remedies.Add(new Remedy.LiftQuarantine(cut.Id, cut.Name));
                continue;
            }

            var covering = _evaluator.Covering(end).Where(covering => covering.HasPort).Select(covering => covering.Entry).ToList();
            remedies.AddRange(covering.Where(entry => entry.Action == RuleAction.OverrideDeny && Meets(entry, connection) != false).Select(entry => new Remedy.NarrowRule(entry.Rule, RulesetOf(entry.Rule))));
            if (!covering.Exists(entry => entry.Action == RuleAction.Allow && Meets(entry, connection) == true))
            {
                silent.Add(end);
            }
        }

        if (silent.Count > 0)
        {
            remedies.Add(Allowing(silent, destination.End?.Seen ?? connection, source.End?.Workload, destination.End?.Workload));
        }

        return new(Verdict.Combine(source.Decision, destination.Decision), remedies.Distinct().ToEquatableArray());
    }

    /// <summary>The workload whose quarantine cuts off what an end sees of the other.</summary>
    private Workload? InQuarantine(ConnectionEnd end)
    {
        var peer = end.Direction == Direction.Inbound ? end.Seen.Source : end.Seen.Destination;
        return _evaluator.Compiled.Workloads.Translations.VisibleAt(new(end.Seen.Space, peer)).FirstOrDefault(workload => workload.Quarantined);
    }

    /// <summary>The smallest change that allows: meet a condition, add the port to a rule that opens no more than a new rule would, or add that.</summary>
    /// <param name="silent">The ends that no rule allows.</param>
    /// <param name="connection">As the provider sees it, whose ports rules name.</param>
    /// <param name="source">The consumer.</param>
    /// <param name="destination">The provider.</param>
    private Remedy Allowing(List<ConnectionEnd> silent, Connection connection, Workload? source, Workload? destination)
    {
        var covering = silent.Select(end => _evaluator.Covering(end).Where(covering => covering.Entry.Action == RuleAction.Allow).ToList()).ToList();
        foreach (var entries in covering)
        {
            if (entries.Find(covering => covering.HasPort && Meets(covering.Entry, connection) == false) is { Entry: { } conditional })
            {
                return new Remedy.MeetCondition(conditional.Rule, RulesetOf(conditional.Rule), ConditionOf(conditional));
            }
        }

        // A rule helps only if it covers every end that lacks an allow.
        var shared = covering.Select(entries => entries.Select(covering => covering.Entry).Where(entry => entry.Needs == Feature.None && entry.Peer.Variant == PeerVariant.All).Select(entry => entry.Rule).ToHashSet())
            .Aggregate((all, rules) => [.. all.Intersect(rules)]);
        var draft = new RuleDraft(_evaluator.Compiled.Policy, connection, source, destination);
        foreach (var rule in shared.Order())
        {
            var (ruleset, model) = _rules.Value[rule];
            if (draft.AdmitsNoMore(ruleset, model))
            {
                return new Remedy.AddService(rule, ruleset.Name, draft.Port);
            }
        }

        return draft.Remedy;
    }

    private static bool? Meets(Entry entry, Connection connection) =>
        (entry.Direction == Direction.Inbound ? connection.Provider : connection.Consumer).Meets(entry.Process, entry.Users, entry.UnidentifiedMatches);

    private static string ConditionOf(Entry entry) => (entry.Process, entry.Users.Count) switch
    {
        (null, _) => $"users of {string.Join(", ", entry.Users)}",
        ({ } process, 0) => process.ToString(),
        ({ } process, _) => $"{process} run by users of {string.Join(", ", entry.Users)}",
    };
}
