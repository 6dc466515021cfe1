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
        Write(console, $"Pass now and would be blocked: {impact.NewlyBlocked.Count.Text()}", impact.NewlyBlocked, now);
        Write(console, $"Are blocked now and would pass: {impact.NewlyAllowed.Count.Text()}", impact.NewlyAllowed, now);
        console.WriteLine(impact.HostsChanged.Count == 0
            ? "No host's policy changes."
            : $"Another policy for {impact.HostsChanged.Count.Of("host")}: {string.Join(", ", impact.HostsChanged)}");
        if (impact.LeftOut.Count > 0)
        {
            console.WriteLine("Some hosts cannot decide all of it, and go without:");
            terminal.Report(impact.LeftOut);
        }
    }

    private static void Write(IAnsiConsole console, string title, IReadOnlyList<FlowEdge> edges, DateTimeOffset now)
    {
        console.WriteLine(title);
        if (edges.Count > 0)
        {
            FlowListing.Of(edges, TrafficView.Draft, now).WriteTo(console, "");
        }
    }
}
