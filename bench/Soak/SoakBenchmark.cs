using Bulkhead.Bench.Enforce;
using Bulkhead.Bench.Harness;
using Bulkhead.Lab;
using Bulkhead.Scenarios;
using Bulkhead.Scenarios.Story;

namespace Bulkhead.Bench.Soak;

/// <summary>
/// Does anything leak, open or close while everything changes? The whole company runs with its storefront in a ring-fence; acts of churn follow each other,
/// while every connection that the fence must refuse, and every one that the application needs, is tried again and again.
/// </summary>
internal static class SoakBenchmark
{
    private static readonly TimeSpan s_probeEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_probeTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_settlesWithin = TimeSpan.FromSeconds(90);

    /// <summary>The benchmark.</summary>
    public static Benchmark Benchmark { get; } =
        new("soak", "Does anything leak, open or close while policies, labels, addresses, processes, agents and the controller change?", RunAsync);

    private static Task RunAsync(BenchmarkRun run) => Company.UseAsync(run, new LabOptions("soak"), (stage, rest) => MeasureAsync(run, stage, rest));

    private static async Task MeasureAsync(BenchmarkRun run, Stage stage, ControllerRest rest)
    {
        run.Progress($"seed {run.Seed}");
        var closed = await Fence.DraftAsync(stage, rest, run.Cancel);
        await new Fence(rest, closed).CloseAsync(run.Cancel);
        await stage.AllSyncedAsync(s_settlesWithin, run.Cancel);
        var pairs = Surviving.Pairs(stage.Lab);
        using var probe = ContinuousProbe.Start(pairs, s_probeEvery, s_probeTimeout);
        var acts = new Churn(run, stage, rest, closed);
        List<Footprints> footprints = [];
        var limit = run.IsQuick ? TimeSpan.FromMinutes(2) : TimeSpan.FromMinutes(30);
        var began = TimeProvider.System.GetTimestamp();
        var sampled = TimeSpan.Zero;
        TimeSpan elapsed;
        while ((elapsed = TimeProvider.System.GetElapsedTime(began)) < limit)
        {
            await acts.NextAsync();
            if (elapsed - sampled > limit / 12)
            {
                sampled = elapsed;
                footprints.Add(await SettledAsync(run, stage, acts));
                run.Progress($"{elapsed:mm\\:ss} {acts.Count} acts; {footprints[^1]}");
            }
        }

        footprints.Add(await SettledAsync(run, stage, acts));
        var seen = await probe.StopAsync();
        Report(run, seen, acts, footprints);
    }

    /// <summary>What everything holds once it is back to where it began: the fence alone, every agent in step.</summary>
    private static async Task<Footprints> SettledAsync(BenchmarkRun run, Stage stage, Churn acts)
    {
        await acts.CalmAsync();
        await stage.AllSyncedAsync(s_settlesWithin, run.Cancel);
        return await Footprints.TakeAsync(stage, run.Cancel);
    }

    private static void Report(BenchmarkRun run, IReadOnlyList<ProbeSummary> seen, Churn acts, IReadOnlyList<Footprints> footprints)
    {
        foreach (var pair in seen.Where(pair => pair.Violations > 0))
        {
            var first = pair.FirstViolations[0];
            run.Progress($"VIOLATION {pair.From} → {pair.To} {(pair.Allowed ? "refused" : "made")} {pair.Violations} times, first at {first.At:T} ({first.Result.Outcome})");
        }

        var (made, refused) = (seen.Where(pair => !pair.Allowed).Sum(pair => pair.Violations), seen.Where(pair => pair.Allowed).Sum(pair => pair.Violations));
        run.Report.Add("seed", run.Seed);
        run.Report.Add("quick", run.IsQuick);
        run.Report.Add("acts", acts.ToJson());
        run.Report.Add("allowed_tried", seen.Where(pair => pair.Allowed).Sum(pair => pair.Attempts));
        run.Report.Add("forbidden_tried", seen.Where(pair => !pair.Allowed).Sum(pair => pair.Attempts));
        run.Report.Add("forbidden_made", made);
        run.Report.Add("allowed_refused", refused);
        Footprints.AddTo(run.Report, footprints);
        run.Report.Failed = made + refused > 0;
    }
}
