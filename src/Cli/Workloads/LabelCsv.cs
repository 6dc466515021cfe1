using System.Text;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Cli.Workloads;

/// <summary>Reads label edits from comma-separated values (RFC 4180, as spreadsheets write them).</summary>
internal static class LabelCsv
{
    private const string Removal = "-";

    /// <summary>One edit a line; fails with everything that is wrong, each with its line.</summary>
    public static IReadOnlyList<LabelEdit> Read(string text)
    {
        var rows = Rows(text).Where(row => row.Cells.Any(cell => cell.Length > 0)).ToList();
        var problems = new List<DiagnosticView>();
        if (rows.Count == 0 || rows[0].Cells[0] != "workload")
        {
            problems.Add(new("error", "bad-heading", "line 1", "The first line is the heading: 'workload', then label keys, such as workload,role,app,env."));
            throw Failure.Refused("The file was not imported.", problems);
        }

        var keys = Keys(rows[0].Cells, problems);
        var edits = new Dictionary<string, LabelEdit>(StringComparer.Ordinal);
        foreach (var (line, cells) in rows.Skip(1))
        {
            if (cells.Count != keys.Count + 1)
            {
                problems.Add(new("error", "bad-line", $"line {line}", $"It has {cells.Count} cells, and the heading {keys.Count + 1}."));
            }
            else if (cells[0].Length == 0)
            {
                problems.Add(new("error", "no-workload", $"line {line}", "The first cell names the workload."));
            }
            else if (!edits.TryAdd(cells[0], Edit(cells, keys, line, problems)))
            {
                problems.Add(new("error", "repeated-workload", $"line {line}", $"'{cells[0]}' stands in an earlier line already."));
            }
        }

        return problems.Count == 0 ? [.. edits.Values] : throw Failure.Refused("The file was not imported.", problems);
    }

    private static List<string> Keys(List<string> heading, List<DiagnosticView> problems)
    {
        var keys = heading[1..];
        if (keys.Count == 0)
        {
            problems.Add(new("error", "bad-heading", "line 1", "The heading names no label key."));
        }

        foreach (var key in keys.Where(key => !LabelText.IsKey(key)))
        {
            problems.Add(new("error", "bad-label-key", "line 1", $"'{key}' is not a label key."));
        }

        foreach (var key in keys.GroupBy(key => key, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            problems.Add(new("error", "repeated-key", "line 1", $"'{key.Key}' stands twice."));
        }

        return keys;
    }

    private static LabelEdit Edit(List<string> cells, List<string> keys, int line, List<DiagnosticView> problems)
    {
        var set = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var remove = new List<string>();
        foreach (var (key, value) in keys.Zip(cells[1..]))
        {
            if (value == Removal)
            {
                remove.Add(key);
            }
            else if (value.Length > 0)
            {
                set[key] = value;
                if (!LabelText.IsValue(value))
                {
                    problems.Add(new("error", "bad-label-value", $"line {line}, {key}", $"'{value}' is not a label value. A value has 1 to {LabelText.MaxValueLength} characters, none of , | = ! * \" ( )."));
                }
            }
        }

        return new(cells[0], set, remove, null);
    }

    /// <summary>Rows with the number of the line on which each begins.</summary>
    private static IEnumerable<(int Line, List<string> Cells)> Rows(string text)
    {
        var cells = new List<string>();
        var cell = new StringBuilder();
        var quoted = false;
        var (line, start) = (1, 1);
        for (var i = text.StartsWith('\uFEFF') ? 1 : 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '"' when quoted && i + 1 < text.Length && text[i + 1] == '"':
                    cell.Append(text[++i]);
                    break;
                case '"':
                    quoted = !quoted;
                    break;
                case ',' when !quoted:
                    Flush();
                    break;
                case '\n' when !quoted:
                    Flush();
                    yield return (start, cells);
                    cells = [];
                    start = ++line;
                    break;
                case var c:
                    line += c == '\n' ? 1 : 0;
                    cell.Append(c);
                    break;
            }
        }

        if (cell.Length > 0 || cells.Count > 0)
        {
            Flush();
            yield return (start, cells);
        }

        void Flush()
        {
            cells.Add(cell.ToString().Trim());
            cell.Clear();
        }
    }
}
