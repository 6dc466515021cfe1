using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Bulkhead.Policy.Documents;
using Bulkhead.PolicyFiles.Inventory;

namespace Bulkhead.PolicyFiles.Tests;

/// <summary>
/// Makes the JSON Schemas of <c>docs/schema</c> from the document types: descriptions from their doc comments, enumerations from
/// <see cref="OneOfAttribute"/>; a text that is usually empty must be written, and so must the lists that the parser wants something in.
/// </summary>
internal static partial class SchemaGenerator
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly HashSet<(Type, string)> s_neededLists =
    [
        (typeof(RulesetDocument), "scopes"), (typeof(RuleDocument), "services"), (typeof(ServiceDocument), "ports"), (typeof(FailSafeDocument), "ports"), (typeof(PlanDocument), "networks"),
    ];

    private static readonly Dictionary<string, string> s_comments = new[] { typeof(PolicyDocument), typeof(InventoryDocument) }
        .SelectMany(type => XDocument.Load(Path.ChangeExtension(type.Assembly.Location, ".xml")).Descendants("member"))
        .Where(member => member.Element("summary") is not null)
        .ToDictionary(member => member.Attribute("name")!.Value, member => Text(member.Element("summary")!));

    /// <summary>The files by name.</summary>
    public static IReadOnlyDictionary<string, string> Files { get; } = new Dictionary<string, string>
    {
        ["policy.schema.json"] = Write(PolicyJson.Default.PolicyDocument, "Bulkhead policy file", "A part of a policy: any of these sections. The files of a folder are one policy."),
        ["inventory.schema.json"] = Write(InventoryJson.Default.InventoryDocument, "Bulkhead inventory file", "Workloads, to compile, explain and assert without a controller."),
    };

    private static string Write(JsonTypeInfo type, string title, string description)
    {
        var body = JsonSchemaExporter.GetJsonSchemaAsNode(type, new() { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Describe }).AsObject();
        body.Remove("description");
        var schema = new JsonObject { ["$schema"] = "https://json-schema.org/draft/2020-12/schema", ["title"] = title, ["description"] = description };
        foreach (var (name, value) in body.ToList())
        {
            body.Remove(name);
            schema[name] = value;
        }

        return schema.ToJsonString(s_indented).ReplaceLineEndings("\n") + "\n";
    }

    private static JsonNode Describe(JsonSchemaExporterContext context, JsonNode node)
    {
        if (node is not JsonObject schema)
        {
            return node;
        }

        schema.Remove("default");
        if (context.PropertyInfo is { } property)
        {
            schema.Insert(0, "description", Comment(property));
            if (Attribute<OneOfAttribute>(property) is { } choice)
            {
                schema["enum"] = new JsonArray([.. choice.Words.Select(word => JsonValue.Create(word)), .. property.IsSetNullable ? new JsonNode?[] { null } : []]);
                if (!property.IsSetNullable)
                {
                    schema["default"] = choice.Words[0];
                }
            }

            if (s_neededLists.Contains((property.DeclaringType, property.Name)))
            {
                schema["minItems"] = 1;
            }

            if ((property.DeclaringType, property.Name) == (typeof(RuleDocument), "id"))
            {
                (schema["minimum"], schema["maximum"]) = (0, RuleIds.Max);
            }
        }

        if (context.TypeInfo.Type == typeof(string) && !schema.ContainsKey("enum"))
        {
            // Words need no quotes in files, be they made of digits or not.
            var types = schema["type"] is JsonArray several ? several.Select(type => (string)type!) : [(string)schema["type"]!];
            schema["type"] = new JsonArray([.. types.Concat(["number", "boolean"]).Select(type => JsonValue.Create(type))]);
        }

        if (context.TypeInfo.Type == typeof(AssertionDocument))
        {
            schema["oneOf"] = new JsonArray([.. new[] { "never", "must" }.Select(word => new JsonObject
            {
                ["properties"] = new JsonObject { [word] = new JsonObject { ["type"] = "object" } },
                ["required"] = new JsonArray(word),
            })]);
        }

        if (context.TypeInfo.Kind == JsonTypeInfoKind.Object && context.TypeInfo.Properties.Where(IsNeeded).Select(p => JsonValue.Create(p.Name)).ToArray() is { Length: > 0 } needed)
        {
            schema["required"] = new JsonArray(needed);
        }

        return schema;
    }

    private static bool IsNeeded(JsonPropertyInfo property) =>
        s_neededLists.Contains((property.DeclaringType, property.Name))
        || (property.PropertyType == typeof(string) && !property.IsSetNullable && property.Name != "space" && Attribute<OneOfAttribute>(property) is null);

    private static string Comment(JsonPropertyInfo property) =>
        s_comments[$"P:{property.DeclaringType.FullName}.{Member(property)}"];

    private static T? Attribute<T>(JsonPropertyInfo property)
        where T : Attribute => (T?)System.Attribute.GetCustomAttribute(property.DeclaringType.GetProperty(Member(property))!, typeof(T));

    private static string Member(JsonPropertyInfo property) => char.ToUpperInvariant(property.Name[0]) + property.Name[1..];

    private static string Text(XElement summary) => Spaces().Replace(string.Concat(summary.DescendantNodes().Select(node => node switch
    {
        XText text => text.Value,
        XElement element when element.Attribute("cref") is { } reference => reference.Value.Split('.')[^1],
        _ => "",
    })), " ").Trim();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
