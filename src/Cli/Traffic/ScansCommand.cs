using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Traffic;

/// <summary><c>bulkhead scans</c>: who tried many addresses or ports without an answer.</summary>
internal static class ScansCommand
{
    public static Command Create(CliHost host)
    {
        var since = CommonOptions.Moment("--since", "Only scans after", host.Clock);
        var until = CommonOptions.Moment("--until", "Only scans before", host.Clock);
        return new Command("scans", "Show who tried many addresses or ports without an answer.").With(since, until).Runs(host, async call =>
        {
            var path = Query.Add("scans", ("since", call.Value(since)), ("until", call.Value(until)));
            call.Show(await call.GetAsync<IReadOnlyList<ScanView>>(path).ConfigureAwait(false), scans =>
            {
                var listing = new Listing("last", "source", "seen by", "direction", "process", "targets", "addresses", "ports", "attempts", "blocked", "such as");
                foreach (var scan in scans)
                {
                    listing.Row(
                        scan.Last.Ago(call.Now),
                        scan.Source == scan.SourceAddress ? scan.Source : $"{scan.Source} ({scan.SourceAddress})",
                        scan.SeenBy,
                        scan.Direction,
                        scan.Process ?? "",
                        scan.Targets.Text(),
                        scan.Addresses.Text(),
                        scan.FirstPort == scan.LastPort ? $"{scan.FirstPort}" : $"{scan.FirstPort}-{scan.LastPort}",
                        scan.Connections.Text(),
                        scan.Blocked.Text(),
                        string.Join(", ", scan.Samples.Take(2)));
                }

                listing.WriteTo(call.Terminal.Out, "No scan was seen.");
            });
        });
    }
}
