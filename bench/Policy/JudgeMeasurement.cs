using System.Diagnostics;
using System.Text.Json.Nodes;
using Bulkhead.Bench.Harness;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;

namespace Bulkhead.Bench.Policy;

/// <summary>
/// Times the judging of distinct edges under the enforced policy and under a pending one, which differs from it by some edits. Every
/// repetition judges edges that were never judged before.
/// </summary>
internal static class JudgeMeasurement
{
    private const int PendingEdits = 50;
    private const int VerdictsCompared = 2_000;

    /// <summary>Measures; the figures go into the run's report.</summary>
    public static void Measure(BenchmarkRun run, Estate estate, int count, int repetitions)
    {
        var random = new Random(estate.Shape.Seed + 3);
        var policy = Estate.Parse(estate.Document);
        var edits = new RuleEdits(estate, random);
        for (var i = 0; i < PendingEdits; i++)
        {
            edits.Next();
        }

        var compiled = PolicyCompiler.Compile(policy.Model, new(estate.Workloads), Estate.Settings);
        var pending = compiled.Advance(Estate.Parse(edits.Now, policy).Model, compiled.Workloads, Estate.Settings).After;
        run.Progress(FormattableString.Invariant($"  drawing {count * repetitions:N0} distinct edges"));
        var edges = EdgeDrawing.Draw(policy.Model, estate.Workloads, count * repetitions, random).Chunk(count).ToList();
        GC.Collect();
        var seconds = new List<double>();
        var (enforcing, drafting) = (new PolicyEvaluator(compiled), new PolicyEvaluator(pending));
        foreach (var batch in edges)
        {
            run.Cancel.ThrowIfCancellationRequested();
            var processor = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            var verdicts = PolicyEvaluator.JudgeAll(batch, enforcing, drafting);
            var (enforced, drafted) = (verdicts[0], verdicts[1]);
            seconds.Add(watch.Elapsed.TotalSeconds);
            var spent = Environment.CpuUsage.TotalTime;
            var differ = enforced.Zip(drafted).Count(pair => pair.First.Kind != pair.Second.Kind);
            run.Progress(FormattableString.Invariant($"  judged {batch.Length:N0} edges under two policies in {seconds[^1]:F3} s ({(spent - processor).TotalSeconds:F3} s of processor time); {differ:N0} differ; {Kinds(enforced).ToJsonString()}"));
            Check(enforcing, batch, enforced, random);
        }

        // The first repetition also prepares what the policies are looked up by, which a controller does once.
        run.Report.Add("judge_first_s", seconds[0]);
        run.Report.Add("judge_s", Statistics.Median(seconds.Skip(1)));
        run.Report.Add("judge_samples_s", new JsonArray([.. seconds.Select(s => JsonValue.Create(Report.Rounded(s)))]));
        run.Report.Add("verdicts", Kinds(enforcing.JudgeAll(edges[0])));
    }

    private static JsonObject Kinds(IEnumerable<EdgeVerdict> verdicts) => new(
        verdicts.CountBy(verdict => verdict.Kind).OrderBy(pair => pair.Key).Select(pair => KeyValuePair.Create(pair.Key.ToString(), (JsonNode?)pair.Value)));

    /// <summary>What is judged in bulk must be what is judged one by one, and what hosts themselves decide.</summary>
    private static void Check(PolicyEvaluator evaluator, Connection[] edges, EdgeVerdict[] verdicts, Random random)
    {
        for (var i = 0; i < VerdictsCompared; i++)
        {
            var at = random.Next(edges.Length);
            var one = evaluator.Judge(edges[at]);
            if (one.Kind != verdicts[at].Kind || one.Source?.Rule != verdicts[at].Source?.Rule || one.Destination?.Rule != verdicts[at].Destination?.Rule)
            {
                throw new BenchException($"in bulk {edges[at]} is {verdicts[at]}, but one by one it is {one}");
            }
        }
    }
}
