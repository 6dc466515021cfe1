namespace Bulkhead.PolicyFiles.Yaml;

/// <summary>A YAML document as a tree: what is written, where, and with which comments. No aliases, no tags.</summary>
internal abstract class YamlTree(Place at, int start, int end)
{
    public Place At { get; } = at;

    /// <summary>Index of the first character.</summary>
    public int Start { get; } = start;

    /// <summary>Index after the last character; for block collections, where the text goes on.</summary>
    public int End { get; set; } = end;
}

/// <summary>A single value.</summary>
internal sealed class YamlScalar(Place at, int start, int end, string text, bool isPlain) : YamlTree(at, start, end)
{
    public string Text { get; } = text;

    /// <summary>Whether it is written without quotes.</summary>
    public bool IsPlain { get; } = isPlain;

    /// <summary>Whether it stands for no value: empty, <c>~</c> or <c>null</c> without quotes.</summary>
    public bool IsNull { get; } = isPlain && text is "" or "~" or "null" or "Null" or "NULL";
}

/// <summary>What stands there is not read, which is told already: an alias, or a value with a tag.</summary>
internal sealed class YamlRefused(Place at, int start, int end) : YamlTree(at, start, end);

/// <summary>A sequence or a mapping.</summary>
internal abstract class YamlCollection(Place at, int start, bool isFlow) : YamlTree(at, start, start)
{
    /// <summary>Whether it is written in brackets or braces, so that indentation means nothing in it.</summary>
    public bool IsFlow { get; } = isFlow;

    /// <summary>The entries, as far as comments are concerned.</summary>
    public abstract IEnumerable<YamlEntry> Entries { get; }

    /// <summary>Comment lines after the last entry.</summary>
    public List<string> Foot { get; } = [];
}

/// <summary>A list.</summary>
internal sealed class YamlSequence(Place at, int start, bool isFlow) : YamlCollection(at, start, isFlow)
{
    public List<YamlEntry> Items { get; } = [];

    public override IEnumerable<YamlEntry> Entries => Items;
}

/// <summary>Names with values, in the order in which they are written; no name stands twice.</summary>
internal sealed class YamlMapping(Place at, int start, bool isFlow) : YamlCollection(at, start, isFlow)
{
    public List<YamlField> Fields { get; } = [];

    public override IEnumerable<YamlEntry> Entries => Fields;

    public YamlTree? this[string name] => Fields.Find(field => field.Name == name)?.Value;
}

/// <summary>An item of a list, with the comments that belong to it.</summary>
internal class YamlEntry(YamlTree value)
{
    public YamlTree Value { get; } = value;

    /// <summary>Where it begins in the text.</summary>
    public virtual YamlTree First => Value;

    /// <summary>Comment lines before it; an empty one is a blank line.</summary>
    public List<string> Before { get; } = [];

    /// <summary>The comment behind it, on its own line of text.</summary>
    public string? Inline { get; set; }
}

/// <summary>A name with its value.</summary>
internal sealed class YamlField(YamlScalar key, YamlTree value) : YamlEntry(value)
{
    public YamlScalar Key { get; } = key;

    public string Name => Key.Text;

    public override YamlTree First => Key;
}
