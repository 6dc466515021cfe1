using Bulkhead.Bench.Enforce;
using Bulkhead.Bench.Harness;
using Bulkhead.Lab;
using Bulkhead.Policy.Documents;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Soak;

/// <summary>
/// Does anything leak, open or close while everything changes? The whole company runs with its storefront in a ring-fence whose rules ask for processes and
/// people; acts of churn follow each other, while the right ones and the wrong ones try every connection again and again.
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
        var cast = new Cast(stage);
        var closed = Cast.WithLedger(await Fence.DraftAsync(stage, rest, run.Cancel, "storefront-by-process.yaml"));
        await new Fence(rest, closed).CloseAsync(run.Cancel);
        await stage.AllSyncedAsync(s_settlesWithin, run.Cancel);
        // Rules of the fence keep the numbers that they were given.
        closed = await rest.GetAsync<PolicyDocument>("policy/draft", run.Cancel);
        await cast.EnterAsync(run.Cancel);
        var outages = new Outages();
        var acts = new Churn(run, stage, rest, closed, cast, outages);
        await acts.WarmUpAsync();
        await SettledAsync(run, stage, acts);
        using var curtain = CancellationTokenSource.CreateLinkedTokenSource(run.Cancel);
        var trials = Task.WhenAll(cast.Trials.Select(trial => trial.RunAsync(outages, curtain.Token)));
        using var probe = ContinuousProbe.Start(cast.Strangers, s_probeEvery, s_probeTimeout);
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
        await curtain.CancelAsync();
        await trials;
        Report(run, [.. await probe.StopAsync(), .. cast.Trials.Select(trial => trial.Summary)], acts, footprints);
        run.Report.Add("excused", cast.Trials.Sum(trial => trial.Excused));
        if (run.Report.Failed)
        {
            stage.KeepLogs(Path.Combine(AppContext.BaseDirectory, "soak-logs"));
        }
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
            run.Progress($"VIOLATION {pair.From} → {pair.To} {(pair.Allowed ? "refused" : "made")} {pair.Violations} times, first at {first.At:HH:mm:ss.fff} ({first.Result.Outcome})");
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
        run.Report.Failed = made + refused > 0 || Footprints.Growing(footprints);
    }
}
