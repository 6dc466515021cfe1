namespace Bulkhead.Bench.Harness;

/// <summary>Something that can be measured.</summary>
/// <param name="Name">What <c>bench.sh</c> is given.</param>
/// <param name="Question">What it answers, in a sentence.</param>
/// <param name="RunAsync">Measures, adding figures to the report.</param>
internal sealed record Benchmark(string Name, string Question, Func<BenchmarkRun, Task> RunAsync);

/// <summary>One run of a benchmark.</summary>
/// <param name="Report">Where figures go.</param>
/// <param name="IsQuick">Few and short samples, to see that it works; the figures mean little.</param>
/// <param name="Seed">What is drawn at random is drawn from it.</param>
/// <param name="Part">The one part to measure, in a process of its own; null for the whole. See <see cref="Harness.Part"/>.</param>
/// <param name="Progress">Told what happens, a line at a time.</param>
/// <param name="Cancel">Ends the run; whatever it made is removed.</param>
internal sealed record BenchmarkRun(Report Report, bool IsQuick, int Seed, string? Part, Action<string> Progress, CancellationToken Cancel);
