using System.Globalization;
using System.Text.Json.Nodes;
using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Bench.Harness;
using Bulkhead.Lab;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Soak;

/// <summary>What agents and the controller hold at a moment: memory, descriptors, and objects in the kernel.</summary>
/// <param name="AgentMegabytes">Resident memory of the largest agent.</param>
/// <param name="AgentDescriptors">Open descriptors of the agent with most.</param>
/// <param name="ControllerMegabytes">Resident memory of the controller.</param>
/// <param name="ControllerDescriptors">Its open descriptors.</param>
/// <param name="BpfObjects">eBPF programs and maps that all agents hold.</param>
/// <param name="Kernel">What all hosts' kernels hold.</param>
internal sealed record Footprints(double AgentMegabytes, int AgentDescriptors, double ControllerMegabytes, int ControllerDescriptors, int BpfObjects, KernelObjects Kernel)
{
    private static readonly (string Name, Func<Footprints, double> Figure, double? MayGrow)[] s_figures =
    [
        ("agent_rss_mb", s => s.AgentMegabytes, null),
        ("agent_descriptors", s => s.AgentDescriptors, 10),
        ("controller_rss_mb", s => s.ControllerMegabytes, null),
        ("controller_descriptors", s => s.ControllerDescriptors, 20),
        ("bpf_objects", s => s.BpfObjects, 0),
        ("bpf_attached", s => s.Kernel.Attached, 0),
        ("tables", s => s.Kernel.Tables, 0),
        ("sets", s => s.Kernel.Sets, 0),
        // Rules list the marks of all classes that meet them, also of those that earlier rules named; there are at most as many as a mark has numbers.
        ("table_lines", s => s.Kernel.TableLines, null),
        ("conntrack", s => s.Kernel.Conntrack, null),
    ];

    /// <summary>Looks.</summary>
    public static async Task<Footprints> TakeAsync(Stage stage, CancellationToken cancel)
    {
        var agents = stage.Lab.Status().Select(host => host.Agent.Pid).OfType<int>().ToList();
        var controller = stage.Controller.Pid;
        var kernel = default(KernelObjects);
        foreach (var host in stage.Lab.Hosts)
        {
            kernel += await KernelObjects.OfAsync(host, cancel);
        }

        return new(
            agents.Max(ProcessUsage.ResidentMegabytes), agents.Max(agent => Descriptors(agent).Count), ProcessUsage.ResidentMegabytes(controller), Descriptors(controller).Count,
            agents.SelectMany(Descriptors).Count(target => target is "anon_inode:bpf-map" or "anon_inode:bpf-prog"), kernel);
    }

    /// <summary>Adds each figure as the list of all samples, and how much the median of the last third is above that of the first.</summary>
    public static void AddTo(Report report, IReadOnlyList<Footprints> samples)
    {
        foreach (var (name, figure, _) in s_figures)
        {
            report.Add(name, new JsonArray([.. samples.Select(sample => JsonValue.Create(Report.Rounded(figure(sample))))]));
        }

        report.Add("growth", new JsonObject(s_figures.Select(f => KeyValuePair.Create(f.Name, (JsonNode?)JsonValue.Create(Report.Rounded(Growth(samples, f.Figure)))))));
    }

    /// <summary>Whether something grows that may not: memory and conntrack are for people to judge, they go up and down.</summary>
    public static bool Growing(IReadOnlyList<Footprints> samples) => s_figures.Any(f => f.MayGrow is { } most && Growth(samples, f.Figure) > most);

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant(
        $"agents up to {AgentMegabytes:N1} MB, {AgentDescriptors} descriptors; controller {ControllerMegabytes:N0} MB, {ControllerDescriptors}; {BpfObjects} eBPF objects; {Kernel}");

    private static double Growth(IReadOnlyList<Footprints> samples, Func<Footprints, double> figure)
    {
        var third = Math.Max(1, samples.Count / 3);
        return Median(samples.TakeLast(third).Select(figure)) - Median(samples.Take(third).Select(figure));
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    private static List<string?> Descriptors(int pid) => [.. Directory.GetFileSystemEntries($"/proc/{pid}/fd").Select(FolderReader.ReadLink)];
}

/// <summary>Objects in the kernels of hosts.</summary>
/// <param name="Tables">Tables of nftables, ours or not.</param>
/// <param name="Sets">Sets and maps of our table.</param>
/// <param name="TableLines">Its lines: chains, rules, sets and their elements.</param>
/// <param name="Attached">eBPF programs attached to the host's cgroup.</param>
/// <param name="Conntrack">Connections that the kernel tracks.</param>
internal readonly record struct KernelObjects(int Tables, int Sets, int TableLines, int Attached, int Conntrack)
{
    // cgroup/sock_create, connect4, connect6, sendmsg4, sendmsg6, setsockopt
    private static readonly int[] s_hooks = [2, 10, 11, 14, 15, 22];

    /// <summary>Of one host.</summary>
    public static async Task<KernelObjects> OfAsync(LabHost host, CancellationToken cancel)
    {
        var parts = (await host.RunAsync(["sh", "-c", "nft list tables; echo --; nft --stateless list table inet bulkhead; echo --; cat /proc/sys/net/netfilter/nf_conntrack_count"], cancel)).Output.Split("--\n");
        return new(
            parts[0].Count(c => c == '\n'), parts[1].Split('\n').Count(line => line.StartsWith("\tset ", StringComparison.Ordinal) || line.StartsWith("\tmap ", StringComparison.Ordinal)),
            parts[1].Count(c => c is '\n' or ','), Programs(host.Cgroup.Path), int.Parse(parts[2], CultureInfo.InvariantCulture));
    }

    /// <summary>Of two hosts.</summary>
    public static KernelObjects operator +(KernelObjects a, KernelObjects b) =>
        new(a.Tables + b.Tables, a.Sets + b.Sets, a.TableLines + b.TableLines, a.Attached + b.Attached, a.Conntrack + b.Conntrack);

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Tables} tables of {TableLines} lines with {Sets} sets, {Attached} programs attached, {Conntrack} connections");

    private static int Programs(string cgroup)
    {
        using var folder = FolderReader.Open(cgroup);
        var count = 0;
        foreach (var hook in s_hooks)
        {
            var found = AttachedProgram.All(folder, hook);
            count += found.Count;
            found.ForEach(program => program.Dispose());
        }

        return count;
    }
}
