using System.Globalization;
using Bulkhead.PolicyFiles.Yaml;

namespace Bulkhead.PolicyFiles;

/// <summary>
/// Finds the node that a diagnostic's path means, such as <c>rulesets[shop].rules[2].to</c>: lists of several files count as one, and what
/// has a name, or else a selector, is found by it. Where nothing is written, the nearest that is.
/// </summary>
internal sealed class PlaceIndex
{
    private readonly Dictionary<string, List<YamlTree>> _lists = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<string, YamlTree>> _named = new(StringComparer.Ordinal);

    /// <summary>Adds the lists of a file, after those of the files before it.</summary>
    public void Add(YamlMapping file)
    {
        foreach (var field in file.Fields)
        {
            if (field.Value is not YamlSequence sequence)
            {
                continue;
            }

            if (!_lists.TryGetValue(field.Name, out var list))
            {
                _lists.Add(field.Name, list = []);
                _named.Add(field.Name, new(StringComparer.Ordinal));
            }

            foreach (var item in sequence.Items)
            {
                list.Add(item.Value);
                if (item.Value is YamlMapping mapping && (mapping["name"] ?? mapping["selector"]) is YamlScalar name)
                {
                    _named[field.Name].TryAdd(name.Text, item.Value);
                }
            }
        }
    }

    /// <summary>The items of a list, of all files in order.</summary>
    public IReadOnlyList<YamlTree> Items(string list) => _lists.TryGetValue(list, out var items) ? items : [];

    /// <summary>The node that a path means, and all that it lies within, outermost first; none if it is nowhere written.</summary>
    public IReadOnlyList<YamlTree> Find(string path)
    {
        var bracket = path.IndexOf('[', StringComparison.Ordinal);
        if (bracket < 0 || !_lists.TryGetValue(path[..bracket], out var items))
        {
            return [];
        }

        var (top, rest) = FindItem(_named[path[..bracket]], items, path[(bracket + 1)..]);
        var trail = new List<YamlTree>();
        for (var at = top; at is not null; at = Step(at, ref rest))
        {
            trail.Add(at);
        }

        return trail;
    }

    /// <summary>A name may itself hold brackets and dots, so the longest that is one counts.</summary>
    private static (YamlTree? Item, string Behind) FindItem(Dictionary<string, YamlTree> named, List<YamlTree> items, string text)
    {
        for (var end = text.LastIndexOf(']'); end >= 0; end = end == 0 ? -1 : text.LastIndexOf(']', end - 1))
        {
            var (name, rest) = (text[..end], text[(end + 1)..]);
            if (rest.Length == 0 || rest[0] is '.' or '[')
            {
                if (named.TryGetValue(name, out var item))
                {
                    return (item, rest);
                }

                if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < items.Count)
                {
                    return (items[index], rest);
                }
            }
        }

        return (null, "");
    }

    private static YamlTree? Step(YamlTree at, ref string rest)
    {
        var length = rest.Length < 2 ? 0 : rest.AsSpan(1).IndexOfAny('.', '[') is var next and >= 0 ? next + 1 : rest.Length;
        if (length == 0)
        {
            return null;
        }

        var segment = rest[..length];
        rest = rest[length..];
        return segment[0] == '.'
            ? (at as YamlMapping)?[segment[1..]]
            : at is YamlSequence sequence && int.TryParse(segment[1..].TrimEnd(']'), NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < sequence.Items.Count
                ? sequence.Items[index].Value
                : null;
    }
}
