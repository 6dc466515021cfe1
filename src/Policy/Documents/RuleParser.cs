using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Documents;

/// <summary>Checks the rules of one ruleset.</summary>
internal sealed class RuleParser(NamedObjects names, IReadOnlyList<Scope> scopes, List<Diagnostic> problems)
{
    public Rule? Parse(RuleDocument rule, string path)
    {
        var before = problems.Count;
        var from = names.ParseEnd(rule.From, $"{path}.from", problems);
        var to = names.ParseEnd(rule.To, $"{path}.to", problems);
        var action = Choose(rule.Action, $"{path}.action", "bad-action", ("allow", RuleAction.Allow), ("deny", RuleAction.Deny), ("override-deny", RuleAction.OverrideDeny));
        var within = Choose(rule.Within, $"{path}.within", "bad-within", ("both", Within.Both), ("from", Within.From), ("to", Within.To));
        var bestEffort = Choose(rule.Consumer, $"{path}.consumer", "bad-consumer", ("strict", false), ("best-effort", true));
        var unidentified = Choose(rule.Unidentified, $"{path}.unidentified", "bad-unidentified", ("skip", false), ("match", true));
        var unenforceable = Choose(rule.WhereUnenforceable, $"{path}.whereUnenforceable", "bad-where-unenforceable", ("refuse", false), ("skip", true));
        var services = names.FindServices(rule.Services, $"{path}.services", problems);
        var process = rule.FromProcess is null ? null : NamedObjects.ParseProcess(rule.FromProcess, $"{path}.fromProcess", problems);
        var users = NamedObjects.ParseUsers(rule.Users, $"{path}.users", problems);

        if (from is null || to is null || action is null || within is null || problems.Skip(before).Any(p => p.Severity == Severity.Error))
        {
            return null;
        }

        var parsed = new Rule
        {
            Id = new(rule.Id),
            From = from,
            To = to,
            Services = services,
            Action = action.Value,
            Within = within.Value,
            FromProcess = process,
            Users = users,
            ConsumerBestEffort = bestEffort == true,
            UnidentifiedMatches = unidentified == true,
            SkipWhereUnenforceable = unenforceable == true,
            Expires = rule.Expires,
        };
        CheckEnds(parsed, path);
        CheckConditions(parsed, path);
        return parsed;
    }

    private T? Choose<T>(string? text, string path, string code, params ReadOnlySpan<(string Name, T Value)> choices)
        where T : struct
    {
        var known = new List<string>();
        foreach (var (name, value) in choices)
        {
            if (name == text)
            {
                return value;
            }

            known.Add(name);
        }

        problems.Add(Diagnostic.Error(code, path, $"'{text}' is not one of: {string.Join(", ", known)}."));
        return null;
    }

    private void CheckEnds(Rule rule, string path)
    {
        if (rule is { From: RuleEnd.Addresses, To: RuleEnd.Addresses })
        {
            problems.Add(Diagnostic.Error("no-labelled-end", path, "Both ends are networks, so no workload would enforce the rule. Choose workloads at one end."));
            return;
        }

        CheckNames(rule, rule.From, $"{path}.from");
        CheckNames(rule, rule.To, $"{path}.to");
        if ((rule.Within == Within.From && rule.From is RuleEnd.Addresses) || (rule.Within == Within.To && rule.To is RuleEnd.Addresses))
        {
            problems.Add(Diagnostic.Error("network-within-scope", $"{path}.within", "A network is exempt from the scope. Name the other end, or write both."));
        }

        if (rule.Within != Within.To)
        {
            CheckRepeats(rule.From, $"{path}.from");
        }

        if (rule.Within != Within.From)
        {
            CheckRepeats(rule.To, $"{path}.to");
        }
    }

    private void CheckRepeats(RuleEnd end, string path)
    {
        if (end is not RuleEnd.Workloads { Selector: var selector })
        {
            return;
        }

        foreach (var key in selector.Requirements.Select(r => r.Key).Distinct().Where(key => scopes.Any(s => s.Selector.Mentions(key) || s.Per.Contains(key))))
        {
            var never = scopes.All(s => !s.Selector.And(selector).CanMatch) ? ", and nothing meets both, so that the rule could never match" : "";
            problems.Add(Diagnostic.Error("repeats-scope-key", path, $"'{key}' is already in the ruleset's scope, which binds this end too{never}. Remove it here, or make the rule extra-scope with within: {(path.EndsWith("from", StringComparison.Ordinal) ? "to" : "from")}."));
        }
    }

    /// <summary>An allow opens less than it says, which the network's own warning tells; a deny would silently block less.</summary>
    private void CheckNames(Rule rule, RuleEnd end, string path)
    {
        if (end is RuleEnd.Addresses { Network.Fqdn.Count: > 0 } && rule.Action != RuleAction.Allow && !rule.SkipWhereUnenforceable)
        {
            problems.Add(Diagnostic.Error("unenforceable-fqdn", path, $"'{end}' has domain names, which nothing can block yet. List its addresses in another network, or write whereUnenforceable: skip."));
        }
    }

    private void CheckConditions(Rule rule, string path)
    {
        var providerCondition = rule.Services.Any(s => s.Process is not null);
        if (rule.Action != RuleAction.Allow && providerCondition && rule.HasConsumerCondition)
        {
            problems.Add(Diagnostic.Error("deny-binds-both-ends", path, "A deny may ask something of the consumer's socket or of the provider's, not of both: no single host could decide it. Split it into two rules."));
        }

        if (providerCondition && rule.Action != RuleAction.Allow && rule.To is RuleEnd.Addresses)
        {
            problems.Add(Diagnostic.Error("undecidable-condition", $"{path}.services", "The provider is a network, so nobody can check the serving process. Use the service's ports alone."));
        }

        if (rule.HasConsumerCondition && rule.From is RuleEnd.Addresses && !(rule.Action == RuleAction.Allow && rule.ConsumerBestEffort))
        {
            problems.Add(Diagnostic.Error("undecidable-condition", $"{path}.from", "The consumer is a network, so nobody can check its process or user. Choose workloads, or write consumer: best-effort in an allow."));
        }

        if (rule.UnidentifiedMatches && rule.Action == RuleAction.Allow)
        {
            problems.Add(Diagnostic.Error("unidentified-allow", $"{path}.unidentified", "Only a deny may match unidentified sockets: unknown never allows."));
        }
    }
}
