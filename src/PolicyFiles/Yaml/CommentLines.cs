namespace Bulkhead.PolicyFiles.Yaml;

/// <summary>A comment as it stands in the text.</summary>
/// <param name="Line">From 0.</param>
/// <param name="Column">From 0, of its <c>#</c>.</param>
/// <param name="Index">Of its <c>#</c> in the text.</param>
/// <param name="OwnLine">Whether nothing else stands on its line.</param>
/// <param name="Text">From <c>#</c> to the end of the line, without white space at the end.</param>
internal readonly record struct Comment(int Line, int Column, int Index, bool OwnLine, string Text);

/// <summary>The comments and blank lines of a text, whose values are known by the tree, so that a <c>#</c> in a value is none. Lines end with <c>\n</c>.</summary>
internal sealed class CommentLines
{
    private readonly List<int> _starts = [0];
    private readonly HashSet<int> _blank = [];

    public CommentLines(string text, YamlTree tree)
    {
        for (var i = text.IndexOf('\n', StringComparison.Ordinal); i >= 0; i = text.IndexOf('\n', i + 1))
        {
            _starts.Add(i + 1);
        }

        var values = Scalars(tree).Where(scalar => scalar.End > scalar.Start).OrderBy(scalar => scalar.Start).ToList();
        var next = 0;
        for (var line = 0; line < _starts.Count; line++)
        {
            var end = line + 1 < _starts.Count ? _starts[line + 1] - 1 : text.Length;
            Read(text, line, end, values, ref next);
        }
    }

    /// <summary>In the order of the text.</summary>
    public List<Comment> Comments { get; } = [];

    /// <summary>The line of an index, from 0.</summary>
    public int LineOf(int index)
    {
        var found = _starts.BinarySearch(index);
        return found < 0 ? ~found - 1 : found;
    }

    /// <summary>Whether a line is empty and lies in no value.</summary>
    public bool IsBlank(int line) => _blank.Contains(line);

    private void Read(string text, int line, int end, List<YamlScalar> values, ref int next)
    {
        var at = _starts[line];
        var empty = true;
        while (at < end)
        {
            while (next < values.Count && End(text, values[next]) <= at)
            {
                next++;
            }

            if (next < values.Count && values[next].Start <= at)
            {
                empty = false;
                if (text[values[next].Start] is '|' or '>' && values[next].Start >= _starts[line])
                {
                    ReadHeader(text, line, values[next].Start, end);
                    return;
                }

                at = Math.Min(end, End(text, values[next]));
            }
            else if (text[at] == '#' && (at == _starts[line] || char.IsWhiteSpace(text[at - 1]) || text[at - 1] == '\ufeff'))
            {
                Comments.Add(new(line, at - _starts[line], at, empty, text[at..end].TrimEnd()));
                return;
            }
            else
            {
                empty &= char.IsWhiteSpace(text[at]) || text[at] == '\ufeff';
                at++;
            }
        }

        var inValue = next < values.Count && values[next].Start < _starts[line] && End(text, values[next]) > _starts[line];
        if (empty && !inValue)
        {
            _blank.Add(line);
        }
    }

    /// <summary>Behind the bar of a value that follows in lines of its own.</summary>
    private void ReadHeader(string text, int line, int start, int end)
    {
        var hash = text.IndexOf('#', start, end - start);
        if (hash > 0)
        {
            Comments.Add(new(line, hash - _starts[line], hash, OwnLine: false, text[hash..end].TrimEnd()));
        }
    }

    /// <summary>A value below a bar ends, for the parser, where the next thing begins; the empty lines between are not its own.</summary>
    private static int End(string text, YamlScalar scalar)
    {
        var end = Math.Min(scalar.End, text.Length);
        while (end > scalar.Start && char.IsWhiteSpace(text[end - 1]))
        {
            end--;
        }

        return end;
    }

    private static IEnumerable<YamlScalar> Scalars(YamlTree tree)
    {
        switch (tree)
        {
            case YamlScalar scalar:
                yield return scalar;
                break;
            case YamlCollection collection:
                foreach (var entry in collection.Entries)
                {
                    if (entry is YamlField field)
                    {
                        yield return field.Key;
                    }

                    foreach (var scalar in Scalars(entry.Value))
                    {
                        yield return scalar;
                    }
                }

                break;
        }
    }
}
