using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;
using Bulkhead.PolicyFiles;
using Spectre.Console;

namespace Bulkhead.Cli.Offline;

/// <summary>What one host would enforce, in numbers.</summary>
internal sealed record HostSummary(string Host, string Inbound, string Outbound, bool Quarantined, int InboundEntries, int OutboundEntries, int PeerSets, int Members, IReadOnlyList<string> RequiredFeatures);

/// <summary>A rule that a host would go without.</summary>
internal sealed record MissingRule(string Host, string Direction, RuleView Rule, string Reason);

/// <summary>What all hosts would enforce.</summary>
/// <param name="Hosts">By name.</param>
/// <param name="LeftOut">Rules that hosts would go without.</param>
/// <param name="Digest">Equal exactly if every host would enforce the same.</param>
internal sealed record CompileResult(IReadOnlyList<HostSummary> Hosts, IReadOnlyList<MissingRule> LeftOut, string Digest);

/// <summary><c>bulkhead policy compile</c>: what each host of an inventory would enforce.</summary>
internal static class CompileCommand
{
    private const int ListedLeftOut = 20;
    private static readonly Option<string?> Only = new("--host") { Description = "One host's policy, entry by entry.", HelpName = "NAME" };

    public static Command Create(CliHost host) => new Command("compile", "Show what each workload of an inventory would enforce.")
        .With(OfflineOptions.Paths, OfflineOptions.Inventory, OfflineOptions.LabelKeys, Only).Runs(host, RunAsync);

    private static async Task RunAsync(Call call)
    {
        var (policy, compiled) = await OfflinePolicy.LoadCompiledAsync(call).ConfigureAwait(false);
        if (call.Value(Only) is { } name)
        {
            var workload = FindWorkload.Named(compiled.Workloads, name);
            var host = compiled.Hosts.TryGetValue(workload.Id, out var found)
                ? found
                : throw new Failure(ExitCode.Refused, $"'{name}' is not managed, so it enforces nothing.");
            call.Show(HostSheet.Of(workload.Name, host, policy.Folder), sheet => sheet.WriteTo(call.Terminal.Out));
            return;
        }

        var result = await call.WaitAsync("Compiling", Task.Run(() => Summarise(compiled, policy.Folder), call.Cancel)).ConfigureAwait(false);
        call.Terminal.Report(policy.Problems.Select(OfflinePolicy.View));
        call.Show(result, _ => Write(call, result));
    }

    private static CompileResult Summarise(CompiledPolicy compiled, PolicyFolder folder)
    {
        var names = compiled.Workloads.Workloads.ToDictionary(workload => workload.Id, workload => workload.Name);
        return new(
            [.. compiled.Workloads.Workloads.Where(workload => workload.Managed).OrderBy(workload => workload.Name, StringComparer.Ordinal).Select(workload => Summary(workload, compiled.Hosts[workload.Id]))],
            [.. compiled.LeftOut.Select(missing => new MissingRule(names[missing.Host], Words.Name(missing.Direction), RuleView.Of(folder, missing.Rule), missing.Reason))],
            compiled.Digest().ToString());
    }

    private static HostSummary Summary(Workload workload, HostPolicy host) => new(
        workload.Name,
        Words.Name(host.Modes.Inbound),
        Words.Name(host.Modes.Outbound),
        host.Quarantined,
        host.Entries.Count(entry => entry.Direction == Direction.Inbound),
        host.Entries.Count(entry => entry.Direction == Direction.Outbound),
        host.PeerSets.Count,
        host.PeerSets.Sum(set => set.Members.Count),
        [.. host.RequiredFeatures]);

    private static void Write(Call call, CompileResult result)
    {
        var listing = new Listing("host", "inbound", "outbound", "in entries", "out entries", "peer sets", "members", "");
        foreach (var host in result.Hosts)
        {
            listing.Row(host.Host, host.Inbound, host.Outbound, host.InboundEntries.Text(), host.OutboundEntries.Text(), host.PeerSets.Text(), host.Members.Text(), host.Quarantined ? new Cell("quarantined", new Style(Color.Red)) : "");
        }

        listing.WriteTo(call.Terminal.Out, "The inventory has no managed workload.");
        foreach (var missing in result.LeftOut.Take(ListedLeftOut))
        {
            call.Terminal.Note($"left out: {missing.Rule.File}:{missing.Rule.Line}: {missing.Reason}");
        }

        if (result.LeftOut.Count > ListedLeftOut)
        {
            call.Terminal.Note($"left out: {result.LeftOut.Count - ListedLeftOut} more; see --output json");
        }

        call.Terminal.Note($"{result.Hosts.Count.Of("host")}, {result.Hosts.Sum(host => (long)host.InboundEntries + host.OutboundEntries).Text()} entries, digest {result.Digest}");
    }
}
