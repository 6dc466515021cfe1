using System.Diagnostics;
using System.Globalization;
using Bulkhead.Bench.Agents;
using Bulkhead.Bench.Apply;
using Bulkhead.Bench.Dataplane;
using Bulkhead.Bench.Harness;
using Bulkhead.Lab;
using Bulkhead.Policy.Compile;
using HostPolicy = Bulkhead.Contracts.Agent.HostPolicy;

namespace Bulkhead.Bench.Tamper;

/// <summary>How soon an agent puts its table and its eBPF programs back after somebody else changed them, and whether it tells of it.</summary>
internal static class TamperBenchmark
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    /// <summary>The benchmark.</summary>
    public static Benchmark Benchmark { get; } =
        new("tamper", "How soon are the table and the eBPF programs right again after somebody else changed them?", RunAsync);

    private static async Task RunAsync(BenchmarkRun run)
    {
        await using var namespaces = await NamedNamespaces.CreateAsync(run.Cancel);
        using var cgroup = OwnCgroup.Create();
        await using var agent = await AgentUnderTest.StartAsync(namespaces, "tamper", run.Cancel, cgroup.Path);
        using var events = new TableEvents(agent.Network);
        agent.Controller.Push(Policy(run.Seed));
        await agent.ReportsAsync(report => report.Applied?.Number == 1, "the policy is applied", run.Cancel);

        var random = new Random(run.Seed);
        var right = await ListAsync(agent.Network, false, run.Cancel);
        var programs = new Programs(cgroup.Path);
        var attached = programs.Attached();
        string[] kinds = [.. Acts.Kinds, Programs.Kind];
        var (samples, missed, acts) = (new List<double>(), 0, run.IsQuick ? kinds.Length : 500);
        var byKind = kinds.ToDictionary(kind => kind, _ => new List<double>());
        for (var i = 0; i < acts; i++)
        {
            var kind = kinds[i < kinds.Length ? i : random.Next(kinds.Length)];
            var script = kind == Programs.Kind ? "" : new Acts(random, await ListAsync(agent.Network, true, run.Cancel)).Draw(kind);
            await Task.Delay(random.Next(0, 100), run.Cancel);
            var (act, repaired) = kind == Programs.Kind
                ? await TakeOffAsync(programs, attached, attached[random.Next(attached.Count)], run.Cancel)
                : await RunAsync(agent.Network, events, script, right, run.Cancel);
            if (repaired is { } again)
            {
                samples.Add(Stopwatch.GetElapsedTime(act, again).TotalMilliseconds);
                byKind[kind].Add(samples[^1]);
            }
            else
            {
                missed++;
                run.Progress($"missed: {kind} {script}\n{agent.Log()}");
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

    /// <summary>Peer sets in both families and both directions, and a rule for one program, without which none would be attached.</summary>
    private static HostPolicy Policy(int seed)
    {
        var policy = new BigPolicy(200, seed).ToMessage();
        var entry = policy.Entries[^1].Clone();
        (entry.Rule, entry.ProcessPath) = (entry.Rule + 1, "/usr/bin/true");
        policy.Entries.Add(entry);
        policy.RequiredFeatures.Add(Features.ProcessOutbound);
        return policy;
    }

    /// <summary>Does an act of nft's; when it was, and when it was undone.</summary>
    private static async Task<(long Act, long? Repaired)> RunAsync(NetworkNamespace network, TableEvents events, string script, string right, CancellationToken cancel)
    {
        events.Clear();
        await VethPair.RunInAsync(network, ["nft", "-f", "-"], script + "\n", cancel);
        var act = await events.NextAsync(_patience, cancel) ?? throw new BenchException($"'{script}' changed nothing");
        return (act.Timestamp, await RightAgainAsync(network, events, right, cancel));
    }

    /// <summary>Takes a program off; when that was, and when all that were there before were there again.</summary>
    private static async Task<(long Act, long? Repaired)> TakeOffAsync(Programs programs, IReadOnlyList<(int, string)> right, (int, string) one, CancellationToken cancel)
    {
        programs.TakeOff(one);
        var act = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(act) < _patience)
        {
            if (right.All(programs.Attached().Contains))
            {
                return (act, Stopwatch.GetTimestamp());
            }

            await Task.Delay(5, cancel);
        }

        return (act, null);
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
