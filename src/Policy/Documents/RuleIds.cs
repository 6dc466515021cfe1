namespace Bulkhead.Policy.Documents;

/// <summary>
/// The ids of a document's rules. A rule without one (0) gets a provisional id above all others, in document order, so that a policy can
/// be checked and tried before the controller has assigned ids for good.
/// </summary>
internal sealed class RuleIds
{
    /// <summary>For each ruleset, the id below its first provisional one.</summary>
    private readonly long[] _provisional;
    private readonly PolicyDocument _document;

    public RuleIds(PolicyDocument document, List<Diagnostic> problems)
    {
        _document = document;
        var rulesets = document.Rulesets;
        var seen = new Dictionary<long, (int Ruleset, int Rule)>(rulesets.Sum(r => r.Rules.Count));
        for (var at = 0; at < rulesets.Count; at++)
        {
            var rules = rulesets[at].Rules;
            for (var i = 0; i < rules.Count; i++)
            {
                var id = rules[i].Id;
                if (id < 0)
                {
                    problems.Add(Diagnostic.Error("bad-rule-id", Path(at, i), $"{id} is not a rule id. Leave it out, or 0, in a new rule."));
                }
                else if (id > 0 && !seen.TryAdd(id, (at, i)))
                {
                    problems.Add(Diagnostic.Error("duplicate-rule-id", Path(at, i), $"Rule id {id} is also at {Path(seen[id].Ruleset, seen[id].Rule)}. Leave it out in the new one of the two."));
                }
            }
        }

        _provisional = new long[rulesets.Count];
        var next = seen.Keys.DefaultIfEmpty().Max();
        for (var at = 0; at < rulesets.Count; at++)
        {
            _provisional[at] = next;
            next += rulesets[at].Rules.Count(rule => rule.Id <= 0);
        }
    }

    /// <summary>The ids of the rules of the ruleset at an index, in document order.</summary>
    public IEnumerable<long> Of(int ruleset)
    {
        var next = _provisional[ruleset];
        foreach (var rule in _document.Rulesets[ruleset].Rules)
        {
            yield return rule.Id > 0 ? rule.Id : ++next;
        }
    }

    private string Path(int ruleset, int rule) => $"rulesets[{_document.Rulesets[ruleset].Name}].rules[{rule}].id";
}
