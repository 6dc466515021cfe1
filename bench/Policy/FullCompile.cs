using System.Diagnostics;
using System.Text.Json.Nodes;
using Bulkhead.Bench.Harness;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Bench.Policy;

/// <summary>Times full compiles of an estate, and weighs the first one.</summary>
internal static class FullCompile
{
    /// <summary>Measures; the figures go into the run's report.</summary>
    public static void Measure(BenchmarkRun run, EstateShape shape, int repetitions)
    {
        var (policy, workloads) = Load(run, shape);
        PeakMemory.Reset();
        var seconds = new List<double>();
        var first = "";
        for (var i = 0; i < repetitions; i++)
        {
            run.Cancel.ThrowIfCancellationRequested();
            var processor = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            var (compiled, digest) = Engine.Compile(policy, workloads);
            seconds.Add(watch.Elapsed.TotalSeconds);
            run.Progress(FormattableString.Invariant($"  compiled in {seconds[^1]:F3} s ({(Environment.CpuUsage.TotalTime - processor).TotalSeconds:F3} s of processor time), digest {digest}"));
            if (i == 0)
            {
                first = digest;
                run.Report.Add("rss_mb", PeakMemory.Megabytes());
                AddEntries(run, compiled, workloads);
            }
            else if (digest != first)
            {
                throw new BenchException($"two compiles of one estate differ: {first} and {digest}");
            }
        }

        run.Report.Add("full_s", Statistics.Median(seconds));
        run.Report.Add("full_samples_s", new JsonArray([.. seconds.Select(s => JsonValue.Create(Report.Rounded(s)))]));
    }

    /// <summary>Makes an estate and keeps of it what a compile needs: the text is dropped.</summary>
    private static (PolicyModel Policy, IReadOnlyList<Workload> Workloads) Load(BenchmarkRun run, EstateShape shape)
    {
        run.Progress($"{shape}");
        var estate = Estate.Make(shape);
        var watch = Stopwatch.StartNew();
        var policy = Estate.Parse(estate.Document).Model;
        var parse = watch.Elapsed.TotalSeconds;
        var sets = estate.Workloads.GroupBy(workload => workload.Labels).Select(group => group.Count()).OrderDescending().ToList();
        run.Report.Add("label_sets", sets.Count);
        run.Report.Add("parse_s", parse);
        run.Progress(FormattableString.Invariant($"  {shape.Apps} apps, {policy.Rulesets.Count:N0} rulesets, {sets.Count:N0} label sets, the largest of {sets[0]:N0} workloads; parsed in {parse:F2} s"));
        return (policy, estate.Workloads);
    }

    private static void AddEntries(BenchmarkRun run, CompiledPolicy compiled, IReadOnlyList<Workload> workloads)
    {
        var entries = workloads.Select(workload => (double)compiled.Hosts[workload.Id].Entries.Count).ToList();
        var figures = new JsonObject
        {
            ["min"] = entries.Min(),
            ["median"] = Statistics.Median(entries),
            ["p99"] = Statistics.Percentile(entries, 99),
            ["max"] = entries.Max(),
        };
        run.Progress($"  entries per host: {figures.ToJsonString()}");
        run.Report.Add("entries_per_host", figures);
    }
}
