using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Bulkhead.Contracts.Rest;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Cli.Documents;

/// <summary>
/// Turns YAML (of which JSON is a part) into JSON of a given type. It checks the form alone: unknown names, missing values, wrong kinds. Every
/// problem is collected with its line and column, so that a file is mended in one go.
/// </summary>
internal sealed class DocumentReader(string source, ICollection<DiagnosticView> problems)
{
    /// <summary>The JSON of a node, or null if it is not of the type's form; then the problems say why.</summary>
    public JsonNode? Read(YamlNode node, JsonTypeInfo type, string path) => type.Kind switch
    {
        JsonTypeInfoKind.Object => ReadObject(node, type, path),
        JsonTypeInfoKind.Enumerable => ReadList(node, type, path),
        _ => ReadScalar(node, type, path),
    };

    /// <summary>Adds a problem at a node.</summary>
    public void Complain(YamlNode node, string code, string path, string message) => Complain(node.Start, code, path, message);

    /// <summary>Adds a problem at a place in the text.</summary>
    public void Complain(Mark at, string code, string path, string message) =>
        problems.Add(new("error", code, string.Create(CultureInfo.InvariantCulture, $"{source}:{at.Line}:{at.Column} {path}").TrimEnd(), message));

    private JsonObject? ReadObject(YamlNode node, JsonTypeInfo type, string path)
    {
        if (node is not YamlMappingNode mapping)
        {
            Complain(node, "bad-form", path, $"Here should be an object with: {Names(type)}.");
            return null;
        }

        var result = new JsonObject();
        foreach (var (key, value) in mapping.Children)
        {
            var name = (key as YamlScalarNode)?.Value ?? key.ToString();
            var place = path.Length == 0 ? name : $"{path}.{name}";
            if (type.Properties.FirstOrDefault(property => property.Name == name) is not { } property)
            {
                Complain(key, "unknown-name", place, $"There is no '{name}' here. There is: {Names(type)}.");
            }
            else if (!IsNull(value))
            {
                result[name] = Read(value, type.Options.GetTypeInfo(property.PropertyType), place);
            }
            else if (!property.IsSetNullable)
            {
                Complain(value, "no-value", place, $"'{name}' needs a value; leave the line out for the usual one.");
            }
        }

        return result;
    }

    private JsonArray? ReadList(YamlNode node, JsonTypeInfo type, string path)
    {
        if (node is not YamlSequenceNode sequence)
        {
            Complain(node, "bad-form", path, "Here should be a list.");
            return null;
        }

        var element = type.Options.GetTypeInfo(type.ElementType!);
        var result = new JsonArray();
        foreach (var (index, item) in sequence.Children.Index())
        {
            result.Add(Read(item, element, $"{path}[{index}]"));
        }

        return result;
    }

    private JsonValue? ReadScalar(YamlNode node, JsonTypeInfo type, string path)
    {
        if (node is not YamlScalarNode { Value: { } text } || IsNull(node))
        {
            Complain(node, "bad-form", path, "Here should be a single value.");
            return null;
        }

        var wanted = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        if (wanted == typeof(string))
        {
            return JsonValue.Create(text);
        }

        if (wanted == typeof(long))
        {
            if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            {
                return JsonValue.Create(number);
            }

            Complain(node, "bad-number", path, $"'{text}' is not a whole number.");
            return null;
        }

        if (wanted == typeof(DateTimeOffset))
        {
            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            {
                return JsonValue.Create(time);
            }

            Complain(node, "bad-time", path, $"'{text}' is not a time. Write it like 2026-03-01T08:00:00Z.");
            return null;
        }

        throw new NotSupportedException($"A policy document has no value of type {wanted}.");
    }

    private static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: "" or "~" or "null" or null };

    private static string Names(JsonTypeInfo type) => string.Join(", ", type.Properties.Select(property => property.Name));
}
