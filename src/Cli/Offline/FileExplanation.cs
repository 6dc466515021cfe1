using Bulkhead.Cli.Output;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Services;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Offline;

/// <summary>What one end would decide.</summary>
/// <param name="Outcome">In the mode in force.</param>
/// <param name="InFull">If the mode were full.</param>
/// <param name="Mode">The mode in force.</param>
/// <param name="DecidedBy"><c>quarantine</c>, <c>essential</c>, <c>rule</c> or <c>default</c>.</param>
/// <param name="Rule">The deciding rule, if one does.</param>
/// <param name="OtherRules">Others that match, in the order in which they would decide.</param>
/// <param name="Because">A clause.</param>
internal sealed record FileDecision(string Outcome, string InFull, string Mode, string DecidedBy, RuleView? Rule, IReadOnlyList<RuleView> OtherRules, string Because);

/// <summary>What would become of a connection.</summary>
/// <param name="From">The consumer's name, or its address.</param>
/// <param name="To">The provider's.</param>
/// <param name="FromAddress">The address that was judged.</param>
/// <param name="ToAddress">The address that was judged.</param>
/// <param name="Port">As in policy.</param>
/// <param name="Verdict">Combined, in words.</param>
/// <param name="Source">The consumer's outbound decision; null if it has no agent.</param>
/// <param name="Destination">The provider's inbound decision; null if it has no agent.</param>
/// <param name="LeftOut">Rules for this port that one of the two goes without, and why.</param>
/// <param name="Remedies">For a block: what would let the connection pass, the smallest change first.</param>
/// <param name="Others">The same for pairs of the ends' addresses that fare otherwise; the verdict of this one is the furthest from allowed.</param>
internal sealed record FileExplanation(
    string From, string To, string FromAddress, string ToAddress, string Port, string Verdict, FileDecision? Source, FileDecision? Destination, IReadOnlyList<MissingRule> LeftOut,
    IReadOnlyList<string> Remedies, IReadOnlyList<FileExplanation> Others)
{
    private static readonly string[] s_worstFirst = [.. new[] { VerdictKind.Blocked, VerdictKind.PotentiallyBlocked, VerdictKind.Unknown, VerdictKind.Allowed }.Select(ExplainFilesCommand.Phrase)];

    /// <summary>Of all pairs of addresses, those that fare differently.</summary>
    public static FileExplanation Of(IEnumerable<FileExplanation> pairs)
    {
        var different = pairs.DistinctBy(pair => (pair.Verdict, Of(pair.Source), Of(pair.Destination))).OrderBy(pair => Array.IndexOf(s_worstFirst, pair.Verdict)).ToList();
        return different[0] with { Others = [.. different.Skip(1)] };

        static (string?, string?, long?, string) Of(FileDecision? decision) => (decision?.Outcome, decision?.InFull, decision?.Rule?.Id, decision is null ? "" : $"{decision.DecidedBy} {string.Join(' ', decision.OtherRules.Select(rule => rule.Id))}");
    }

    public static FileExplanation Of(PolicyFolder folder, CompiledPolicy compiled, ConnectionExplanation explanation, Policy.Evaluate.Connection connection, (Workload? Workload, ScopedAddress At) from, (Workload? Workload, ScopedAddress At) to, PortMatch port)
    {
        var verdict = explanation.Verdict;
        var ends = new[] { from.Workload, to.Workload }.OfType<Workload>().DistinctBy(workload => workload.Id).ToDictionary(workload => workload.Id, workload => workload.Name);
        var rules = compiled.Policy.Rulesets.SelectMany(ruleset => ruleset.Rules)
            .Where(rule => rule.Services.Any(service => service.Ports.Any(match => match.Matches(connection.Protocol, connection.Port)))).Select(rule => rule.Id).ToHashSet();
        return new(
            from.Workload?.Name ?? from.At.ToString(),
            to.Workload?.Name ?? to.At.ToString(),
            from.At.ToString(),
            to.At.ToString(),
            port.ToString(),
            ExplainFilesCommand.Phrase(verdict.Kind),
            Of(folder, verdict.Source),
            Of(folder, verdict.Destination),
            [.. compiled.LeftOut.Where(missing => ends.ContainsKey(missing.Host) && rules.Contains(missing.Rule))
                .Select(missing => new MissingRule(ends[missing.Host], Words.Name(missing.Direction), RuleView.Of(folder, missing.Rule), missing.Reason))],
            [.. explanation.Remedies.Select(remedy => RuleNames.In(remedy.Sentence, folder))],
            []);
    }

    private static FileDecision? Of(PolicyFolder folder, EndDecision? decision)
    {
        if (decision is null)
        {
            return null;
        }

        var rule = decision.Rule is { } id ? RuleView.Of(folder, id) : null;
        return new(
            Words.Name(decision.Outcome), Words.Name(decision.InFull), Words.Name(decision.Mode), Words.Name(decision.By), rule,
            [.. decision.Others.Select(other => RuleView.Of(folder, other))], Because(decision, rule));
    }

    private static string Because(EndDecision decision, RuleView? rule)
    {
        var mode = $"the mode is {Words.Name(decision.Mode)}";
        return decision.By switch
        {
            DecidedBy.Quarantine => decision.Outcome == Policy.Evaluate.Outcome.Allow ? "responders may pass quarantine" : "this end or the other is in quarantine",
            DecidedBy.Essential => "essential traffic, or on the fail-safe list",
            DecidedBy.Rule => (decision.InFull, decision.Outcome) switch
            {
                (Policy.Evaluate.Outcome.Allow, _) => $"allowed by {rule}",
                (Policy.Evaluate.Outcome.Block, Policy.Evaluate.Outcome.Block) => $"blocked by {rule}",
                (Policy.Evaluate.Outcome.Block, _) => $"would be blocked by {rule}, but {mode}",
                _ => $"depends on the process or user, which is not given: {rule}",
            },
            _ => decision.Outcome == Policy.Evaluate.Outcome.Block ? $"no rule allows it, and {mode}" : $"no rule allows it; it passes because {mode}",
        };
    }
}
