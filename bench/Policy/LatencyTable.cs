using System.Text.Json.Nodes;
using Bulkhead.Bench.Harness;

namespace Bulkhead.Bench.Policy;

/// <summary>How long changes of several kinds took.</summary>
internal sealed class LatencyTable
{
    private readonly List<Sample> _samples = [];

    /// <summary>One change.</summary>
    /// <param name="Kind">Its kind.</param>
    /// <param name="Delta">Milliseconds to the end of the delta.</param>
    /// <param name="Listed">Milliseconds until the hosts that it concerns are listed one by one, too.</param>
    /// <param name="Told">How many elements, entries and sets were in the delta.</param>
    /// <param name="Hosts">How many hosts it concerns.</param>
    private sealed record Sample(string Kind, double Delta, double Listed, int Told, int Hosts);

    /// <summary>Adds one.</summary>
    public void Add(string kind, TimeSpan delta, TimeSpan listed, int told, int hosts) =>
        _samples.Add(new(kind, delta.TotalMilliseconds, listed.TotalMilliseconds, told, hosts));

    /// <summary>Adds figures to a report, named after what was measured: of all together, and of each kind.</summary>
    public void Report(BenchmarkRun run, string name, string what)
    {
        if (_samples.Count == 0)
        {
            return;
        }

        var all = _samples.Select(sample => sample.Delta).ToList();
        run.Progress(FormattableString.Invariant($"  {_samples.Count:N0} {what}: p50 {Statistics.Median(all):F3} ms, p99 {Statistics.Percentile(all, 99):F3} ms, max {all.Max():F3} ms"));
        run.Report.Add($"{name}_samples", _samples.Count);
        run.Report.Add($"{name}_p50_ms", Statistics.Median(all));
        run.Report.Add($"{name}_p99_ms", Statistics.Percentile(all, 99));
        run.Report.Add($"{name}_max_ms", all.Max());
        run.Report.Add($"{name}_listed_p99_ms", Statistics.Percentile(_samples.Select(sample => sample.Listed), 99));
        var kinds = new JsonObject();
        foreach (var kind in _samples.GroupBy(sample => sample.Kind).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            kinds[kind.Key] = Kind(run, kind.Key, [.. kind]);
        }

        run.Report.Add($"{name}_kinds", kinds);
    }

    private static JsonObject Kind(BenchmarkRun run, string kind, IReadOnlyList<Sample> samples)
    {
        var (p50, p99) = (Statistics.Median(samples.Select(s => s.Delta)), Statistics.Percentile(samples.Select(s => s.Delta), 99));
        var listed = Statistics.Percentile(samples.Select(s => s.Listed), 99);
        var (told, hosts) = (Statistics.Median(samples.Select(s => (double)s.Told)), Statistics.Median(samples.Select(s => (double)s.Hosts)));
        run.Progress(FormattableString.Invariant($"    {kind,-20} {samples.Count,5}  p50 {p50,8:F3}  p99 {p99,8:F3}  max {samples.Max(s => s.Delta),8:F3} ms (p99 with its hosts listed {listed,8:F3}); tells {told:N0}, to {hosts:N0} hosts"));
        return new()
        {
            ["samples"] = samples.Count,
            ["p50_ms"] = Harness.Report.Rounded(p50),
            ["p99_ms"] = Harness.Report.Rounded(p99),
            ["listed_p99_ms"] = Harness.Report.Rounded(listed),
            ["told_p50"] = told,
            ["hosts_p50"] = hosts,
        };
    }
}
