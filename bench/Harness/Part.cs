using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Bulkhead.Bench.Harness;

/// <summary>Measures a part of a benchmark in a process of its own, so that its memory and its warmth are its own.</summary>
internal static class Part
{
    /// <summary>Runs this program again for one part; its progress goes where ours goes.</summary>
    /// <returns>The figures of the part.</returns>
    /// <exception cref="BenchException">The part failed; it has said why on standard error.</exception>
    public static async Task<JsonObject> RunAsync(BenchmarkRun run, string benchmark, string part)
    {
        string[] arguments = [benchmark, "--part", part, "--seed", run.Seed.ToString(CultureInfo.InvariantCulture), .. run.IsQuick ? ["--quick"] : Array.Empty<string>()];
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, arguments) { RedirectStandardOutput = true })!;
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(run.Cancel);
            await process.WaitForExitAsync(run.Cancel);
            return process.ExitCode == 0
                ? JsonNode.Parse(output)!.AsObject()
                : throw new BenchException($"the part '{part}' failed ({process.ExitCode})");
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    /// <summary>A part's own figures, without what every report begins with.</summary>
    public static JsonObject Figures(JsonObject part) =>
        new(part.Where(figure => figure.Key is not ("benchmark" or "machine")).Select(figure => KeyValuePair.Create(figure.Key, figure.Value?.DeepClone())));
}
