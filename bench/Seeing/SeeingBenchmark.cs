using System.Globalization;
using Bulkhead.Bench.Dataplane;
using Bulkhead.Bench.Harness;

namespace Bulkhead.Bench.Seeing;

/// <summary>
/// Whether the agent sees every connection and as whose, and what that takes. What was done is kept in a ledger per process, user, addresses and port, and compared
/// entry by entry with what the agent reported.
/// </summary>
internal static class SeeingBenchmark
{
    private const int Rate = 5000;
    private const int Examples = 5;

    /// <summary>The benchmark.</summary>
    public static Benchmark Benchmark { get; } = new("agent", "Does the agent see every connection and as whose, and what does that take?", RunAsync);

    private static async Task RunAsync(BenchmarkRun run)
    {
        await using var namespaces = await NamedNamespaces.CreateAsync(run.Cancel);
        await using var host = await SeenHost.StartAsync(namespaces, run.Cancel);
        var phases = new Phases(host, run);
        await phases.WarmUpAsync();
        if (run.Part is null or "rate")
        {
            await SteadyAsync(run, phases, host);
        }

        if (run.Part is null or "cpu")
        {
            await CostAsync(run, phases, host);
        }

        if (run.Part is null or "most")
        {
            await MostAsync(run, phases);
        }

        if (run.Part is null or "loss")
        {
            await LossAsync(run, phases);
        }

        if (run.Part is null or "brief")
        {
            await BriefAsync(run, phases);
        }

        if (run.Part is null or "held")
        {
            await HeldAsync(run, phases, host);
        }

        run.Report.Add("quick", run.IsQuick);
    }

    private static async Task SteadyAsync(BenchmarkRun run, Phases phases, SeenHost host)
    {
        var (ledger, achieved) = await phases.LoadAsync(Rate, run.IsQuick ? 15 : 60);
        var resident = ProcessUsage.ResidentMegabytes(host.Agent.Pid);
        var told = await phases.ToldAsync();
        var differences = ledger.Compare(told);
        run.Progress($"{Rate:N0} a second ({achieved:N0} achieved): {differences}; {resident:N1} MB");
        ledger.Examples(told).Take(Examples).ToList().ForEach(run.Progress);
        run.Report.Add("achieved_5000", achieved);
        run.Report.Add("lost_5000", differences.Lost + differences.Invented);
        run.Report.Add("misattributed_5000", differences.Misattributed);
        run.Report.Add("unnamed_5000", differences.Unnamed);
        run.Report.Add("rss_mb", resident);
    }

    private static async Task CostAsync(BenchmarkRun run, Phases phases, SeenHost host)
    {
        var seconds = run.IsQuick ? 10 : 20;
        var (costs, own) = (new List<double>(), new List<double>());
        for (var round = 0; round < (run.IsQuick ? 2 : 6); round++)
        {
            var used = ProcessUsage.ProcessorSeconds(host.Agent.Pid);
            var with = await phases.BusyAsync(Rate, seconds);
            own.Add((ProcessUsage.ProcessorSeconds(host.Agent.Pid) - used) / seconds * 100);
            await host.Agent.StopAsync(run.Cancel);
            var without = await phases.BusyAsync(Rate, seconds);
            await host.Agent.StartAgainAsync(run.Cancel);
            await phases.WarmUpAsync();
            costs.Add(with - without);
            run.Progress($"busy with the agent {with:N1} %, without {without:N1} % of a core; {costs[^1]:N1} % more, of which its own process {own[^1]:N1} %");
        }

        run.Report.Add("cpu_pct_5000", Statistics.Median(costs));
        run.Report.Add("cpu_pct_5000_own_process", Statistics.Median(own));
    }

    private static async Task MostAsync(BenchmarkRun run, Phases phases)
    {
        double most = 0;
        var steps = new System.Text.Json.Nodes.JsonArray();
        foreach (var offered in run.IsQuick ? new[] { 10_000, 0 } : new[] { 10_000, 15_000, 20_000, 25_000, 0 })
        {
            var (ledger, achieved) = await phases.LoadAsync(offered, 6);
            var differences = ledger.Compare(await phases.ToldAsync());
            var (lost, unaccounted) = (differences.Lost + differences.Invented, differences.Lost - phases.TakeLost());
            run.Progress($"{(offered == 0 ? "as many as it goes" : $"{offered:N0} a second")} ({achieved:N0} achieved): {differences}; lost and not counted as lost: {unaccounted:N0}");
            steps.Add(new System.Text.Json.Nodes.JsonObject
            {
                ["offered"] = offered,
                ["achieved"] = Report.Rounded(achieved),
                ["lost"] = lost,
                ["misattributed"] = differences.Misattributed,
                ["unnamed"] = differences.Unnamed,
                ["lost_uncounted"] = unaccounted,
            });
            most = lost == 0 ? Math.Max(most, achieved) : most;
        }

        run.Report.Add("max_rate_no_loss", most);
        run.Report.Add("rates", steps);
    }

    private static async Task LossAsync(BenchmarkRun run, Phases phases)
    {
        _ = phases.TakeLost();
        // It does not read for long enough that its buffer overflows.
        var (ledger, _) = await phases.LoadAsync(Rate * 2, 8, stalled: TimeSpan.FromSeconds(4));
        var differences = ledger.Compare(await phases.ToldAsync());
        var counted = phases.TakeLost();
        run.Progress($"stopped for 4 s at {Rate * 2:N0} a second: {differences}; counted as lost {counted:N0}");
        run.Report.Add("overrun_lost", differences.Lost);
        run.Report.Add("overrun_counted", counted);
        run.Report.Add("overrun_misattributed", differences.Misattributed);
    }

    private static async Task BriefAsync(BenchmarkRun run, Phases phases)
    {
        var (ledger, lifetimes) = await phases.BriefAsync(run.IsQuick ? 1000 : 10_000, 250);
        var brief = lifetimes.Count(ms => ms <= 5);
        var told = await phases.ToldAsync();
        var named = ledger.OwnersToldInFull(told);
        var share = named * 100.0 / lifetimes.Count;
        run.Progress(string.Create(CultureInfo.InvariantCulture, $"{lifetimes.Count:N0} clients, {brief:N0} of them for 5 ms or less (median {Statistics.Median(lifetimes):N1} ms): {named:N0} named; {ledger.Compare(told)}"));
        ledger.Examples(told).Take(Examples).ToList().ForEach(run.Progress);
        run.Report.Add("short_lived", lifetimes.Count);
        run.Report.Add("short_lived_within_5_ms", brief);
        run.Report.Add("short_lived_median_ms", Statistics.Median(lifetimes));
        run.Report.Add("short_lived_named", share);
    }

    private static async Task HeldAsync(BenchmarkRun run, Phases phases, SeenHost host)
    {
        var seconds = run.IsQuick ? 20 : 60;
        var (open, percent) = await phases.HeldAsync(run.IsQuick ? 2000 : 10_000, seconds);
        run.Progress(string.Create(CultureInfo.InvariantCulture, $"{open:N0} idle connections are told as open; they take {percent:N2} % of a core"));
        run.Report.Add("idle_connections", open);
        run.Report.Add("idle_connections_cpu_percent_of_core", percent);
        run.Report.Add("idle_connections_rss_mb", ProcessUsage.ResidentMegabytes(host.Agent.Pid));
    }
}
