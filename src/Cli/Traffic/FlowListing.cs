using System.Globalization;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Spectre.Console;

namespace Bulkhead.Cli.Traffic;

/// <summary>Edges, for people.</summary>
internal static class FlowListing
{
    public static Listing Of(IEnumerable<FlowEdge> edges, TrafficView view, DateTimeOffset now)
    {
        var listing = new Listing("from", "process", "to", "process", "port", "connections", "bytes", "last seen", "verdict", "because");
        foreach (var edge in edges)
        {
            var verdict = VerdictOf(edge, view);
            listing.Row(
                Name(edge.Source),
                Words.Processes(edge.Source.Processes),
                Name(edge.Destination),
                Words.Processes(edge.Destination.Processes),
                edge.Port,
                edge.BlockedConnections > 0 ? $"{edge.Connections.Text()} ({edge.BlockedConnections.Text()} blocked)" : edge.Connections.Text(),
                Words.Bytes(edge.Bytes),
                edge.LastSeen.Ago(now),
                Words.Verdict(verdict.Kind),
                verdict.Because);
        }

        return listing;
    }

    /// <summary>One edge on one line, for a list that never ends.</summary>
    public static void WriteLine(IAnsiConsole console, FlowEdge edge, TrafficView view)
    {
        var verdict = VerdictOf(edge, view);
        var cell = Words.Verdict(verdict.Kind);
        console.Write(string.Create(CultureInfo.InvariantCulture, $"{edge.LastSeen:HH:mm:ss}  "));
        console.Write(new Text(cell.Text, cell.Style));
        console.WriteLine(Words.Printable($"  {Name(edge.Source)} → {Name(edge.Destination)} {edge.Port}  {verdict.Because}"));
    }

    public static VerdictView VerdictOf(FlowEdge edge, TrafficView view) => view switch
    {
        TrafficView.Reported => edge.Reported,
        TrafficView.Enforced => edge.Enforced,
        _ => edge.Draft,
    };

    private static string Name(FlowEnd end) => end.WorkloadId is null || end.Name == end.Address
        ? end.Names is [{ } first, ..] ? $"{end.Address} ({first.Name}, as seen by {first.SeenBy})" : end.Address
        : $"{end.Name} ({end.Address})";
}
