using Bulkhead.Policy.Documents;

namespace Bulkhead.Bench.Policy;

/// <summary>One edit of one rule.</summary>
/// <param name="Class">The class of the rule.</param>
/// <param name="Kind">What is done to it.</param>
/// <param name="Ruleset">Its ruleset, as it is from then on.</param>
internal sealed record RuleEdit(RuleClass Class, string Kind, RulesetDocument Ruleset);

/// <summary>
/// Draws edits of an estate's policy, one after the other: other ports, other ends, another action, a new rule, a rule removed. The rule
/// is any of the policy, so that classes stand in their proportions.
/// </summary>
internal sealed class RuleEdits
{
    private static readonly string[] Kinds = ["ports", "ends", "action", "add", "remove"];

    private readonly Estate _estate;
    private readonly Random _random;
    private readonly List<RulesetDocument> _rulesets;
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);
    private readonly List<(string Ruleset, long Id)> _rules = [];
    private long _lastId;

    public RuleEdits(Estate estate, Random random)
    {
        (_estate, _random, _rulesets) = (estate, random, [.. estate.Document.Rulesets]);
        foreach (var ruleset in _rulesets)
        {
            _places.Add(ruleset.Name, _places.Count);
            _rules.AddRange(ruleset.Rules.Select(rule => (ruleset.Name, rule.Id)));
        }

        _lastId = _rules.Max(rule => rule.Id);
    }

    /// <summary>The policy after all edits so far.</summary>
    public PolicyDocument Now => _estate.Document with { Rulesets = [.. _rulesets] };

    /// <summary>Draws the next edit.</summary>
    public RuleEdit Next()
    {
        var index = _random.Next(_rules.Count);
        var (name, id) = _rules[index];
        var ruleset = _rulesets[_places[name]];
        var rule = ruleset.Rules.Single(r => r.Id == id);
        var kind = Kinds[_random.Next(Kinds.Length)];
        var edited = kind switch
        {
            "add" => Add(ruleset, rule),
            "remove" => Remove(ruleset, rule, index),
            _ => Replace(ruleset, rule, Edit(kind, rule, name)),
        };
        _rulesets[_places[name]] = edited;
        return new(ClassOf(rule), kind, edited);
    }

    private RuleDocument Edit(string kind, RuleDocument rule, string ruleset)
    {
        var other = _estate.Rules.Draw(ClassOf(rule), _estate.Rules.Place(ruleset), rule.Id);
        return kind switch
        {
            "ports" => rule with { Services = _estate.Rules.DrawServices() },
            "ends" => other with { Action = rule.Action },
            // Any rule may allow; what asks something of a socket may deny at one end only, so a deny is tried on plain rules.
            _ => rule with { Action = rule.Action == "allow" && ClassOf(rule) != RuleClass.Special ? "deny" : "allow" },
        };
    }

    private RulesetDocument Add(RulesetDocument ruleset, RuleDocument like)
    {
        _rules.Add((ruleset.Name, ++_lastId));
        return ruleset with { Rules = [.. ruleset.Rules, _estate.Rules.Draw(ClassOf(like), _estate.Rules.Place(ruleset.Name), _lastId)] };
    }

    private RulesetDocument Remove(RulesetDocument ruleset, RuleDocument rule, int index)
    {
        _rules[index] = _rules[^1];
        _rules.RemoveAt(_rules.Count - 1);
        return ruleset with { Rules = [.. ruleset.Rules.Where(r => r != rule)] };
    }

    private static RulesetDocument Replace(RulesetDocument ruleset, RuleDocument rule, RuleDocument edited) =>
        ruleset with { Rules = [.. ruleset.Rules.Select(r => r == rule ? edited : r)] };

    private static RuleClass ClassOf(RuleDocument rule) => Enum.Parse<RuleClass>(rule.Reason!);
}
