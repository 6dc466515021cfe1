using Bulkhead.Cli.Output;
using Bulkhead.Policy.Compile;
using Bulkhead.PolicyFiles;
using Spectre.Console;

namespace Bulkhead.Cli.Offline;

/// <summary>An entry of a host policy.</summary>
internal sealed record EntryView(string Direction, string Action, RuleView Rule, string PeerSet, IReadOnlyList<string> Ports, string? Process, IReadOnlyList<string> Users);

/// <summary>A peer set of a host policy.</summary>
internal sealed record PeerSetView(string Name, IReadOnlyList<string> Members);

/// <summary>One host's policy, entry by entry, in the order in which entries decide.</summary>
internal sealed record HostSheet(
    string Host,
    string Inbound,
    string Outbound,
    bool Quarantined,
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
        [.. host.RequiredFeatures],
        [.. host.Entries.Select(entry => (Entry: entry, Rule: RuleView.Of(folder, entry.Rule))).Select(pair => new EntryView(
            Words.Name(pair.Entry.Direction), pair.Rule.Action, pair.Rule, pair.Entry.Peers, [.. pair.Entry.Ports.Select(port => port.ToString())], pair.Entry.Process?.ToString(), [.. pair.Entry.Users]))],
        [.. host.PeerSets.Select(set => new PeerSetView(set.Name, [.. set.Members.Select(member => member.ToString())]))]);

    public void WriteTo(IAnsiConsole console)
    {
        Listing.Facts()
            .Row("host", Quarantined ? $"{Host}, quarantined" : Host)
            .Row("inbound", Inbound)
            .Row("outbound", Outbound)
            .Row("needs", string.Join(' ', RequiredFeatures))
            .WriteTo(console, "");
        console.WriteLine();
        var sets = PeerSets.ToDictionary(set => set.Name, StringComparer.Ordinal);
        var listing = new Listing("direction", "action", "peers", "ports", "process", "users", "rule");
        foreach (var entry in Entries)
        {
            listing.Row(entry.Direction, entry.Action, Peers(sets[entry.PeerSet]), string.Join(' ', entry.Ports), entry.Process, string.Join(", ", entry.Users), entry.Rule.ToString());
        }

        listing.WriteTo(console, "No rule concerns it.");
    }

    private static string Peers(PeerSetView set) => set.Members.Count switch
    {
        0 => "nobody",
        <= ShownMembers => string.Join(' ', set.Members),
        var count => $"{string.Join(' ', set.Members.Take(ShownMembers))} and {(count - ShownMembers).Text()} more",
    };
}
