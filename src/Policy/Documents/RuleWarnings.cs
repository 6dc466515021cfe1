namespace Bulkhead.Policy.Documents;

/// <summary>What rules say without effect. It is told at every edit, of rulesets that are not parsed again too.</summary>
internal static class RuleWarnings
{
    public static void Check(PolicyDocument document, ObjectPaths paths, NamedObjects names, List<Diagnostic> problems)
    {
        for (var i = 0; i < document.Rulesets.Count; i++)
        {
            var rules = document.Rulesets[i].Rules;
            for (var j = 0; j < rules.Count; j++)
            {
                if (rules[j] is not { Consumer: "strict", Unidentified: "skip", WhereUnenforceable: "refuse" })
                {
                    Check(rules[j], $"{paths[i]}.rules[{j}]", names, problems);
                }
            }
        }
    }

    private static void Check(RuleDocument rule, string path, NamedObjects names, List<Diagnostic> problems)
    {
        var isDeny = rule.Action is "deny" or "override-deny";
        var consumer = rule.FromProcess is not null || rule.Users.Count > 0;
        var condition = consumer || rule.Services.Any(names.AsksForProcess);
        if (rule.Consumer == "best-effort" && (isDeny || !consumer))
        {
            Means("consumer", "an allow with fromProcess or users");
        }

        // In an allow it is an error, which the parser tells.
        if (rule.Unidentified == "match" && isDeny && !condition)
        {
            Means("unidentified", "a deny that asks for a process or user");
        }

        if (rule.WhereUnenforceable == "skip" && !(isDeny && (condition || names.HasDomainNames(rule.From) || names.HasDomainNames(rule.To))))
        {
            Means("whereUnenforceable", "a deny that asks for a process or user, or has a network with domain names");
        }

        void Means(string field, string where) =>
            problems.Add(Diagnostic.Warning("without-effect", $"{path}.{field}", $"'{field}' means something only in {where}. Leave it out here."));
    }
}
