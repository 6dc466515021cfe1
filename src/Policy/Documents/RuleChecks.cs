using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Documents;

/// <summary>What could be read of a rule; null for what could not.</summary>
internal sealed record RuleParts(RuleEnd? From, RuleEnd? To, RuleAction? Action, Within? Within)
{
    /// <summary>Whether it asks something of the consumer's socket, if only in words that cannot be read.</summary>
    public required bool AsksConsumer { get; init; }

    /// <summary>Whether a service that it names asks something of the provider's socket.</summary>
    public required bool AsksProvider { get; init; }

    /// <summary>To how many ports the helper that most are for is given; 0 without helpers.</summary>
    public required int HelperPorts { get; init; }

    public required bool BestEffort { get; init; }

    public required bool UnidentifiedMatches { get; init; }

    public required bool SkipWhereUnenforceable { get; init; }

    public bool IsDeny => Action is RuleAction.Deny or RuleAction.OverrideDeny;
}

/// <summary>Checks what the parts of a rule say together; each check asks for the parts that it looks at, and no others.</summary>
internal sealed class RuleChecks(IReadOnlyList<Scope> scopes, List<Diagnostic> problems)
{
    public void Check(RuleParts rule, string path)
    {
        if (rule is { From: RuleEnd.Addresses, To: RuleEnd.Addresses })
        {
            problems.Add(Diagnostic.Error("no-labelled-end", path, "Both ends are networks, so no workload would enforce the rule. Choose workloads at one end."));
        }
        else
        {
            CheckEnds(rule, path);
        }

        CheckConditions(rule, path);
    }

    private void CheckEnds(RuleParts rule, string path)
    {
        CheckNames(rule, rule.From, $"{path}.from");
        CheckNames(rule, rule.To, $"{path}.to");
        if (rule is { Within: Within.From, From: RuleEnd.Addresses } or { Within: Within.To, To: RuleEnd.Addresses })
        {
            problems.Add(Diagnostic.Error("network-within-scope", $"{path}.within", "A network is exempt from the scope. Name the other end, or write both."));
        }

        if (rule.Within is Within.Both or Within.From)
        {
            CheckRepeats(rule.From, path, "from");
        }

        if (rule.Within is Within.Both or Within.To)
        {
            CheckRepeats(rule.To, path, "to");
        }
    }

    private void CheckRepeats(RuleEnd? end, string path, string side)
    {
        if (end is not RuleEnd.Workloads { Selector: var selector })
        {
            return;
        }

        foreach (var key in selector.Requirements.Select(r => r.Key).Distinct().Where(key => scopes.Any(s => s.Selector.Mentions(key) || s.Per.Contains(key))))
        {
            var never = scopes.All(s => !s.Selector.And(selector).CanMatch) ? ", and nothing meets both, so that the rule could never match" : "";
            problems.Add(Diagnostic.Error("repeats-scope-key", $"{path}.{side}", $"'{key}' is already in the ruleset's scope, which binds this end too{never}. Remove it here, or make the rule extra-scope with within: {(side == "from" ? "to" : "from")}."));
        }
    }

    /// <summary>An allow opens less than it says, which the network's own warning tells; a deny would silently block less.</summary>
    private void CheckNames(RuleParts rule, RuleEnd? end, string path)
    {
        if (end is RuleEnd.Addresses { Network.Fqdn.Count: > 0 } && rule.IsDeny && !rule.SkipWhereUnenforceable)
        {
            problems.Add(Diagnostic.Error("unenforceable-fqdn", path, $"'{end}' has domain names, which nothing can block yet. List its addresses in another network, or write whereUnenforceable: skip."));
        }
    }

    private void CheckConditions(RuleParts rule, string path)
    {
        if (rule is { IsDeny: true, AsksProvider: true, AsksConsumer: true })
        {
            problems.Add(Diagnostic.Error("deny-binds-both-ends", path, "A deny may ask something of the consumer's socket or of the provider's, not of both: no single host could decide it. Split it into two rules."));
        }

        if (rule is { IsDeny: true, AsksProvider: true, To: RuleEnd.Addresses })
        {
            problems.Add(Diagnostic.Error("undecidable-condition", $"{path}.services", "The provider is a network, so nobody can check the serving process. Use the service's ports alone."));
        }

        if (rule is { AsksConsumer: true, From: RuleEnd.Addresses } && (rule.IsDeny || (rule.Action is RuleAction.Allow && !rule.BestEffort)))
        {
            problems.Add(Diagnostic.Error("undecidable-condition", $"{path}.from", "The consumer is a network, so nobody can check its process or user. Choose workloads, or write consumer: best-effort in an allow."));
        }

        if (rule is { Action: RuleAction.Allow, AsksConsumer: true, HelperPorts: > 0 })
        {
            problems.Add(Diagnostic.Error("helper-process", $"{path}.services", "What is agreed upon may be any process's or user's, so that a rule which asks for one can name no service with a helper. Split it, or leave out the helper."));
        }

        if (rule is { Action: RuleAction.Allow, HelperPorts: > ConnectionHelper.MostPorts })
        {
            problems.Add(Diagnostic.Error("helper-ports", $"{path}.services", $"Services with the same helper may have {ConnectionHelper.MostPorts} ports at most in one rule. Split it."));
        }

        if (rule is { UnidentifiedMatches: true, Action: RuleAction.Allow })
        {
            problems.Add(Diagnostic.Error("unidentified-allow", $"{path}.unidentified", "Only a deny may match unidentified sockets: unknown never allows."));
        }
    }
}
