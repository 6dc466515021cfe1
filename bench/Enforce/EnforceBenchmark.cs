using Bulkhead.Bench.Harness;
using Bulkhead.Lab;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Enforce;

/// <summary>
/// From the controller's answer that a revision is accepted to the first packet that is blocked at the last host that it concerns. The whole
/// company runs; the ring-fence of the storefront in production is put up and taken away again and again, while an outsider keeps trying
/// each of the fenced hosts and holds a connection to each.
/// </summary>
internal static class EnforceBenchmark
{
    private const string Outsider = "dev-web1";
    private const int Seed = 20261;

    // Longer than any packet is under way, and than any thread of ours goes without its turn.
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(150);

    /// <summary>The benchmark.</summary>
    public static Benchmark Benchmark { get; } =
        new("enforce", "How soon after a revision is accepted do all hosts enforce it?", RunAsync);

    private static Task RunAsync(BenchmarkRun run) => Company.UseAsync(
        run,
        new LabOptions("bench"),
        async (stage, rest) => await MeasureAsync(run, stage, new Fence(rest, await Fence.DraftAsync(stage, rest, run.Cancel))));

    private static async Task MeasureAsync(BenchmarkRun run, Stage stage, Fence fence)
    {
        var fenced = stage.Lab.Hosts.Where(host => host.Declaration.Labels is var labels && labels["app"] == "storefront" && labels["env"] == "prod").ToList();
        using var packets = new PacketProbe(stage.Lab[Outsider], fenced);
        using var connections = new ConnectionProbe(stage.Lab[Outsider], fenced);
        var (tightening, opening, established) = (new Latencies(), new Latencies(), new Latencies());
        var random = new Random(Seed);
        var repetitions = run.IsQuick ? 10 : 200;
        for (var i = 1; i <= repetitions; i++)
        {
            connections.Open();
            await Task.Delay(random.Next(20, 120), run.Cancel);
            var closed = await fence.CloseAsync(run.Cancel);
            tightening.Add(closed, (await EveryHost.FindAsync(packets.Targets, target => target.BlockedSince(Silence), "packets are blocked", run.Cancel)).Max());
            established.Add(closed, (await EveryHost.FindAsync(connections.Targets, target => target.DeadSince(), "connections are dead", run.Cancel)).Max());
            foreach (var target in packets.Targets)
            {
                target.Forget();
            }

            await Task.Delay(random.Next(20, 120), run.Cancel);
            var opened = await fence.OpenAsync(run.Cancel);
            opening.Add(opened, (await EveryHost.FindAsync(packets.Targets, target => target.PassedSince(), "packets pass again", run.Cancel)).Max());
            if (i % 10 == 0)
            {
                run.Progress($"{i}/{repetitions}: blocked after {tightening.Last:N1} ms, connections dead after {established.Last:N1} ms, open again after {opening.Last:N1} ms");
            }
        }

        run.Report.Add("repetitions", tightening.Count);
        run.Report.Add("hosts", fenced.Count);
        run.Report.Add("lab_hosts", stage.Lab.Hosts.Count);
        run.Report.Add("quick", run.IsQuick);
        tightening.AddTo(run.Report, "");
        established.AddTo(run.Report, "established_");
        opening.AddTo(run.Report, "open_");
    }
}
