using System.Diagnostics;
using Bulkhead.Bench.Harness;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Services;

namespace Bulkhead.Bench.Policy;

/// <summary>Times full explanations: what both ends decide, which other rules match, and for a block the smallest change that would allow it.</summary>
internal static class ExplainMeasurement
{
    /// <summary>Measures; the figures go into the run's report.</summary>
    public static void Measure(BenchmarkRun run, Estate estate, int count)
    {
        var random = new Random(estate.Shape.Seed + 5);
        var policy = Estate.Parse(estate.Document).Model;
        var compiled = PolicyCompiler.Compile(policy, new(estate.Workloads), Estate.Settings);
        var questions = EdgeDrawing.Draw(policy, estate.Workloads, count / 2, random).Concat(Enumerable.Range(0, count / 2).Select(_ => AnyPair(estate, random))).ToArray();
        random.Shuffle(questions);
        var explainer = new Explainer(new(compiled));
        var times = new List<double>();
        var (blocked, remedies) = (0, 0);
        foreach (var question in questions)
        {
            run.Cancel.ThrowIfCancellationRequested();
            var start = Stopwatch.GetTimestamp();
            var explanation = explainer.Explain(question);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            blocked += explanation.Verdict.Kind is VerdictKind.Blocked or VerdictKind.PotentiallyBlocked ? 1 : 0;
            remedies += explanation.Remedies.Count > 0 ? 1 : 0;
        }

        run.Progress(FormattableString.Invariant($"  {times.Count:N0} explanations ({blocked:N0} of blocks, {remedies:N0} with a change that would allow it): p50 {Statistics.Median(times):F3} ms, p99 {Statistics.Percentile(times, 99):F3} ms, max {times.Max():F3} ms"));
        run.Report.Add("explanations", times.Count);
        run.Report.Add("explanations_of_blocks", blocked);
        run.Report.Add("explain_p50_ms", Statistics.Median(times));
        run.Report.Add("explain_p99_ms", Statistics.Percentile(times, 99));
        run.Report.Add("explain_max_ms", times.Max());
    }

    /// <summary>Any two workloads and a port that people ask about; mostly blocked.</summary>
    private static Connection AnyPair(Estate estate, Random random)
    {
        var (from, to) = (estate.Workloads[random.Next(estate.Workloads.Count)], estate.Workloads[random.Next(estate.Workloads.Count)]);
        var family = random.Next(2);
        return new(AddressSpace.Default, from.Addresses[family].Address, to.Addresses[family].Address, IpProtocol.Tcp, (ushort)random.Next(1, 10_000), SocketFacts.Unrecorded, SocketFacts.Unrecorded);
    }
}
