using Spectre.Console;

namespace Bulkhead.Cli.Output;

/// <summary>A cell: text, and how it looks where there is colour. The text alone says everything.</summary>
internal readonly record struct Cell(string Text, Style? Style = null)
{
    public static implicit operator Cell(string? text) => new(text ?? "");
}

/// <summary>A table without lines: upper-case headings, columns two spaces apart.</summary>
internal sealed class Listing
{
    private readonly Table _table = new Table().NoBorder();

    public Listing(params ReadOnlySpan<string> headings)
    {
        foreach (var heading in headings)
        {
            _table.AddColumn(new TableColumn(new Text(heading.ToUpperInvariant(), new Style(decoration: Decoration.Dim))).PadLeft(0).PadRight(2));
        }
    }

    public Listing Row(params ReadOnlySpan<Cell> cells)
    {
        var texts = new List<Text>(cells.Length);
        foreach (var cell in cells)
        {
            texts.Add(new(cell.Text, cell.Style));
        }

        _table.AddRow(texts);
        return this;
    }

    /// <summary>Writes it, or <paramref name="ifEmpty"/> if it has no rows.</summary>
    public void WriteTo(IAnsiConsole console, string ifEmpty)
    {
        if (_table.Rows.Count == 0)
        {
            console.WriteLine(ifEmpty);
        }
        else
        {
            console.Write(_table);
        }
    }
}
