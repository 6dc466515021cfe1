using Bulkhead.Cli.Output;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Services;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Offline;

/// <summary>Workloads with equal labels, or a network, at the other end.</summary>
/// <param name="Labels">Theirs; null for a network.</param>
/// <param name="Network">The network's name; null for workloads.</param>
/// <param name="Example">A workload's name, or an address.</param>
/// <param name="Workloads">How many; 0 for a network.</param>
/// <param name="Verdict">In words.</param>
/// <param name="Rules">The deciding rules of both ends.</param>
internal sealed record ReachView(string? Labels, string? Network, string Example, int Workloads, string Verdict, IReadOnlyList<RuleView> Rules);

/// <summary>All that reaches a workload's port, or all whose port a workload reaches.</summary>
/// <param name="Workload">Its name.</param>
/// <param name="Direction"><c>from</c> if it is the consumer, <c>to</c> if it is the provider.</param>
/// <param name="Port">As in policy.</param>
/// <param name="Others">The other ends, by labels, then networks by name.</param>
internal sealed record FileReach(string Workload, string Direction, string Port, IReadOnlyList<ReachView> Others)
{
    public static FileReach Of(PolicyFolder folder, Workload workload, string direction, PortMatch port, Reach reach) => new(
        workload.Name,
        direction,
        port.ToString(),
        [
            .. reach.Workloads.Select(other => new ReachView(other.Labels.ToString(), null, other.Example.Name, other.Count, ExplainFilesCommand.Phrase(other.Verdict.Kind), Rules(folder, other.Verdict))),
            .. reach.Networks.Select(network => new ReachView(null, network.Name, network.Example.ToString(), 0, ExplainFilesCommand.Phrase(network.Verdict.Kind), Rules(folder, network.Verdict))),
        ]);

    /// <summary>What is not blocked as a table, and how much is.</summary>
    public void WriteTo(Terminal terminal)
    {
        var blocked = ExplainFilesCommand.Phrase(VerdictKind.Blocked);
        var listing = new Listing(Direction == "to" ? "who reaches it" : "what it reaches", "such as", "workloads", "verdict", "by");
        foreach (var other in Others.Where(other => other.Verdict != blocked))
        {
            listing.Row(other.Labels ?? $"network:{other.Network}", other.Example, other.Network is null ? $"{other.Workloads}" : "-", other.Verdict, string.Join(' ', other.Rules.Select(rule => $"{rule.File}:{rule.Line}")));
        }

        listing.WriteTo(terminal.Out, "nobody");
        terminal.Note($"{Others.Where(other => other.Verdict == blocked).Sum(other => Math.Max(1, other.Workloads)):N0} others are blocked.");
    }

    private static List<RuleView> Rules(PolicyFolder folder, EdgeVerdict verdict) =>
        [.. new[] { verdict.Source?.Rule, verdict.Destination?.Rule }.OfType<Policy.Rules.RuleId>().Distinct().Select(rule => RuleView.Of(folder, rule))];
}
