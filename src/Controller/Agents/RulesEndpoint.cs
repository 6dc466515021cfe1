using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Storage;

namespace Bulkhead.Controller.Agents;

/// <summary><c>POST /agent/v1/rules</c>: who answers for rules that blocked something on a host. A host learns of the rules that it enforces, and of no others.</summary>
public sealed class RulesEndpoint(LiveState live, PolicyTargets targets)
{
    private const int MaxBytes = 64 * 1024;
    private const int MaxRules = 100;

    /// <summary>Answers one request.</summary>
    public async Task<IResult> AnswerAsync(HttpContext context)
    {
        var request = await context.Request.ReadAsync(RuleRequest.Parser, MaxBytes).ConfigureAwait(false);
        if (request is not { Rules.Count: <= MaxRules })
        {
            return AgentAnswer.Malformed($"The request is malformed, or asks for more than {MaxRules} rules.");
        }

        var enforced = targets.Find(context.Agent().Workload)?.Entries.Select(entry => entry.Rule.Value).ToHashSet() ?? [];
        enforced.IntersectWith(request.Rules);
        var answer = new RuleAnswer();
        answer.Rules.AddRange(
            from ruleset in live.Current.Provisioned.Document.Rulesets
            from rule in ruleset.Rules
            where enforced.Contains(rule.Id)
            orderby rule.Id
            select new RuleInfo { Rule = rule.Id, Ruleset = ruleset.Name, Owner = rule.Owner ?? "", Reason = rule.Reason ?? "", Ticket = rule.Ticket ?? "" });
        return AgentAnswer.Of(answer);
    }
}
