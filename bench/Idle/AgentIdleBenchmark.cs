using System.Globalization;
using Bulkhead.Bench.Harness;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Idle;

/// <summary>What an agent takes of its host when nothing but the company's ordinary traffic goes on.</summary>
internal static class AgentIdleBenchmark
{
    /// <summary>The benchmark.</summary>
    public static Benchmark Benchmark { get; } =
        new("agent-idle", "How much memory and processor time does an idle agent take?", RunAsync);

    private static Task RunAsync(BenchmarkRun run) => Company.UseAsync(run, new LabOptions("bench"), async (stage, _) =>
    {
        var settle = TimeSpan.FromSeconds(run.IsQuick ? 5 : 30);
        var watch = TimeSpan.FromSeconds(run.IsQuick ? 10 : 60);
        run.Progress($"letting {stage.Lab.Hosts.Count} agents settle for {settle.TotalSeconds:0} s, then watching them for {watch.TotalSeconds:0} s");
        await Task.Delay(settle, run.Cancel);
        Measure(run, [.. stage.Lab.Status().Select(host => (host.Name, host.Agent.Pid ?? throw new BenchException($"the agent on {host.Name} is not running")))], watch);
    });

    private static void Measure(BenchmarkRun run, IReadOnlyList<(string Host, int Pid)> agents, TimeSpan watch)
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

        run.Report.Add("agents", agents.Count);
        run.Report.Add("seconds", seconds);
        run.Report.Add("quick", run.IsQuick);
        run.Report.Add("resident_mb", Statistics.Median(resident));
        run.Report.Add("resident_mb_max", resident.Max());
        run.Report.Add("cpu_percent_of_core", Statistics.Median(share));
        run.Report.Add("cpu_percent_of_core_max", share.Max());
    }
}
