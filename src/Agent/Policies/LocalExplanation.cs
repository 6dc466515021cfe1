using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Policies;

/// <summary>What this host's own policy does to a connection; the other end may still block it. Serialised by <c>explain --output json</c>.</summary>
/// <param name="Outcome">allow, block or unknown.</param>
/// <param name="InFull">The same, if the direction were in full enforcement.</param>
/// <param name="Direction">inbound or outbound.</param>
/// <param name="Mode">The direction's mode.</param>
/// <param name="By">quarantine, essential, rule or default.</param>
/// <param name="Rule">The deciding rule's id, or null.</param>
/// <param name="Others">Rules that match as well, in the order in which they would decide.</param>
/// <param name="Sentences">The same in words.</param>
internal sealed record LocalExplanation(
    string Outcome, string InFull, string Direction, string Mode, string By, long? Rule, IReadOnlyList<long> Others, IReadOnlyList<string> Sentences)
{
    /// <summary>Judges by the evaluator that the kernel's rules are tested against.</summary>
    public static LocalExplanation Of(LocalPolicy local, Direction direction, IpAddress own, IpAddress peer, PortMatch port, SocketFacts socket)
    {
        var decision = new HostEvaluator(local.Policy).Decide(direction, own, peer, port.Protocol, port.First, socket);
        return new(
            Lower(decision.Outcome), Lower(decision.InFull), Lower(direction), Lower(decision.Mode), Lower(decision.By), decision.Rule?.Value, [.. decision.Others.Select(rule => rule.Value)],
            [.. Say(local, decision, direction == Bulkhead.Policy.Rules.Direction.Inbound ? $"{peer} to this host's {port}" : $"this host to {peer} on {port}")]);
    }

    private static IEnumerable<string> Say(LocalPolicy local, EndDecision decision, string connection)
    {
        if (local.Note is { } note)
        {
            yield return $"! {note}";
        }

        yield return decision.Outcome switch
        {
            Bulkhead.Policy.Evaluate.Outcome.Allow => $"Passes here: {connection}.",
            Bulkhead.Policy.Evaluate.Outcome.Block => $"Is blocked here: {connection}.",
            _ => $"Depends on the process or user: {connection}. Name them with --process, --unit or --user-group.",
        };
        yield return decision.By switch
        {
            DecidedBy.Quarantine => "Quarantine decides.",
            DecidedBy.Essential => "It is essential or fail-safe, which no policy cuts.",
            DecidedBy.Rule => $"Rule {decision.Rule} decides{(decision.Mode == EnforcementMode.Visibility ? ", but in visibility nothing is blocked" : "")}.",
            _ => $"No rule matches, and {decision.Direction.ToString().ToLowerInvariant()} is in {PolicySentences.OfMode(decision.Mode, decision.Direction)}.",
        };
        if (decision.Others.Count > 0)
        {
            yield return $"Would decide otherwise: rule {string.Join(", then rule ", decision.Others)}.";
        }

        if (decision.InFull != decision.Outcome)
        {
            yield return $"In full enforcement it {(decision.InFull == Bulkhead.Policy.Evaluate.Outcome.Block ? "would be blocked" : "would be undecided")}.";
        }

        yield return "The other end judges by its own policy.";
    }

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
