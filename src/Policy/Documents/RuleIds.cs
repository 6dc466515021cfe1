namespace Bulkhead.Policy.Documents;

/// <summary>
/// The ids of a document's rules. A rule without one (0) gets a provisional id above all others, in document order, so that a policy can
/// be checked and tried before the controller has assigned ids for good.
/// </summary>
public static class RuleIds
{
    /// <summary>The document with an id in every rule; rulesets that have them all stay the same objects.</summary>
    public static PolicyDocument Assign(PolicyDocument document)
    {
        var next = 0L;
        var complete = true;
        foreach (var rule in document.Rulesets.SelectMany(ruleset => ruleset.Rules))
        {
            next = Math.Max(next, rule.Id);
            complete &= rule.Id > 0;
        }

        return complete ? document : document with
        {
            Rulesets = [.. document.Rulesets.Select(ruleset => ruleset.Rules.All(rule => rule.Id > 0)
                ? ruleset
                : ruleset with { Rules = [.. ruleset.Rules.Select(rule => rule.Id > 0 ? rule : rule with { Id = ++next })] })],
        };
    }

    internal static void Check(PolicyDocument document, List<Diagnostic> problems)
    {
        // Places are kept only if there is something to tell, since this is done at every edit of a large policy.
        var ids = new HashSet<long>(document.Rulesets.Sum(r => r.Rules.Count));
        if (document.Rulesets.All(ruleset => ruleset.Rules.All(rule => rule.Id == 0 || (rule.Id > 0 && ids.Add(rule.Id)))))
        {
            return;
        }

        var seen = new Dictionary<long, (int Ruleset, int Rule)>(ids.Count);
        foreach (var (at, ruleset) in document.Rulesets.Index())
        {
            for (var i = 0; i < ruleset.Rules.Count; i++)
            {
                var id = ruleset.Rules[i].Id;
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

        string Path(int ruleset, int rule) => $"rulesets[{document.Rulesets[ruleset].Name}].rules[{rule}].id";
    }
}
