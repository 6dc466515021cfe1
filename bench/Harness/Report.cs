using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Bulkhead.Bench.Harness;

/// <summary>The figures of a run, in the order in which they are added; printed as one line of JSON.</summary>
internal sealed class Report
{
    private readonly JsonObject _figures = [];

    /// <summary>Begins with the benchmark's name and the machine that it ran on.</summary>
    public Report(string benchmark)
    {
        _figures["benchmark"] = benchmark;
        _figures["machine"] = new JsonObject
        {
            ["cores"] = Environment.ProcessorCount,
            ["kernel"] = File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
            ["architecture"] = RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant(),
            ["dotnet"] = Environment.Version.ToString(),
        };
    }

    /// <summary>Adds a figure, rounded as <see cref="Rounded"/> does.</summary>
    public void Add(string name, double value) => _figures[name] = Rounded(value);

    /// <summary>Adds figures of a part, or a table.</summary>
    public void Add(string name, JsonNode value) => _figures[name] = value;

    /// <summary>Four significant digits, which is more than any run can tell.</summary>
    public static double Rounded(double value) =>
        Math.Round(value, value == 0 ? 0 : Math.Clamp(3 - (int)Math.Floor(Math.Log10(Math.Abs(value))), 0, 8));

    /// <summary>Adds a count.</summary>
    public void Add(string name, long value) => _figures[name] = value;

    /// <summary>Adds a fact.</summary>
    public void Add(string name, bool value) => _figures[name] = value;

    /// <summary>Whether what was measured is wrong, whatever the figures are; the run ends with exit code 1.</summary>
    public bool Failed { get; set; }

    /// <inheritdoc/>
    public override string ToString() => _figures.ToJsonString(JsonSerializerOptions.Web);
}
