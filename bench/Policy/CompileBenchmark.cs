using System.Text.Json.Nodes;
using Bulkhead.Bench.Harness;

namespace Bulkhead.Bench.Policy;

/// <summary>How long compiling takes: everything, and what follows from one change. Every estate is measured in a process of its own.</summary>
internal static class CompileBenchmark
{
    private const string Name = "compile";

    private static readonly string[] Carried = ["label_sets", "entries_per_host", "parse_s", "full_s", "rss_mb", "relabel_p50_ms", "relabel_p99_ms", "rule_edit_p50_ms", "rule_edit_p99_ms"];

    /// <summary>The benchmark.</summary>
    public static Benchmark Benchmark { get; } =
        new(Name, "How long does it take to compile every host's policy, and what follows from one change?", run => run.Part is null ? RunAsync(run) : MeasureAsync(run, CompilePart.Parse(run.Part)));

    private static async Task RunAsync(BenchmarkRun run)
    {
        var (workloads, rules) = run.IsQuick ? (10_000, 5_000) : (100_000, 50_000);
        run.Report.Add("seed", run.Seed);
        run.Report.Add("quick", run.IsQuick);
        run.Report.Add("workloads", workloads);
        run.Report.Add("rules", rules);
        var dense = await PartAsync(run, new(Sparse: false, workloads, rules, Compiles: 5, Changes: 0, Edits: 0));
        var sparse = await PartAsync(run, new(Sparse: true, workloads, rules, Compiles: 5, Changes: 0, Edits: 0));
        var changes = await PartAsync(run, run.IsQuick ? new(Sparse: true, workloads, rules, 1, 200, 60) : new(Sparse: true, workloads, rules, 1, 3_000, 500));
        run.Report.Add("full_dense_s", (double)dense["full_s"]!);
        run.Report.Add("full_sparse_s", (double)sparse["full_s"]!);
        run.Report.Add("rss_mb", Math.Max((double)dense["rss_mb"]!, (double)sparse["rss_mb"]!));
        run.Report.Add("relabel_p99_ms", (double)changes["relabel_p99_ms"]!);
        run.Report.Add("rule_edit_p99_ms", (double)changes["rule_edit_p99_ms"]!);
        (string, JsonObject)[] parts = [("dense", dense), ("sparse", sparse), ("changes", changes)];
        foreach (var (part, figures) in parts)
        {
            run.Report.Add(part, Part.Figures(figures));
        }

        run.Report.Add("growth", await GrowthAsync(run));
    }

    private static Task MeasureAsync(BenchmarkRun run, CompilePart part)
    {
        var shape = part.Shape(run.Seed);
        Engine.WarmUp(shape);
        FullCompile.Measure(run, shape, part.Compiles);
        if (part.Changes + part.Edits > 0)
        {
            var changes = new ChangeMeasurement(run, shape);
            changes.ChangeWorkloads(part.Changes);
            changes.EditRules(part.Edits);
            changes.ReportHostDeltas();
        }

        return Task.CompletedTask;
    }

    private static async Task<JsonArray> GrowthAsync(BenchmarkRun run)
    {
        var table = new JsonArray();
        bool[] kinds = [false, true];
        int[] sizes = run.IsQuick ? [1_000] : [1_000, 10_000, 100_000];
        int[] policies = run.IsQuick ? [1_000] : [1_000, 10_000, 50_000];
        foreach (var (sparse, workloads, rules) in from sparse in kinds from w in sizes from r in policies select (sparse, w, r))
        {
            var figures = await PartAsync(run, new(sparse, workloads, rules, Compiles: 3, Changes: 300, Edits: 100));
            var row = new JsonObject { ["estate"] = sparse ? "sparse" : "dense", ["workloads"] = workloads, ["rules"] = rules };
            foreach (var name in Carried)
            {
                row[name] = figures[name]?.DeepClone();
            }

            table.Add(row);
        }

        run.Progress("| estate | workloads | rules | label sets | entries | full, s | MB | relabel p50 / p99, ms | rule edit p50 / p99, ms |");
        run.Progress("|---|---|---|---|---|---|---|---|---|");
        foreach (var row in table)
        {
            run.Progress(FormattableString.Invariant($"| {row!["estate"]} | {row["workloads"]} | {row["rules"]} | {row["label_sets"]} | {row["entries_per_host"]!["median"]} | {row["full_s"]} | {row["rss_mb"]} | {row["relabel_p50_ms"]} / {row["relabel_p99_ms"]} | {row["rule_edit_p50_ms"]} / {row["rule_edit_p99_ms"]} |"));
        }

        return table;
    }

    private static Task<JsonObject> PartAsync(BenchmarkRun run, CompilePart part) => Part.RunAsync(run, Name, part.ToString());
}
