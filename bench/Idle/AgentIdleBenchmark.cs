using System.Globalization;
using Bulkhead.Bench.Harness;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Idle;

/// <summary>What an agent takes of its host when nothing but the company's ordinary traffic goes on.</summary>
internal static class AgentIdleBenchmark
{
    // SC_CLK_TCK, which Linux fixes for user space.
    private const double TicksPerSecond = 100;

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
        var before = agents.Select(agent => ProcessorSeconds(agent.Pid)).ToList();
        var start = TimeProvider.System.GetTimestamp();
        run.Cancel.WaitHandle.WaitOne(watch);
        run.Cancel.ThrowIfCancellationRequested();
        var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        var share = agents.Select((agent, i) => (ProcessorSeconds(agent.Pid) - before[i]) / seconds * 100).ToList();
        var resident = agents.Select(agent => ResidentMegabytes(agent.Pid)).ToList();
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

    /// <summary>User and system time of all of a process's threads.</summary>
    private static double ProcessorSeconds(int pid)
    {
        // The name, in parentheses, may hold spaces; utime and stime are the 12th and 13th fields after it (proc(5)).
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    /// <summary>Resident memory, shared pages included, in units of 1,000,000 bytes.</summary>
    private static double ResidentMegabytes(int pid)
    {
        var line = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024 / 1e6;
    }
}
