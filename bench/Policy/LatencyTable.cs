using System.Text.Json.Nodes;
using Bulkhead.Bench.Harness;

namespace Bulkhead.Bench.Policy;

/// <summary>How long changes of several kinds took.</summary>
internal sealed class LatencyTable
{
    private readonly List<(string Kind, double Milliseconds, int Told)> _deltas = [];
    private readonly List<(int Hosts, double Milliseconds)> _listings = [];

    /// <summary>Adds a change.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="took">From the change to the end of the delta.</param>
    /// <param name="told">How many elements, entries and sets were in the delta.</param>
    public void Add(string kind, TimeSpan took, int told) => _deltas.Add((kind, took.TotalMilliseconds, told));

    /// <summary>Adds what it took in all to list the hosts that a change concerns one by one, where that was measured too.</summary>
    public void AddListing(int hosts, TimeSpan took) => _listings.Add((hosts, took.TotalMilliseconds));

    /// <summary>Adds figures to a report, named after what was measured: of all together, and of each kind.</summary>
    public void Report(BenchmarkRun run, string name, string what)
    {
        if (_deltas.Count == 0)
        {
            return;
        }

        var all = _deltas.Select(sample => sample.Milliseconds).ToList();
        var listings = _listings.Select(sample => sample.Milliseconds).ToList();
        run.Progress(FormattableString.Invariant($"  {all.Count:N0} {what}: p50 {Statistics.Median(all):F3} ms, p99 {Statistics.Percentile(all, 99):F3} ms, max {all.Max():F3} ms; with the hosts listed p50 {Statistics.Median(listings):F3} ms"));
        run.Report.Add($"{name}_samples", all.Count);
        run.Report.Add($"{name}_p50_ms", Statistics.Median(all));
        run.Report.Add($"{name}_p99_ms", Statistics.Percentile(all, 99));
        run.Report.Add($"{name}_max_ms", all.Max());
        run.Report.Add($"{name}_listed_p50_ms", Statistics.Median(listings));
        run.Report.Add($"{name}_listed_hosts_p50", Statistics.Median(_listings.Select(sample => (double)sample.Hosts)));
        var kinds = new JsonObject();
        foreach (var kind in _deltas.GroupBy(sample => sample.Kind).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            kinds[kind.Key] = Kind(run, kind.Key, [.. kind.Select(sample => (sample.Milliseconds, sample.Told))]);
        }

        run.Report.Add($"{name}_kinds", kinds);
    }

    private static JsonObject Kind(BenchmarkRun run, string kind, IReadOnlyList<(double Milliseconds, int Told)> samples)
    {
        var times = samples.Select(sample => sample.Milliseconds).ToList();
        var (p50, p99, told) = (Statistics.Median(times), Statistics.Percentile(times, 99), Statistics.Median(samples.Select(sample => (double)sample.Told)));
        run.Progress(FormattableString.Invariant($"    {kind,-20} {times.Count,5}  p50 {p50,8:F3}  p99 {p99,8:F3}  max {times.Max(),8:F3} ms, tells {told:N0}"));
        return new() { ["samples"] = times.Count, ["p50_ms"] = Harness.Report.Rounded(p50), ["p99_ms"] = Harness.Report.Rounded(p99), ["told_p50"] = told };
    }
}
