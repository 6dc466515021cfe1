using Bulkhead.Cli.Output;
using Bulkhead.Policy.Compile;
using Bulkhead.PolicyFiles;
using Spectre.Console;

namespace Bulkhead.Cli.Offline;

/// <summary>An entry of a host policy.</summary>
internal sealed record EntryView(string Direction, string Action, RuleView Rule, string PeerSet, IReadOnlyList<string> Ports, string? Process, IReadOnlyList<string> Users);

/// <summary>A peer set of a host policy.</summary>
internal sealed record PeerSetView(string Name, IReadOnlyList<string> Members);

/// <summary>An opening of the fail-safe list.</summary>
internal sealed record FailSafeView(IReadOnlyList<string> Sources, IReadOnlyList<string> Ports);

/// <summary>One host's policy: what comes before rules, then entry by entry, in the order in which entries decide.</summary>
/// <param name="Host">Its name.</param>
/// <param name="Inbound">The mode.</param>
/// <param name="Outbound">The mode.</param>
/// <param name="Quarantined">Whether it is cut off, whatever the entries say.</param>
/// <param name="Responders">Who may pass quarantine, its own and others'.</param>
/// <param name="QuarantinedPeers">Peers that are cut off here in both directions.</param>
/// <param name="FailSafe">Inbound openings that no rule closes.</param>
/// <param name="RequiredFeatures">What its agent must be able to do.</param>
/// <param name="Entries">None stands twice.</param>
/// <param name="PeerSets">By name.</param>
internal sealed record HostSheet(
    string Host,
    string Inbound,
    string Outbound,
    bool Quarantined,
    IReadOnlyList<string> Responders,
    IReadOnlyList<string> QuarantinedPeers,
    IReadOnlyList<FailSafeView> FailSafe,
    IReadOnlyList<string> RequiredFeatures,
    IReadOnlyList<EntryView> Entries,
    IReadOnlyList<PeerSetView> PeerSets)
{
    private const int ShownMembers = 4;

    public static HostSheet Of(string name, HostPolicy host, PolicyFolder folder) => new(
        name,
        Words.Name(host.Modes.Inbound),
        Words.Name(host.Modes.Outbound),
        host.Quarantined,
        [.. host.Responders.Select(prefix => prefix.ToString())],
        [.. host.QuarantinedPeers.Select(prefix => prefix.ToString())],
        [.. host.FailSafe.Select(opening => new FailSafeView([.. opening.Sources.Select(prefix => prefix.ToString())], [.. opening.Ports.Select(port => port.ToString())]))],
        [.. host.RequiredFeatures],
        [.. host.Entries.Distinct().Select(entry => (Entry: entry, Rule: RuleView.Of(folder, entry.Rule))).Select(pair => new EntryView(
            Words.Name(pair.Entry.Direction), pair.Rule.Action, pair.Rule, pair.Entry.Peers, [.. pair.Entry.Ports.Select(port => port.ToString())], pair.Entry.Process?.ToString(), [.. pair.Entry.Users]))],
        [.. host.PeerSets.Select(set => new PeerSetView(set.Name, [.. set.Members.Select(member => member.ToString())]))]);

    public void WriteTo(IAnsiConsole console)
    {
        var facts = Listing.Facts()
            .Row("host", Host)
            .Row("inbound", Inbound)
            .Row("outbound", Outbound)
            .Row("needs", string.Join(' ', RequiredFeatures));
        foreach (var (name, text) in BeforeRules())
        {
            facts.Row(name, text);
        }

        facts.WriteTo(console, "");
        console.WriteLine();
        var sets = PeerSets.ToDictionary(set => set.Name, StringComparer.Ordinal);
        var listing = new Listing("direction", "action", "peers", "ports", "process", "users", "rule");
        // Two scopes may give entries for different peer sets that have the same members today.
        foreach (var entry in Entries.DistinctBy(e => (e.Direction, e.Rule, string.Join(' ', sets[e.PeerSet].Members), string.Join(' ', e.Ports), e.Process, string.Join(' ', e.Users))))
        {
            listing.Row(entry.Direction, entry.Action, Some(sets[entry.PeerSet].Members), string.Join(' ', entry.Ports), entry.Process, string.Join(", ", entry.Users), entry.Rule.ToString());
        }

        listing.WriteTo(console, "No rule concerns it.");
    }

    /// <summary>What no rule changes.</summary>
    private IEnumerable<(string Name, string Text)> BeforeRules()
    {
        if (Quarantined)
        {
            yield return ("quarantine", $"cut off in every mode; the entries below rest. Only responders pass: {Some(Responders)}");
        }

        if (QuarantinedPeers.Count > 0)
        {
            yield return ("cut off", $"{Some(QuarantinedPeers)}, in quarantine{(Quarantined || Responders.Count == 0 ? "" : $"; but for responders: {Some(Responders)}")}");
        }

        foreach (var opening in FailSafe)
        {
            yield return ("fail-safe", $"{string.Join(' ', opening.Ports)} from {Some(opening.Sources)}, always");
        }
    }

    private static string Some(IReadOnlyList<string> members) => members.Count switch
    {
        0 => "nobody",
        <= ShownMembers => string.Join(' ', members),
        var count => $"{string.Join(' ', members.Take(ShownMembers))} and {(count - ShownMembers).Text()} more",
    };
}
