using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Spectre.Console;

namespace Bulkhead.Cli.Traffic;

/// <summary><c>bulkhead map</c>: the application dependency map as a list of links between groups.</summary>
internal static class MapCommand
{
    private static readonly Option<string> Group = new("--group", "-g") { Description = "Label keys to group by; 'workload' as the last for no grouping.", HelpName = "KEYS", DefaultValueFactory = _ => "app,env" };
    private static readonly Option<string?> Within = new("--within") { Description = "Only this group and its links, opened one level.", HelpName = "GROUP-ID" };
    private static readonly Option<TrafficView?> View = CommonOptions.View(TrafficView.Reported);

    public static Command Create(CliHost host)
    {
        var since = CommonOptions.Moment("--since", "Only traffic after", host.Clock);
        var until = CommonOptions.Moment("--until", "Only traffic before", host.Clock);
        return new Command("map", "Show the links between groups of workloads.").With(Group, Within, View, since, until).Runs(host, async call =>
        {
            var path = Query.Add(
                "map",
                ("group", call.Value(Group)),
                ("view", call.Value(View)),
                ("since", call.Value(since)),
                ("until", call.Value(until)),
                ("within", call.Value(Within)));
            call.Show(await call.GetAsync<MapView>(path).ConfigureAwait(false), map =>
            {
                Write(call.Terminal.Out, map);
                if (map.Degraded > 0)
                {
                    call.Terminal.Note($"{map.Degraded.Of("agent")} report less often or with fewer names, to stay within their share of the processor.");
                }

                if (map.Scans.Count > 0)
                {
                    call.Terminal.Note($"{map.Scans.Count.Of("scan")} in this window: see 'bulkhead scans'.");
                }

                foreach (var note in GapNotes.Of(map.Gaps))
                {
                    call.Terminal.Note(note);
                }
            });
        });
    }

    private static void Write(IAnsiConsole console, MapView map)
    {
        var names = map.Groups.ToDictionary(group => group.Id, group => group.Name, StringComparer.Ordinal);
        var listing = new Listing("from", "to", "port", "processes", "connections", "verdict", "because");
        foreach (var link in map.Links)
        {
            foreach (var service in link.Services)
            {
                listing.Row(
                    names.GetValueOrDefault(link.Source, link.Source),
                    names.GetValueOrDefault(link.Destination, link.Destination),
                    service.Port,
                    $"{string.Join(' ', service.SourceProcesses)} → {string.Join(' ', service.DestinationProcesses)}",
                    service.Connections.Text(),
                    Words.Verdict(service.Verdict),
                    service.Because);
            }
        }

        listing.WriteTo(console, "No traffic was seen.");
    }
}
