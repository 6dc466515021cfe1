using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Bulkhead.PolicyFiles.Yaml;

namespace Bulkhead.PolicyFiles.Tests;

/// <summary>As much of a validator as the published schemas use, for files as an editor reads them: by YAML's core schema.</summary>
internal static class SchemaCheck
{
    private static readonly HashSet<string> s_known =
        ["$schema", "title", "description", "default", "format", "type", "properties", "additionalProperties", "items", "required", "enum", "minItems", "minimum", "maximum", "oneOf"];

    public static bool Accepts(string schema, string yaml) => Accepts(JsonNode.Parse(schema)!, Value(YamlReader.Read(new("f", yaml), [])!));

    private static bool Accepts(JsonNode? schema, JsonNode? value)
    {
        if (schema is not JsonObject asked)
        {
            return schema?.GetValue<bool>() ?? true;
        }

        Assert.All(asked, word => Assert.Contains(word.Key, s_known));
        var list = value as JsonArray;
        var fields = value as JsonObject;
        return (asked["type"] is not { } type || (type as JsonArray ?? [type.DeepClone()]).Any(name => Is(value, (string)name!)))
            && (asked["enum"] is not JsonArray words || words.Any(word => JsonNode.DeepEquals(word, value)))
            && (asked["minimum"] is not { } least || value is null || (decimal)least <= value.GetValue<decimal>())
            && (asked["maximum"] is not { } most || value is null || (decimal)most >= value.GetValue<decimal>())
            && (asked["minItems"] is not { } items || list is null || list.Count >= (int)items)
            && (list is null || list.All(item => Accepts(asked["items"], item)))
            && (fields is null || asked["required"] is not JsonArray needed || needed.All(name => fields.ContainsKey((string)name!)))
            && (fields is null || fields.All(field => Accepts(asked["properties"]?[field.Key] ?? asked["additionalProperties"], field.Value)))
            && (asked["oneOf"] is not JsonArray choices || choices.Count(choice => Accepts(choice, value)) == 1);
    }

    private static bool Is(JsonNode? value, string type) => type switch
    {
        "null" => value is null,
        "object" => value is JsonObject,
        "array" => value is JsonArray,
        "string" => value?.GetValueKind() == JsonValueKind.String,
        "boolean" => value?.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
        "number" => value?.GetValueKind() == JsonValueKind.Number,
        "integer" => value?.GetValueKind() == JsonValueKind.Number && decimal.IsInteger(value.GetValue<decimal>()),
        _ => throw new NotSupportedException(type),
    };

    private static JsonNode? Value(YamlTree tree) => tree switch
    {
        YamlMapping mapping => new JsonObject(mapping.Fields.Select(field => KeyValuePair.Create(field.Name, Value(field.Value)))),
        YamlSequence sequence => new JsonArray([.. sequence.Items.Select(item => Value(item.Value))]),
        YamlScalar { IsNull: true } => null,
        YamlScalar { IsPlain: true, Text: "true" or "false" } scalar => scalar.Text == "true",
        YamlScalar { IsPlain: true } scalar when decimal.TryParse(scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        YamlScalar scalar => scalar.Text,
        _ => throw new NotSupportedException(),
    };
}
