namespace Bulkhead.Policy.Documents;

/// <summary>
/// The ids of a document's rules. A rule without one (0) gets a provisional id above all others, in document order, so that a policy can
/// be checked and tried before the controller has assigned ids for good.
/// </summary>
internal sealed class RuleIds
{
    private readonly Dictionary<(RulesetDocument Ruleset, int Index), long> _ids = [];

    public RuleIds(PolicyDocument document, List<Diagnostic> problems)
    {
        var seen = new Dictionary<long, string>();
        var provisional = document.Rulesets.SelectMany(r => r.Rules).Select(r => r.Id).DefaultIfEmpty().Max();
        foreach (var ruleset in document.Rulesets)
        {
            for (var i = 0; i < ruleset.Rules.Count; i++)
            {
                var id = ruleset.Rules[i].Id;
                var path = $"rulesets[{ruleset.Name}].rules[{i}].id";
                if (id < 0)
                {
                    problems.Add(Diagnostic.Error("bad-rule-id", path, $"{id} is not a rule id. Leave it out, or 0, in a new rule."));
                }
                else if (id > 0 && !seen.TryAdd(id, path))
                {
                    problems.Add(Diagnostic.Error("duplicate-rule-id", path, $"Rule id {id} is also at {seen[id]}. Leave it out in the new one of the two."));
                }

                _ids[(ruleset, i)] = id > 0 ? id : ++provisional;
            }
        }
    }

    public long this[RulesetDocument ruleset, int index] => _ids[(ruleset, index)];
}
