using System.Text.Json.Nodes;
using Bulkhead.Bench.Harness;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Soak;

/// <summary>What agents and the controller hold at a moment: memory, descriptors, and objects in the kernel.</summary>
/// <param name="AgentMegabytes">Resident memory of the largest agent.</param>
/// <param name="AgentDescriptors">Open descriptors of the agent with most.</param>
/// <param name="ControllerMegabytes">Resident memory of the controller.</param>
/// <param name="ControllerDescriptors">Its open descriptors.</param>
/// <param name="TableLines">Lines of all hosts' tables: chains, rules, sets and their elements.</param>
/// <param name="Tables">Tables in all hosts' namespaces, ours or not.</param>
internal sealed record Footprints(double AgentMegabytes, int AgentDescriptors, double ControllerMegabytes, int ControllerDescriptors, int TableLines, int Tables)
{
    /// <summary>Looks.</summary>
    public static async Task<Footprints> TakeAsync(Stage stage, CancellationToken cancel)
    {
        var agents = stage.Lab.Status().Select(host => host.Agent.Pid).OfType<int>().ToList();
        var controller = stage.Controller.Pid;
        var (lines, tables) = (0, 0);
        foreach (var host in stage.Lab.Hosts)
        {
            lines += (await host.RunAsync(["nft", "--stateless", "list", "table", "inet", "bulkhead"], cancel)).Output.Count(c => c is '\n' or ',');
            tables += (await host.RunAsync(["nft", "list", "tables"], cancel)).Output.Count(c => c == '\n');
        }

        return new(agents.Max(ProcessUsage.ResidentMegabytes), agents.Max(Descriptors), ProcessUsage.ResidentMegabytes(controller), Descriptors(controller), lines, tables);
    }

    /// <summary>Adds each figure as the list of all samples.</summary>
    public static void AddTo(Report report, IReadOnlyList<Footprints> samples)
    {
        Add("agent_rss_mb", s => s.AgentMegabytes);
        Add("agent_descriptors", s => s.AgentDescriptors);
        Add("controller_rss_mb", s => s.ControllerMegabytes);
        Add("controller_descriptors", s => s.ControllerDescriptors);
        Add("table_lines", s => s.TableLines);
        Add("tables", s => s.Tables);

        void Add(string name, Func<Footprints, double> figure) =>
            report.Add(name, new JsonArray([.. samples.Select(sample => JsonValue.Create(Report.Rounded(figure(sample))))]));
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant(
        $"agents up to {AgentMegabytes:N1} MB, {AgentDescriptors} descriptors; controller {ControllerMegabytes:N0} MB, {ControllerDescriptors}; {Tables} tables of {TableLines} lines");

    private static int Descriptors(int pid) => Directory.GetFileSystemEntries($"/proc/{pid}/fd").Length;
}
