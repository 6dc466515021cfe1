using System.Diagnostics;
using System.Globalization;
using Bulkhead.Bench.Agents;
using Bulkhead.Bench.Apply;
using Bulkhead.Bench.Dataplane;
using Bulkhead.Bench.Harness;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Tamper;

/// <summary>How soon an agent puts its table back after somebody else changed it, and whether it tells of it.</summary>
internal static class TamperBenchmark
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    /// <summary>The benchmark.</summary>
    public static Benchmark Benchmark { get; } =
        new("tamper", "How soon is the table right again after somebody else changed it?", RunAsync);

    private static async Task RunAsync(BenchmarkRun run)
    {
        await using var namespaces = await NamedNamespaces.CreateAsync(run.Cancel);
        await using var agent = await AgentUnderTest.StartAsync(namespaces, "tamper", run.Cancel);
        using var events = new TableEvents(agent.Network);
        agent.Controller.Push(new BigPolicy(200, run.Seed).ToMessage());
        await agent.ReportsAsync(report => report.Applied?.Number == 1, "the policy is applied", run.Cancel);

        var random = new Random(run.Seed);
        var right = await ListAsync(agent.Network, false, run.Cancel);
        var (samples, missed, acts) = (new List<double>(), 0, run.IsQuick ? Acts.Kinds.Count : 500);
        var byKind = Acts.Kinds.ToDictionary(kind => kind, _ => new List<double>());
        for (var i = 0; i < acts; i++)
        {
            var kind = Acts.Kinds[i < Acts.Kinds.Count ? i : random.Next(Acts.Kinds.Count)];
            var script = new Acts(random, await ListAsync(agent.Network, true, run.Cancel)).Draw(kind);
            await Task.Delay(random.Next(0, 100), run.Cancel);
            events.Clear();
            await VethPair.RunInAsync(agent.Network, ["nft", "-f", "-"], script + "\n", run.Cancel);
            var act = await events.NextAsync(_patience, run.Cancel) ?? throw new BenchException($"'{script}' changed nothing");
            if (await RightAgainAsync(agent.Network, events, right, run.Cancel) is { } repaired)
            {
                samples.Add(Stopwatch.GetElapsedTime(act.Timestamp, repaired).TotalMilliseconds);
                byKind[kind].Add(samples[^1]);
            }
            else
            {
                missed++;
                run.Progress($"missed: {script}\n{agent.Log()}");
            }

            if (i % 50 == 49)
            {
                run.Progress(string.Create(CultureInfo.InvariantCulture, $"{i + 1} acts, median {Statistics.Median(samples):N0} ms, largest {samples.Max():N0} ms, {missed} missed"));
            }
        }

        // A report may still be under way; every act is one, since each was repaired before the next.
        await agent.ReportsAsync(report => report.Tampered >= (ulong)(acts - missed), $"{acts - missed} acts were noticed", run.Cancel);
        run.Report.Add("acts", acts);
        run.Report.Add("missed", missed);
        run.Report.Add("reported", (long)agent.Controller.States.Max(report => report.Tampered));
        run.Report.Add("p50_ms", Statistics.Median(samples));
        run.Report.Add("p99_ms", Statistics.Percentile(samples, 99));
        run.Report.Add("max_ms", samples.Max());
        foreach (var (kind, times) in byKind.Where(pair => pair.Value.Count > 0))
        {
            run.Report.Add($"{kind.Replace(' ', '_')}_p50_ms", Statistics.Median(times));
        }

        run.Report.Add("seed", run.Seed);
        run.Report.Add("quick", run.IsQuick);
    }

    /// <summary>When the transaction was in force after which the table is as it was; null if that does not come.</summary>
    private static async Task<long?> RightAgainAsync(NetworkNamespace network, TableEvents events, string right, CancellationToken cancel)
    {
        while (await events.NextAsync(_patience, cancel) is { } happened)
        {
            if (await ListAsync(network, false, cancel) == right)
            {
                return happened.Timestamp;
            }
        }

        return null;
    }

    private static async Task<string> ListAsync(NetworkNamespace network, bool handles, CancellationToken cancel)
    {
        try
        {
            return await VethPair.RunInAsync(network, ["nft", handles ? "-sa" : "-s", "list", "table", "inet", "bulkhead"], "", cancel);
        }
        catch (BenchException)
        {
            // There is no such table now.
            return "";
        }
    }
}
