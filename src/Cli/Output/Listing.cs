using Spectre.Console;

namespace Bulkhead.Cli.Output;

/// <summary>A cell: text, and how it looks where there is colour. The text alone says everything.</summary>
internal readonly record struct Cell(string Text, Style? Style = null)
{
    public static implicit operator Cell(string? text) => new(text ?? "");
}

/// <summary>A table without lines: upper-case headings, columns two spaces apart, and no column that has nothing in it.</summary>
internal sealed class Listing(params string[] headings)
{
    private readonly List<Cell[]> _rows = [];

    /// <summary>Names on the left, what is known on the right, no headings.</summary>
    public static Listing Facts() => new("", "");

    public Listing Row(params Cell[] cells)
    {
        _rows.Add(cells);
        return this;
    }

    /// <summary>Writes it, or <paramref name="ifEmpty"/> if it has no rows.</summary>
    public void WriteTo(IAnsiConsole console, string ifEmpty)
    {
        if (_rows.Count == 0)
        {
            console.WriteLine(ifEmpty);
            return;
        }

        var columns = Enumerable.Range(0, headings.Length).Where(column => _rows.Any(row => row[column].Text.Length > 0)).ToList();
        var table = new Table().NoBorder();
        table.ShowHeaders = headings.Any(heading => heading.Length > 0);
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(new Text(headings[column].ToUpperInvariant(), new Style(decoration: Decoration.Dim))).PadLeft(0).PadRight(2));
        }

        foreach (var row in _rows)
        {
            table.AddRow(columns.Select(column => new Text(Words.Printable(row[column].Text), row[column].Style)));
        }

        console.Write(table);
    }
}
