using System.Text;
using System.Text.Json.Serialization.Metadata;

namespace Bulkhead.PolicyFiles.Yaml;

/// <summary>
/// Writes a tree of a type's form in the one canonical style: fields in the type's order, two spaces, one field a line; lists of single values in
/// brackets where they fit; comments and single blank lines where they were.
/// </summary>
internal sealed class YamlWriter
{
    private const int Width = 120;

    private readonly StringBuilder _text = new();

    private YamlWriter()
    {
    }

    public static string Write(YamlMapping root, JsonTypeInfo type, IReadOnlyList<string> head)
    {
        var writer = new YamlWriter();
        writer.Lines(head, 0, first: true);
        KeepFeet(root);
        writer.Fields(root, type, 0, sections: true);
        return writer._text.Length == 0 ? "{}\n" : writer._text.ToString();
    }

    /// <summary>Comments in an empty collection have no line there, so they go before it.</summary>
    private static void KeepFeet(YamlCollection collection)
    {
        foreach (var entry in collection.Entries)
        {
            if (entry.Value is not YamlCollection inner)
            {
                continue;
            }

            KeepFeet(inner);
            if (!inner.Entries.Any())
            {
                entry.Before.AddRange(inner.Foot);
                inner.Foot.Clear();
            }
        }
    }

    private static IEnumerable<YamlField> InOrder(YamlMapping mapping, JsonTypeInfo type) => type.Kind == JsonTypeInfoKind.Object
        ? mapping.Fields.OrderBy(field => type.Properties.Index().First(property => property.Item.Name == field.Name).Index)
        : mapping.Fields;

    private static JsonTypeInfo TypeOf(YamlField field, JsonTypeInfo type) => type.Options.GetTypeInfo(type.Kind == JsonTypeInfoKind.Object
        ? type.Properties.First(property => property.Name == field.Name).PropertyType
        : type.ElementType!);

    private void Fields(YamlMapping mapping, JsonTypeInfo type, int indent, bool sections = false, bool opened = false)
    {
        var first = true;
        foreach (var field in InOrder(mapping, type))
        {
            if (sections && _text.Length > 0)
            {
                Blank();
            }

            if (!opened)
            {
                Lines(field.Before, indent, first);
                Indent(indent);
            }

            _text.Append(ScalarText.OfString(field.Name, inFlow: false)).Append(':');
            Value(field, TypeOf(field, type), indent, _text.Length - LineStart() + 1);
            (first, opened) = (false, false);
        }

        if (sections && mapping.Foot.Count > 0 && _text.Length > 0)
        {
            Blank();
        }

        Lines(mapping.Foot, indent, first);
    }

    private void Value(YamlField field, JsonTypeInfo type, int indent, int column)
    {
        switch (field.Value)
        {
            case YamlScalar scalar:
                _text.Append(' ');
                Scalar(scalar, type, indent, field.Inline);
                break;
            case YamlCollection collection when Flow(collection, type, column) is { } flow:
                _text.Append(' ').Append(flow);
                EndLine(field.Inline);
                break;
            case YamlSequence sequence:
                EndLine(field.Inline);
                Items(sequence, type.Options.GetTypeInfo(type.ElementType!), indent + 2);
                break;
            case YamlMapping mapping:
                EndLine(field.Inline);
                Fields(mapping, type, indent + 2);
                break;
        }
    }

    private void Items(YamlSequence sequence, JsonTypeInfo element, int indent)
    {
        var first = true;
        foreach (var item in sequence.Items)
        {
            var leading = item.Value is YamlMapping { Fields.Count: > 0 } mapping ? InOrder(mapping, element).First() : null;
            Lines(leading is null ? item.Before : [.. item.Before, .. item.Inline is null ? [] : new[] { item.Inline }, .. leading.Before.Where(line => line.Length > 0)], indent, first);
            first = false;
            Indent(indent);
            _text.Append("- ");
            switch (item.Value)
            {
                case YamlScalar scalar:
                    Scalar(scalar, element, indent, item.Inline);
                    break;
                case YamlMapping { Fields.Count: > 0 } fields:
                    Fields(fields, element, indent + 2, opened: true);
                    break;
                default:
                    _text.Append(item.Value is YamlSequence ? "[]" : "{}");
                    EndLine(item.Inline);
                    break;
            }
        }

        Lines(sequence.Foot, indent, first);
    }

    private void Scalar(YamlScalar scalar, JsonTypeInfo type, int indent, string? comment)
    {
        var isText = type.Type == typeof(string);
        if (isText && !scalar.IsNull && ScalarText.CanBeBlock(scalar.Text))
        {
            _text.Append(scalar.Text.EndsWith('\n') ? '|' : "|-");
            EndLine(comment);
            foreach (var line in scalar.Text.TrimEnd('\n').Split('\n'))
            {
                Indent(line.Length == 0 ? 0 : indent + 2);
                _text.Append(line).Append('\n');
            }

            return;
        }

        _text.Append(Inline(scalar, isText, inFlow: false));
        EndLine(comment);
    }

    /// <summary>The text of a collection of single values without comments that fits the line, or of an empty one; else null.</summary>
    private static string? Flow(YamlCollection collection, JsonTypeInfo type, int column)
    {
        var element = type.Kind == JsonTypeInfoKind.Object ? null : type.ElementType;
        var entries = collection.Entries.ToList();
        if (collection.Foot.Count > 0 || (entries.Count > 0 && element is null)
            || entries.Exists(entry => entry.Value is not YamlScalar || entry.Inline is not null || entry.Before.Exists(line => line.Length > 0)))
        {
            return null;
        }

        var values = entries.Select(entry => (entry is YamlField field ? $"{ScalarText.OfString(field.Name, inFlow: true)}: " : "") + Inline((YamlScalar)entry.Value, element == typeof(string), inFlow: true));
        var text = string.Join(", ", values);
        text = collection is YamlSequence ? $"[{text}]" : text.Length == 0 ? "{}" : $"{{ {text} }}";
        return column + text.Length > Width ? null : text;
    }

    private static string Inline(YamlScalar scalar, bool isText, bool inFlow) =>
        scalar.IsNull ? "null" : isText ? ScalarText.OfString(scalar.Text, inFlow) : ScalarText.OfOther(scalar.Text, inFlow);

    /// <summary>Comment lines; of blank ones no two together, and none first.</summary>
    private void Lines(IReadOnlyList<string> lines, int indent, bool first)
    {
        foreach (var line in lines)
        {
            if (line.Length == 0)
            {
                if (!first)
                {
                    Blank();
                }
            }
            else
            {
                Indent(indent);
                _text.Append(line).Append('\n');
                first = false;
            }
        }
    }

    private void Blank()
    {
        if (_text.Length > 1 && !(_text[^1] == '\n' && _text[^2] == '\n'))
        {
            _text.Append('\n');
        }
    }

    private void Indent(int indent) => _text.Append(' ', indent);

    private void EndLine(string? comment)
    {
        if (comment is not null)
        {
            _text.Append(' ').Append(comment);
        }

        _text.Append('\n');
    }

    private int LineStart()
    {
        var at = _text.Length;
        while (at > 0 && _text[at - 1] != '\n')
        {
            at--;
        }

        return at;
    }
}
