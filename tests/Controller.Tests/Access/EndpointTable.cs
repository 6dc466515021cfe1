using System.Text.Json;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Controller.Tests.Access;

/// <summary>The table of <c>docs/security.md</c> that says who may use which endpoint: what operators read is what the tests hold the controller to.</summary>
internal static class EndpointTable
{
    private const string Prefix = "/api/v1";

    /// <summary>An endpoint, and who it answers.</summary>
    public sealed record Row(string Method, string Path, IReadOnlySet<string> Allowed)
    {
        public override string ToString() => $"{Method} {Path}";

        /// <summary>The path with made-up values.</summary>
        public string Example => Path
            .Replace("{id}", Path.StartsWith($"{Prefix}/policy", StringComparison.Ordinal) ? "1" : Guid.Empty.ToString(), StringComparison.Ordinal)
            .Replace("{number}", "999", StringComparison.Ordinal)
            .Replace("{name}", "no-such", StringComparison.Ordinal)
            .Replace("{idOrName}", "no-such", StringComparison.Ordinal);
    }

    public const string Nobody = "nobody";
    public const string OneTime = "one-time";

    /// <summary>The roles of the table's columns.</summary>
    public static IReadOnlyList<string> RoleNames { get; } = [.. Enum.GetNames<AccessRole>().Select(JsonNamingPolicy.CamelCase.ConvertName)];

    public static (IReadOnlyList<string> Columns, IReadOnlyList<Row> Rows) Read()
    {
        var lines = File.ReadAllLines(Repository.PathOf("docs/security.md"));
        var at = Array.FindIndex(lines, line => line.StartsWith("| below /api/v1", StringComparison.Ordinal));
        string[] columns = [.. Cells(lines[at]).Skip(1)];
        return (columns, [.. lines.Skip(at + 2).TakeWhile(line => line.StartsWith('|')).Select(line => ToRow(Cells(line), columns))]);
    }

    private static Row ToRow(string[] cells, string[] columns)
    {
        var endpoint = cells[0].Trim('`').Split(' ');
        Assert.All(cells.Skip(1), cell => Assert.True(cell is "yes" or "–", $"{cells[0]}: '{cell}' is neither 'yes' nor '–'"));
        return new(endpoint[0], Prefix + endpoint[1], columns.Where((_, i) => cells[i + 1] == "yes").ToHashSet(StringComparer.Ordinal));
    }

    private static string[] Cells(string line) => [.. line.Trim('|').Split('|').Select(cell => cell.Trim())];
}
