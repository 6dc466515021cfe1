using System.Globalization;
using Bulkhead.Bench.Harness;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Idle;

/// <summary>
/// What an agent takes of its host: of one on which nothing goes on but the agent's own channel, and of one that makes the company's ordinary
/// traffic.
/// </summary>
internal static class AgentIdleBenchmark
{
    /// <summary>The benchmark.</summary>
    public static Benchmark Benchmark { get; } =
        new("agent-idle", "How much memory and processor time does an idle agent take?", RunAsync);

    private static async Task RunAsync(BenchmarkRun run)
    {
        await WatchAsync(run, "idle", new LabOptions("bench-idle") { File = Path.Combine(AppContext.BaseDirectory, "two-hosts.yaml") });
        await WatchAsync(run, "company", new LabOptions("bench"));
        run.Report.Add("quick", run.IsQuick);
    }

    private static Task WatchAsync(BenchmarkRun run, string what, LabOptions lab) => Company.UseAsync(run, lab, async (stage, _) =>
    {
        var settle = TimeSpan.FromSeconds(run.IsQuick ? 5 : 30);
        var watch = TimeSpan.FromSeconds(run.IsQuick ? 10 : 60);
        run.Progress($"{what}: letting {stage.Lab.Hosts.Count} agents settle for {settle.TotalSeconds:0} s, then watching them for {watch.TotalSeconds:0} s");
        await Task.Delay(settle, run.Cancel);
        Measure(run, what, [.. stage.Lab.Status().Select(host => (host.Name, host.Agent.Pid ?? throw new BenchException($"the agent on {host.Name} is not running")))], watch);
    });

    private static void Measure(BenchmarkRun run, string what, IReadOnlyList<(string Host, int Pid)> agents, TimeSpan watch)
    {
        var before = agents.Select(agent => ProcessUsage.ProcessorSeconds(agent.Pid)).ToList();
        var start = TimeProvider.System.GetTimestamp();
        run.Cancel.WaitHandle.WaitOne(watch);
        run.Cancel.ThrowIfCancellationRequested();
        var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        var share = agents.Select((agent, i) => (ProcessUsage.ProcessorSeconds(agent.Pid) - before[i]) / seconds * 100).ToList();
        var resident = agents.Select(agent => ProcessUsage.ResidentMegabytes(agent.Pid)).ToList();
        for (var i = 0; i < agents.Count; i++)
        {
            run.Progress(string.Create(CultureInfo.InvariantCulture, $"{agents[i].Host,-10} {resident[i],6:N1} MB  {share[i],6:N3} %"));
        }

        run.Report.Add($"{what}_agents", agents.Count);
        run.Report.Add($"{what}_seconds", seconds);
        run.Report.Add($"{what}_resident_mb", Statistics.Median(resident));
        run.Report.Add($"{what}_resident_mb_max", resident.Max());
        run.Report.Add($"{what}_cpu_percent_of_core", Statistics.Median(share));
        run.Report.Add($"{what}_cpu_percent_of_core_max", share.Max());
    }
}
