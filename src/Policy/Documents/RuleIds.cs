namespace Bulkhead.Policy.Documents;

/// <summary>
/// The ids of a document's rules. A rule without one (0) gets a provisional id above all others, in document order, so that a policy can
/// be checked and tried before the controller has assigned ids for good.
/// </summary>
public static class RuleIds
{
    /// <summary>The highest id that a rule may have: the largest whole number that every reader of JSON tells from its neighbours.</summary>
    public const long Max = (1L << 53) - 1;

    /// <summary>The document with an id in every rule; rulesets that have them all stay the same objects.</summary>
    /// <remarks>Ids that are out of bounds are wrong, and left as they are; they move no others.</remarks>
    public static PolicyDocument Assign(PolicyDocument document)
    {
        var next = 0L;
        var complete = true;
        foreach (var rule in document.Rulesets.SelectMany(ruleset => ruleset.Rules))
        {
            next = rule.Id <= Max ? Math.Max(next, rule.Id) : next;
            complete &= rule.Id != 0;
        }

        return complete ? document : document with
        {
            Rulesets = [.. document.Rulesets.Select(ruleset => ruleset.Rules.All(rule => rule.Id != 0)
                ? ruleset
                : ruleset with { Rules = [.. ruleset.Rules.Select(rule => rule.Id != 0 ? rule : rule with { Id = ++next })] })],
        };
    }

    internal static void Check(PolicyDocument document, ObjectPaths paths, List<Diagnostic> problems)
    {
        // Places are kept only if there is something to tell, since this is done at every edit of a large policy.
        var ids = new HashSet<long>(document.Rulesets.Sum(r => r.Rules.Count));
        if (document.Rulesets.All(ruleset => ruleset.Rules.All(rule => rule.Id == 0 || (rule.Id is > 0 and <= Max && ids.Add(rule.Id)))))
        {
            return;
        }

        var seen = new Dictionary<long, (int Ruleset, int Rule)>(ids.Count);
        foreach (var (at, ruleset) in document.Rulesets.Index())
        {
            for (var i = 0; i < ruleset.Rules.Count; i++)
            {
                var id = ruleset.Rules[i].Id;
                if (id is < 0 or > Max)
                {
                    problems.Add(Diagnostic.Error("bad-rule-id", Path(at, i), $"{id} is not a rule id: a number from 1 to {Max}. Leave it out, or 0, in a new rule."));
                }
                else if (id > 0 && !seen.TryAdd(id, (at, i)))
                {
                    problems.Add(Diagnostic.Error("duplicate-rule-id", Path(at, i), $"Rule id {id} is also at {Path(seen[id].Ruleset, seen[id].Rule)}. Leave it out in the new one of the two."));
                }
            }
        }

        string Path(int ruleset, int rule) => $"{paths[ruleset]}.rules[{rule}].id";
    }
}
