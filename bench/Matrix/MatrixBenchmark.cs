using Bulkhead.Bench.Harness;
using Bulkhead.Lab;
using Bulkhead.Policy.Documents;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Matrix;

/// <summary>
/// Does the kernel do what the evaluator says? Each round draws labels and a policy, has the controller roll them out to real agents, and tries real
/// connections between all hosts: half of them such as should pass, half such as should not.
/// </summary>
internal static class MatrixBenchmark
{
    private const int DrawsTried = 300;
    private const int RoundsPerCell = 5;
    private const int FewestPerCell = 100;

    /// <summary>The benchmark.</summary>
    public static Benchmark Benchmark { get; } =
        new("matrix", "Do kernels decide as the evaluator does, over random policies, inventories and connections?", RunAsync);

    private static Task RunAsync(BenchmarkRun run) => Company.UseAsync(
        run,
        new LabOptions("matrix") { File = Path.Combine(AppContext.BaseDirectory, "matrix.yaml") },
        (stage, rest) => MeasureAsync(run, stage, rest));

    private static async Task MeasureAsync(BenchmarkRun run, Stage stage, ControllerRest rest)
    {
        run.Progress($"seed {run.Seed}");
        var random = new Random(run.Seed);
        var drawing = new PolicyDrawing(random, stage.Lab.Hosts);
        var estate = new Estate(run, stage, rest);
        await using var crowd = await Crowd.StartAsync(stage.Lab, run.Cancel);
        using var prober = new Prober(stage.Lab.Hosts, crowd);
        var tally = new Tally();
        var disagreements = 0;
        var cells = (from kind in Enum.GetValues<RuleKind>() where run.Part is null || run.Part == $"{kind}" from mode in (string[])["visibility", "selective", "full"] select (kind, mode)).ToList();
        // A short run leaves out one mode of each kind, in turn.
        cells = run.IsQuick ? [.. cells.Where((_, i) => i % 3 != i / 3 % 3)] : cells;
        var rounds = run.IsQuick ? cells.Count : cells.Count * RoundsPerCell;
        for (var round = 1; round <= rounds; round++)
        {
            var (kind, mode) = cells[(round - 1) % cells.Count];
            await estate.LabelAsync(drawing, kind == RuleKind.Quarantine ? stage.Lab.Hosts[random.Next(stage.Lab.Hosts.Count)].Name : null);
            var inventory = await estate.InventoryAsync();
            var policy = drawing.Policy(kind, mode);
            for (var draw = 1; draw < DrawsTried && !IsTelling(policy); draw++)
            {
                policy = drawing.Policy(kind, mode);
            }

            bool IsTelling(PolicyDocument drawn) => new ProbeDrawing(stage.Lab.Hosts, kind).Draw(Oracle.Of(inventory, drawn, stage.Lab, kind), new(0)).Count == ProbeDrawing.PerSide * 4;

            await estate.ProvisionAsync(policy, $"matrix: {kind}, {mode}");
            await crowd.RenewAsync(random, run.Cancel);
            var oracle = Oracle.Of(await estate.InventoryAsync(), await rest.GetAsync<PolicyDocument>("policy/draft", run.Cancel), stage.Lab, kind);
            var probes = new ProbeDrawing(stage.Lab.Hosts, kind).Draw(oracle, random);
            var expected = probes.ConvertAll(oracle.Passes);
            var passed = await prober.RunAsync(probes, expected, run.Cancel);
            for (var i = 0; i < probes.Count; i++)
            {
                tally.Add(kind, mode, probes[i].IsV6, !expected[i]);
                if (passed[i] != expected[i])
                {
                    disagreements++;
                    run.Progress($"DISAGREE {kind}, {mode}: {probes[i]} {(passed[i] ? "passed" : "did not pass")}, but: {oracle.Explain(probes[i])}");
                }
            }

            run.Progress($"{round}/{rounds} {kind}, {mode}: {probes.Count} tried, {expected.Count(e => !e)} to be blocked, {disagreements} disagreements so far");
        }

        Report(run, tally, rounds, disagreements);
    }

    private static void Report(BenchmarkRun run, Tally tally, int rounds, int disagreements)
    {
        List<string> poor = [.. tally.Lopsided.Select(cell => $"{cell} to be blocked"), .. run.IsQuick ? [] : tally.Fewer(FewestPerCell).Select(cell => $"{cell} tried")];
        poor.ForEach(cell => run.Progress($"TELLS TOO LITTLE {cell}"));
        run.Report.Add("seed", run.Seed);
        run.Report.Add("quick", run.IsQuick);
        run.Report.Add("rounds", rounds);
        run.Report.Add("probes", tally.Probes);
        run.Report.Add("disagreements", disagreements);
        run.Report.Add("poor_cells", poor.Count);
        run.Report.Add("cells", tally.ToJson());
        run.Report.Failed = disagreements + poor.Count > 0;
    }
}
