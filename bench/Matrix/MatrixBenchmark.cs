using Bulkhead.Bench.Harness;
using Bulkhead.Contracts.Rest;
using Bulkhead.Lab;
using Bulkhead.Policy.Documents;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Matrix;

/// <summary>
/// Does the kernel do what the evaluator says? Each round draws labels and a policy, has the controller roll them out to real agents, and tries real
/// connections between all hosts: half of them such as should pass, half such as should not, as far as there are both.
/// </summary>
internal static class MatrixBenchmark
{
    private const int ProbesPerSide = 30;
    private const int DrawsTried = 200;
    private static readonly TimeSpan s_syncedWithin = TimeSpan.FromSeconds(60);

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
        using var prober = new Prober(stage.Lab.Hosts);
        var tally = new Tally();
        var disagreements = 0;
        var cells = (from kind in Enum.GetValues<RuleKind>() from mode in (string[])["visibility", "selective", "full"] select (kind, mode)).ToList();
        var rounds = run.IsQuick ? cells.Count : cells.Count * 5;
        for (var round = 1; round <= rounds; round++)
        {
            var (kind, mode) = cells[(round - 1) % cells.Count];
            await LabelAsync(run, stage, rest, drawing, kind == RuleKind.Quarantine ? stage.Lab.Hosts[random.Next(stage.Lab.Hosts.Count)].Name : null);
            var inventory = await InventoryAsync(rest, run.Cancel);
            var policy = drawing.Policy(kind, mode);
            for (var draw = 1; draw < DrawsTried && !IsTelling(policy); draw++)
            {
                policy = drawing.Policy(kind, mode);
            }

            bool IsTelling(PolicyDocument drawn) => Draw(stage.Lab.Hosts, Oracle.Of(inventory, drawn), new(0)).Count == ProbesPerSide * 4;

            await ProvisionAsync(run, rest, policy, $"matrix: {kind}, {mode}");
            var oracle = Oracle.Of(await InventoryAsync(rest, run.Cancel), await rest.GetAsync<PolicyDocument>("policy/draft", run.Cancel));
            var probes = Draw(stage.Lab.Hosts, oracle, random);
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

        run.Report.Add("seed", run.Seed);
        run.Report.Add("quick", run.IsQuick);
        run.Report.Add("rounds", rounds);
        run.Report.Add("probes", tally.Probes);
        run.Report.Add("disagreements", disagreements);
        run.Report.Add("cells", tally.ToJson());
        run.Report.Failed = disagreements > 0;
    }

    /// <summary>Labels all hosts anew, and puts one of them, or none, into quarantine.</summary>
    private static async Task LabelAsync(BenchmarkRun run, Stage stage, ControllerRest rest, PolicyDrawing drawing, string? quarantined)
    {
        var labels = stage.Lab.Hosts.Select(host => drawing.Labels() is var drawn ? new LabelEdit(host.Name, drawn, [.. PolicyDrawing.Keys.Except(drawn.Keys)], null) : null!);
        await rest.SendAsync<LabelEditResult>(HttpMethod.Post, "workloads/labels", new EditLabels([.. labels], false, ["left-out", "would-lock-out"]), run.Cancel);
        foreach (var host in await InventoryAsync(rest, run.Cancel))
        {
            if (host.Quarantined != (host.Name == quarantined))
            {
                await rest.SendAsync<WorkloadView>(HttpMethod.Post, $"workloads/{host.Id}/quarantine", new SetQuarantine(host.Name == quarantined, "matrix"), run.Cancel);
            }
        }
    }

    /// <summary>Provisions a policy and waits until every kernel has it.</summary>
    private static async Task ProvisionAsync(BenchmarkRun run, ControllerRest rest, PolicyDocument policy, string note)
    {
        // New rules are numbered by the controller.
        var unnumbered = policy with { Rulesets = [.. policy.Rulesets.Select(ruleset => ruleset with { Rules = [.. ruleset.Rules.Select(rule => rule with { Id = 0 })] })] };
        var draft = await rest.SendAsync<DraftStatus>(HttpMethod.Put, "policy/draft", unnumbered, run.Cancel);
        await rest.SendAsync<RevisionView>(HttpMethod.Post, "policy/provision", new Provision(note, draft.DraftVersion, ["would-lock-out"]), run.Cancel);
        await Wait.UntilAsync(
            async () => (await InventoryAsync(rest, run.Cancel)).FirstOrDefault(w => w.Sync != SyncState.Synced) is { } late
                ? $"{late.Name} is {late.Sync}{string.Concat(late.Problems.Select(p => $" ({p.Message})"))}" : null,
            s_syncedWithin,
            run.Cancel);
    }

    private static async Task<IReadOnlyList<WorkloadView>> InventoryAsync(ControllerRest rest, CancellationToken cancel) =>
        (await rest.GetAsync<Page<WorkloadView>>("workloads?limit=1000", cancel)).Items;

    /// <summary>
    /// Draws as many connections that should pass as such that should not, in each family. A protocol without ports is tried one way only between
    /// two hosts: there, what the other sends counts as the answer.
    /// </summary>
    private static List<Probe> Draw(IReadOnlyList<LabHost> hosts, Oracle oracle, Random random)
    {
        var probes = new List<Probe>();
        foreach (var isV6 in (bool[])[false, true])
        {
            var all = (
                from source in Enumerable.Range(0, hosts.Count)
                from destination in Enumerable.Range(0, hosts.Count)
                from target in Target.All
                where source != destination && (target.Protocol != Target.Experimental || source < destination)
                select new Probe(hosts[source], hosts[destination], isV6, target)).ToArray();
            random.Shuffle(all);
            var sides = all.ToLookup(oracle.Passes);
            probes.AddRange(sides[true].Take(ProbesPerSide));
            probes.AddRange(sides[false].Take(ProbesPerSide));
        }

        return probes;
    }
}
