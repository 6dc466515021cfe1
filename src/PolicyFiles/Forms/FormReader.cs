using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Bulkhead.Policy;
using Bulkhead.PolicyFiles.Yaml;

namespace Bulkhead.PolicyFiles.Forms;

/// <summary>
/// Turns a tree into JSON of a given type. It checks the form alone: unknown names, missing values, wrong kinds; all problems are collected.
/// What is wrong is replaced by something empty, so that places keep their index.
/// </summary>
internal sealed class FormReader(ICollection<FileDiagnostic> problems)
{
    private readonly Stack<string> _path = new();

    /// <summary>Nodes with a problem of their own, of whose content nothing else should be said.</summary>
    public HashSet<YamlTree> Disturbed { get; } = [];

    public JsonNode Read(YamlTree node, JsonTypeInfo type) => type.Kind switch
    {
        JsonTypeInfoKind.Object => ReadObject(node, type),
        JsonTypeInfoKind.Enumerable => ReadList(node, type),
        JsonTypeInfoKind.Dictionary => ReadWords(node, type),
        _ => ReadScalar(node, type),
    };

    private JsonObject ReadObject(YamlTree node, JsonTypeInfo type)
    {
        var result = new JsonObject();
        if (node is not YamlMapping mapping)
        {
            Complain(node, node, "bad-form", $"Here should be an object with: {Names(type)}.");
            return result;
        }

        foreach (var field in mapping.Fields)
        {
            _path.Push(_path.Count == 0 ? field.Name : $".{field.Name}");
            if (type.Properties.FirstOrDefault(property => property.Name == field.Name) is not { } property)
            {
                Complain(mapping, field.Key, "unknown-name", $"There is no '{field.Name}' here.{Spelling.Hint(field.Name, type.Properties.Select(p => p.Name))} There is: {Names(type)}.");
            }
            else if (field.Value is not YamlScalar { IsNull: true })
            {
                result[field.Name] = Read(field.Value, type.Options.GetTypeInfo(property.PropertyType));
            }
            else if (!property.IsSetNullable)
            {
                Complain(mapping, field.Value, "no-value", $"'{field.Name}' needs a value; leave the line out for the usual one.");
            }

            _path.Pop();
        }

        return result;
    }

    private JsonArray ReadList(YamlTree node, JsonTypeInfo type)
    {
        var result = new JsonArray();
        if (node is not YamlSequence sequence)
        {
            Complain(node, node, "bad-form", "Here should be a list, such as [a, b], or lines that start with '- '.");
            return result;
        }

        var element = type.Options.GetTypeInfo(type.ElementType!);
        foreach (var (index, item) in sequence.Items.Index())
        {
            _path.Push(string.Create(CultureInfo.InvariantCulture, $"[{index}]"));
            result.Add(Read(item.Value, element));
            _path.Pop();
        }

        return result;
    }

    /// <summary>Names of one's own with single values.</summary>
    private JsonObject ReadWords(YamlTree node, JsonTypeInfo type)
    {
        var result = new JsonObject();
        if (node is not YamlMapping mapping)
        {
            Complain(node, node, "bad-form", "Here should be names with values, such as {role: web, app: shop}.");
            return result;
        }

        var element = type.Options.GetTypeInfo(type.ElementType!);
        foreach (var field in mapping.Fields)
        {
            _path.Push($".{field.Name}");
            result[field.Name] = Read(field.Value, element);
            _path.Pop();
        }

        return result;
    }

    private JsonValue ReadScalar(YamlTree node, JsonTypeInfo type)
    {
        var wanted = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        if (node is not YamlScalar { IsNull: false, Text: var text })
        {
            Complain(node, node, "bad-form", "Here should be a single value.");
            return Nothing(wanted);
        }

        if (wanted == typeof(string))
        {
            return JsonValue.Create(text)!;
        }

        var isPlain = ((YamlScalar)node).IsPlain;
        if (wanted == typeof(long))
        {
            if (isPlain && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            {
                return JsonValue.Create(number);
            }

            Complain(node, node, "bad-number", $"'{text}' is not a whole number{(isPlain ? "" : "; write it without quotes")}.");
        }
        else if (wanted == typeof(bool))
        {
            if (isPlain && text is ("true" or "false"))
            {
                return JsonValue.Create(text == "true");
            }

            Complain(node, node, "bad-boolean", $"'{text}' is neither true nor false{(isPlain ? "" : "; write it without quotes")}.");
        }
        else if (wanted == typeof(DateTimeOffset))
        {
            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            {
                return JsonValue.Create(time);
            }

            Complain(node, node, "bad-time", $"'{text}' is not a time. Write it like 2026-03-01T08:00:00Z.");
        }
        else
        {
            throw new NotSupportedException($"No document has a value of type {wanted}.");
        }

        return Nothing(wanted);
    }

    private static JsonValue Nothing(Type type) =>
        type == typeof(long) ? JsonValue.Create(0L)
        : type == typeof(bool) ? JsonValue.Create(false)
        : type == typeof(DateTimeOffset) ? JsonValue.Create(DateTimeOffset.UnixEpoch)
        : JsonValue.Create("")!;

    private void Complain(YamlTree disturbed, YamlTree at, string code, string message)
    {
        Disturbed.Add(disturbed);
        if (at is YamlRefused)
        {
            return;
        }

        problems.Add(new(at.At, Diagnostic.Error(code, string.Concat(_path.Reverse()), message)));
    }

    private static string Names(JsonTypeInfo type) => string.Join(", ", type.Properties.Select(property => property.Name));
}
