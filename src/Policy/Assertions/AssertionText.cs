using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Assertions;

/// <summary>The sentences in which results are told.</summary>
internal static class AssertionText
{
    /// <param name="assertion">What was asserted.</param>
    /// <param name="status">What became of it.</param>
    /// <param name="counterexample">What shows it, or null.</param>
    /// <param name="replies">Rules whose untracked replies it does not count.</param>
    /// <param name="expected">Rules whose helpers may expect what it forbids.</param>
    /// <param name="gaps">How many workloads do not enforce it yet.</param>
    /// <param name="first">The first of them.</param>
    public static string Message(Assertion assertion, AssertionStatus status, Counterexample? counterexample, IReadOnlyList<RuleId> replies, IReadOnlyList<RuleId> expected, int gaps, EquatableArray<NotYetEnforced> first)
    {
        var message = status switch
        {
            AssertionStatus.Held => "Holds for every workload that could exist.",
            AssertionStatus.Unproven => $"No rule allows any of it, for every workload that could exist; but connections that helpers let be agreed upon may pass: of rule{Of(expected)}. Let an override-deny stop them, or say helpers: accept.",
            AssertionStatus.Undecided => $"Could not be decided within {AssertionChecker.MostSteps} steps. Make the assertion narrower, or the rules that it concerns simpler.",
            AssertionStatus.Violated => $"{counterexample} is {Verdict(counterexample!)}.",
            _ => $"{counterexample} is {Verdict(counterexample!)}, {Condition(counterexample!)}. Declare a plan that says where such workloads have their addresses; no live workload is there today.",
        };
        return message + Unresolved(assertion) + Replies(replies) + (status == AssertionStatus.Held ? Expected(expected) : "") + (gaps == 0 ? "" : $" Denied by the letter, not yet enforced: {string.Join(", ", first.Take(3).Select(g => $"{g.Name} {Words(g)}"))}{(gaps > 3 ? $" and {gaps - 3} more" : "")}.");
    }

    private static string Verdict(Counterexample found)
    {
        var (outbound, inbound) = (found.Outbound, found.Inbound);
        if (!outbound.Passes || !inbound.Passes)
        {
            var blocking = new[] { (Decision: outbound, End: "consumer"), (Decision: inbound, End: "provider") }.Where(d => !d.Decision.Passes);
            return $"not allowed: {string.Join("; ", blocking.Select(d => $"at the {d.End}, {d.Decision.Because}"))}";
        }

        return outbound.Rule is not null && outbound.Rule == inbound.Rule
            ? $"allowed at both ends: {outbound.Because}"
            : $"allowed: at the consumer, {outbound.Because}; at the provider, {inbound.Because}";
    }

    private static string Condition(Counterexample found) =>
        $"if {string.Join(" and ", new[] { (End: found.Consumer, Name: "the consumer"), (End: found.Provider, Name: "the provider") }
            .Where(e => e.End is { AddressMatters: true, Labels: not null }).Select(e => $"{e.Name} has an address such as {e.End.Address}{(e.End.Network is null ? "" : $" of the network {e.End.Network}")}"))}";

    private static string Unresolved(Assertion assertion) => string.Concat(new[] { assertion.From, assertion.To }
        .OfType<RuleEnd.Addresses>().Where(end => end.Network.Fqdn.Count > 0)
        .Select(end => $" Network {end.Network.Name}: its names are not resolved; only its addresses were looked at."));

    private static string Replies(IReadOnlyList<RuleId> rules) => rules.Count == 0 ? ""
        : $" Not counted are replies of stateless services, which reach UDP ports from {StatelessPorts.FirstUdpClient}: of rule{Of(rules)}.";

    private static string Expected(IReadOnlyList<RuleId> rules) => rules.Count == 0 ? "" : $" Not counted are connections that helpers let be agreed upon: of rule{Of(rules)}.";

    private static string Of(IReadOnlyList<RuleId> rules) => $"{(rules.Count == 1 ? "" : "s")} {string.Join(", ", rules)}";

    private static string Words(NotYetEnforced gap) =>
        gap.Mode is { } mode ? $"({gap.Direction.ToString().ToLowerInvariant()} {mode.ToString().ToLowerInvariant()})" : "(not managed)";
}
