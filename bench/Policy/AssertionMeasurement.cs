using System.Diagnostics;
using System.Text.Json.Nodes;
using Bulkhead.Bench.Harness;
using Bulkhead.Policy.Assertions;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Bench.Policy;

/// <summary>Times the proof of assertions, half of which fail, and has every counterexample confirmed by the evaluator.</summary>
internal static class AssertionMeasurement
{
    /// <summary>Measures; the figures go into the run's report.</summary>
    public static void Measure(BenchmarkRun run, Estate estate, int count, int repetitions)
    {
        var workloads = new WorkloadIndex(estate.Workloads);
        var policy = Choose(run, estate, workloads, count);
        var seconds = new List<double>();
        IReadOnlyList<AssertionResult> results = [];
        for (var i = 0; i < repetitions; i++)
        {
            run.Cancel.ThrowIfCancellationRequested();
            var watch = Stopwatch.StartNew();
            results = AssertionChecker.Check(policy, Estate.Now, workloads);
            seconds.Add(watch.Elapsed.TotalSeconds);
        }

        var violated = results.Where(result => result.Status == AssertionStatus.Violated).ToList();
        Confirm(policy, violated);
        run.Progress(FormattableString.Invariant($"  {results.Count} assertions, {violated.Count} of them fail, in {Statistics.Median(seconds):F3} s; every counterexample is confirmed"));
        run.Report.Add("assert_s", Statistics.Median(seconds));
        run.Report.Add("assert_samples_s", new JsonArray([.. seconds.Select(s => JsonValue.Create(Report.Rounded(s)))]));
        run.Report.Add("assertions", results.Count);
        run.Report.Add("assertions_failing", violated.Count);
    }

    /// <summary>Draws assertions until half of those wanted fail and half hold.</summary>
    private static PolicyModel Choose(BenchmarkRun run, Estate estate, WorkloadIndex workloads, int count)
    {
        var drawing = new AssertionDrawing(estate, new(estate.Shape.Seed + 4));
        var (held, failing) = (new List<AssertionDocument>(), new List<AssertionDocument>());
        for (var round = 0; held.Count < count / 2 || failing.Count < count / 2; round++)
        {
            if (round == 20)
            {
                throw new BenchException($"of {20 * count} assertions, only {held.Count} hold and {failing.Count} fail");
            }

            run.Cancel.ThrowIfCancellationRequested();
            var drawn = Enumerable.Range(0, count).Select(i => drawing.Draw(FormattableString.Invariant($"a{round:D2}-{i:D3}"))).ToList();
            var results = AssertionChecker.Check(Estate.Parse(estate.Document with { Assertions = drawn }).Model, Estate.Now, workloads)
                .ToDictionary(result => result.Assertion.Name, result => result.Status, StringComparer.Ordinal);
            held.AddRange(drawn.Where(assertion => results[assertion.Name] == AssertionStatus.Held));
            failing.AddRange(drawn.Where(assertion => results[assertion.Name] == AssertionStatus.Violated));
        }

        return Estate.Parse(estate.Document with { Assertions = [.. held.Take(count / 2), .. failing.Take(count / 2)] }).Model;
    }

    /// <summary>The evaluator must judge every counterexample as the assertion says, between two workloads made for it.</summary>
    private static void Confirm(PolicyModel policy, IEnumerable<AssertionResult> violated)
    {
        var compiled = PolicyCompiler.Compile(policy, WorkloadIndex.Empty, Estate.Settings);
        foreach (var (assertion, counterexample) in violated.Select(result => (result.Assertion, result.Counterexample!)))
        {
            var verdict = new PolicyEvaluator(compiled.Advance(policy, new(counterexample.ToWorkloads()), Estate.Settings).After).Judge(counterexample.ToConnection());
            if (verdict.Kind != (assertion.Kind == AssertionKind.Never ? VerdictKind.Allowed : VerdictKind.Blocked))
            {
                throw new BenchException($"the counterexample of {assertion.Name}, {counterexample}, is {verdict.Kind}");
            }
        }
    }
}
