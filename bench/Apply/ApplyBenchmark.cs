using System.Diagnostics;
using System.Globalization;
using System.Text;
using Bulkhead.Bench.Agents;
using Bulkhead.Bench.Dataplane;
using Bulkhead.Bench.Harness;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Bench.Apply;

/// <summary>How long an agent takes to put a large policy, and single changes of it, into the kernel, and what memory it has meanwhile.</summary>
internal static class ApplyBenchmark
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    /// <summary>The benchmark.</summary>
    public static Benchmark Benchmark { get; } =
        new("apply", "How soon is a large policy in the kernel, how soon a single change of it, and what memory does that take?", RunAsync);

    private static async Task RunAsync(BenchmarkRun run)
    {
        await using var namespaces = await NamedNamespaces.CreateAsync(run.Cancel);
        var (members, rounds, changes) = run.IsQuick ? (10_000, 1, 20) : (100_000, 3, 500);
        var full = new List<double>();
        var (alone, beside, memory, loading) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            run.Progress($"round {round + 1} of {rounds}");
            await using var agent = await AgentUnderTest.StartAsync(namespaces, $"apply-{round}", run.Cancel);
            using var events = new TableEvents(agent.Network);
            await agent.ReportsAsync(_ => true, "it runs", run.Cancel);
            var policy = new BigPolicy(members, run.Seed + round);
            var start = agent.Controller.Push(policy.ToMessage());
            full.Add(await NextAsync(agent, events, policy.Count, run.Cancel) is var loaded ? Stopwatch.GetElapsedTime(start, loaded).TotalSeconds : 0);
            loading.Add(ProcessUsage.ResidentMegabytes(agent.Pid));
            await agent.ReportsAsync(report => report.Applied?.Number == 1, "the policy is applied", run.Cancel);
            run.Progress(string.Create(CultureInfo.InvariantCulture, $"{policy.Count} members in {full[^1]:N2} s, {loading[^1]:N1} MB"));
            await ChangeAsync(run, agent, events, policy, changes / rounds, alone, memory);
            await VethPair.RunInAsync(agent.Network, ["nft", "-f", "-"], ForeignSet(), run.Cancel);
            await ChangeAsync(run, agent, events, policy, changes / rounds, beside, memory);
        }

        run.Report.Add("members", members);
        run.Report.Add("full_s", full.Max());
        run.Report.Add("full_s_median", Statistics.Median(full));
        run.Report.Add("deltas", alone.Count + beside.Count);
        run.Report.Add("delta_p50_ms", Statistics.Median([.. alone, .. beside]));
        run.Report.Add("delta_p99_ms", Statistics.Percentile([.. alone, .. beside], 99));
        run.Report.Add("delta_foreign_p50_ms", Statistics.Median(beside));
        run.Report.Add("delta_foreign_p99_ms", Statistics.Percentile(beside, 99));
        run.Report.Add("rss_mb", memory.Max());
        run.Report.Add("rss_mb_median", Statistics.Median(memory));
        run.Report.Add("rss_mb_when_loaded", loading.Max());
        run.Report.Add("seed", run.Seed);
        run.Report.Add("quick", run.IsQuick);
    }

    /// <summary>Single changes, one after the other; each begins after a random pause, when the one before it is in force.</summary>
    private static async Task ChangeAsync(
        BenchmarkRun run, AgentUnderTest agent, TableEvents events, BigPolicy policy, int changes, List<double> latencies, List<double> memory)
    {
        var random = new Random(run.Seed);
        for (var i = 0; i < changes; i++)
        {
            var message = new ServerMessage { Delta = policy.Change() };
            await Task.Delay(random.Next(20, 100), run.Cancel);
            events.Clear();
            var start = agent.Controller.Push(message);
            latencies.Add(Stopwatch.GetElapsedTime(start, await NextAsync(agent, events, 1, run.Cancel)).TotalMilliseconds);
            memory.Add(ProcessUsage.ResidentMegabytes(agent.Pid));
        }

        run.Progress(string.Create(CultureInfo.InvariantCulture, $"{changes} changes: median {Statistics.Median(latencies):N2} ms, largest {latencies.Max():N2} ms, {memory[^1]:N1} MB"));
    }

    /// <summary>When a transaction of at least so many changes was in force.</summary>
    private static async Task<long> NextAsync(AgentUnderTest agent, TableEvents events, int changes, CancellationToken cancel)
    {
        while (await events.NextAsync(_patience, cancel) is { } happened)
        {
            if (happened.Changes >= changes)
            {
                return happened.Timestamp;
            }
        }

        throw new BenchException($"nothing of {changes} changes or more happened in the kernel; the agent's log ends with: {agent.Log()}");
    }

    private static string ForeignSet()
    {
        var text = new StringBuilder("table ip others {\n set nets { type ipv4_addr; flags interval; elements = { ");
        text.AppendJoin(", ", Enumerable.Range(0, 10_000).Select(i => $"100.{64 + (i >> 8)}.{i & 255}.0/25"));
        return text.Append(" }\n }\n}\n").ToString();
    }
}
