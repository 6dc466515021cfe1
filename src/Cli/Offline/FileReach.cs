using Bulkhead.Cli.Output;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Services;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Offline;

/// <summary>Workloads with equal labels, or a part of a network, at the other end.</summary>
/// <param name="Port">As in policy; a range if no port was asked about.</param>
/// <param name="Labels">Theirs; null for a network.</param>
/// <param name="Network">The network's name; null for workloads.</param>
/// <param name="Addresses">The part of the network, as ranges; null for workloads.</param>
/// <param name="Example">A workload's name, or an address.</param>
/// <param name="FromAddress">The consumer's address in the example.</param>
/// <param name="ToAddress">The provider's.</param>
/// <param name="Workloads">How many; 0 for a network.</param>
/// <param name="Verdict">In words.</param>
/// <param name="Rules">The deciding rules of both ends.</param>
internal sealed record ReachView(
    string Port, string? Labels, string? Network, string? Addresses, string Example, string FromAddress, string ToAddress, int Workloads, string Verdict, IReadOnlyList<RuleView> Rules);

/// <summary>All that reaches a workload's port, or all whose port a workload reaches.</summary>
/// <param name="Workload">Its name.</param>
/// <param name="Direction"><c>from</c> if it is the consumer, <c>to</c> if it is the provider.</param>
/// <param name="Port">As in policy; null if none was asked about.</param>
/// <param name="Others">The other ends, by port, by labels, then networks by name. A workload whose addresses fare differently stands in several.</param>
internal sealed record FileReach(string Workload, string Direction, string? Port, IReadOnlyList<ReachView> Others)
{
    private const int ShownRanges = 3;

    public static FileReach Of(PolicyFolder folder, Workload workload, string direction, PortMatch? asked, IEnumerable<(PortMatch Port, Reach Reach)> reaches) => new(
        workload.Name,
        direction,
        asked?.ToString(),
        [
            .. reaches.SelectMany(one => one.Reach.Workloads.Select(other => new ReachView(
                    one.Port.ToString(), other.Labels.ToString(), null, null, other.Example.Name, other.Meeting.Source.ToString(), other.Meeting.Destination.ToString(), other.Count,
                    ExplainFilesCommand.Phrase(other.Verdict.Kind), Rules(folder, other.Verdict)))
                .Concat(one.Reach.Networks.Select(network => new ReachView(
                    one.Port.ToString(), null, network.Name, Ranges(network.Part), network.Example.ToString(),
                    direction == "to" ? network.Example.ToString() : network.Own.ToString(), direction == "to" ? network.Own.ToString() : network.Example.ToString(), 0,
                    ExplainFilesCommand.Phrase(network.Verdict.Kind), Rules(folder, network.Verdict))))),
        ]);

    /// <summary>What is not blocked as a table, and how much is.</summary>
    public void WriteTo(Terminal terminal)
    {
        var blocked = ExplainFilesCommand.Phrase(VerdictKind.Blocked);
        var listing = new Listing(Direction == "to" ? "who reaches it" : "what it reaches", "port", "such as", "workloads", "verdict", "by");
        foreach (var other in Others.Where(other => other.Verdict != blocked))
        {
            listing.Row(
                other.Labels ?? $"network:{other.Network} {other.Addresses}", Port is null ? other.Port : "", Example(other), other.Network is null ? $"{other.Workloads}" : "-", other.Verdict,
                string.Join(' ', other.Rules.Select(rule => $"{rule.File}:{rule.Line}")));
        }

        listing.WriteTo(terminal.Out, "nobody");
        if (Port is not null)
        {
            terminal.Note($"{Others.Where(other => other.Verdict == blocked).Sum(other => Math.Max(1, other.Workloads)):N0} others are blocked.");
        }
    }

    /// <summary>With the addresses, where others of the same labels fare otherwise.</summary>
    private string Example(ReachView view) =>
        view.Labels is not null && Others.Count(other => other.Labels == view.Labels && other.Port == view.Port) > 1 ? $"{view.Example} ({view.FromAddress} → {view.ToAddress})" : view.Example;

    private static string Ranges(EquatableArray<(IpAddress First, IpAddress Last)> part) => string.Join(' ', part.Take(ShownRanges).Select(run => run.First == run.Last ? $"{run.First}" : $"{run.First}-{run.Last}")) + (part.Count > ShownRanges ? " …" : "");

    private static List<RuleView> Rules(PolicyFolder folder, EdgeVerdict verdict) =>
        [.. new[] { verdict.Source?.Rule, verdict.Destination?.Rule }.OfType<Policy.Rules.RuleId>().Distinct().Select(rule => RuleView.Of(folder, rule))];
}
