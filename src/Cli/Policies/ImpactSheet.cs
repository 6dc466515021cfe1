using Bulkhead.Cli.Output;
using Bulkhead.Cli.Traffic;
using Bulkhead.Contracts.Rest;
using Spectre.Console;

namespace Bulkhead.Cli.Policies;

/// <summary>What the draft would do, for people.</summary>
internal static class ImpactSheet
{
    public static void Write(Terminal terminal, DraftImpact impact, DateTimeOffset now, IAnsiConsole console)
    {
        console.WriteLine($"Judged {impact.Edges.Text()} edges of traffic, seen from {impact.From:u} to {impact.To:u}.");
        Write(console, $"{impact.NewlyBlocked.Count.Text()} pass now and would be blocked", impact.NewlyBlocked, now);
        Write(console, $"{impact.NewlyAllowed.Count.Text()} are blocked now and would pass", impact.NewlyAllowed, now);
        console.WriteLine(impact.HostsChanged.Count == 0
            ? "No host's policy changes."
            : $"{impact.HostsChanged.Count.Text()} hosts get another policy: {string.Join(", ", impact.HostsChanged)}");
        if (impact.LeftOut.Count > 0)
        {
            console.WriteLine("Some hosts cannot decide all of it, and go without:");
            terminal.Report(impact.LeftOut);
        }
    }

    private static void Write(IAnsiConsole console, string title, IReadOnlyList<FlowEdge> edges, DateTimeOffset now)
    {
        console.WriteLine(edges.Count == 0 ? $"{title}." : $"{title}:");
        if (edges.Count > 0)
        {
            FlowListing.Of(edges, TrafficView.Draft, now).WriteTo(console, "");
        }
    }
}
