using Bulkhead.Bench.Harness;

namespace Bulkhead.Bench.Policy;

/// <summary>How long it takes to judge what was seen, to explain, and to prove. Every part is measured in a process of its own.</summary>
internal static class EvaluateBenchmark
{
    private const string Name = "evaluate";

    /// <summary>The benchmark.</summary>
    public static Benchmark Benchmark { get; } =
        new(Name, "How long does it take to judge a million flow edges, to explain one, and to prove 200 assertions?", RunAsync);

    private static async Task RunAsync(BenchmarkRun run)
    {
        if (run.Part is { } part)
        {
            Measure(run, part);
            return;
        }

        run.Report.Add("seed", run.Seed);
        run.Report.Add("quick", run.IsQuick);
        var sparse = await Part.RunAsync(run, Name, "judge:sparse");
        var dense = await Part.RunAsync(run, Name, "judge:dense");
        var explained = await Part.RunAsync(run, Name, "explain:sparse");
        var proofs = await Part.RunAsync(run, Name, "assert:sparse");
        run.Report.Add("judge_1m_edges_s", Math.Max((double)sparse["judge_s"]!, (double)dense["judge_s"]!));
        run.Report.Add("explain_p99_ms", (double)explained["explain_p99_ms"]!);
        run.Report.Add("assert_200_s", (double)proofs["assert_s"]!);
        run.Report.Add("sparse", Part.Figures(sparse));
        run.Report.Add("dense", Part.Figures(dense));
        run.Report.Add("explain", Part.Figures(explained));
        run.Report.Add("proofs", Part.Figures(proofs));
    }

    private static void Measure(BenchmarkRun run, string part)
    {
        var words = part.Split(':');
        var (workloads, rules, edges) = run.IsQuick ? (10_000, 5_000, 100_000) : (100_000, 50_000, 1_000_000);
        var shape = new EstateShape(words[1] == "sparse", workloads, rules, run.Seed);
        var small = Estate.Make(Engine.Small(shape));
        var quiet = run with { Progress = _ => { }, Report = new(Name) };
        run.Progress($"{shape}");
        switch (words[0])
        {
            case "judge":
                JudgeMeasurement.Measure(quiet, small, edges / 10, 10);
                JudgeMeasurement.Measure(run, Estate.Make(shape), edges, 4);
                break;
            case "explain":
                ExplainMeasurement.Measure(quiet, small, 4_000);
                ExplainMeasurement.Measure(run, Estate.Make(shape), run.IsQuick ? 1_000 : 10_000);
                break;
            default:
                AssertionMeasurement.Measure(quiet, small, 200, 5);
                AssertionMeasurement.Measure(run, Estate.Make(shape), 200, 5);
                break;
        }
    }
}
