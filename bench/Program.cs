using System.CommandLine;
using Bulkhead.Bench.Apply;
using Bulkhead.Bench.Chaos;
using Bulkhead.Bench.Dataplane;
using Bulkhead.Bench.Enforce;
using Bulkhead.Bench.Harness;
using Bulkhead.Bench.Idle;
using Bulkhead.Bench.Matrix;
using Bulkhead.Bench.Policy;
using Bulkhead.Bench.Seeing;
using Bulkhead.Bench.Soak;
using Bulkhead.Bench.Tamper;
using Bulkhead.Lab;
using Bulkhead.Scenarios;

Benchmark[] benchmarks =
[
    DataplaneBenchmark.Benchmark, EnforceBenchmark.Benchmark, ApplyBenchmark.Benchmark, TamperBenchmark.Benchmark, MatrixBenchmark.Benchmark, SoakBenchmark.Benchmark,
    AgentIdleBenchmark.Benchmark, SeeingBenchmark.Benchmark, CompileBenchmark.Benchmark, EvaluateBenchmark.Benchmark, ChaosBenchmark.Benchmark,
];

var name = new Argument<string>("name") { Description = "which: " + string.Join("; ", benchmarks.Select(b => $"{b.Name} ({b.Question})")) };
name.AcceptOnlyFromAmong([.. benchmarks.Select(b => b.Name)]);
var quick = new Option<bool>("--quick") { Description = "few and short samples, to see that it works; the figures mean little" };
var seed = new Option<int?>("--seed") { Description = "repeats what an earlier run drew at random (compile, evaluate, matrix, soak, chaos); without it, every run draws anew and says the seed" };
var part = new Option<string?>("--part") { Description = "measures one part only", Hidden = true };
var command = new RootCommand("Measures Bulkhead. Progress goes to standard error, the figures as one line of JSON to standard output.") { name, quick, seed, part };
command.SetAction(async (arguments, cancel) =>
{
    var benchmark = benchmarks.Single(b => b.Name == arguments.GetValue(name));
    var report = new Report(benchmark.Name);
    try
    {
        await benchmark.RunAsync(new(report, arguments.GetValue(quick), arguments.GetValue(seed) ?? Random.Shared.Next(), arguments.GetValue(part), Console.Error.WriteLine, cancel));
    }
    catch (Exception e) when (e is BenchException or LabException or StoryException)
    {
        await Console.Error.WriteLineAsync($"bench: {e.Message}");
        return 1;
    }
    catch (OperationCanceledException)
    {
        await Console.Error.WriteLineAsync("bench: interrupted");
        return 130;
    }

    Console.WriteLine(report);
    return report.Failed ? 1 : 0;
});
return await command.Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = TimeSpan.FromSeconds(60) });
