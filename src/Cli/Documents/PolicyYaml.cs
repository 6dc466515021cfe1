using System.Text.Json;
using System.Text.Json.Nodes;
using Bulkhead.Policy.Documents;
using YamlDotNet.Serialization;

namespace Bulkhead.Cli.Documents;

/// <summary>Writes policy documents as YAML for people: without what is empty or usual, but always with what decides.</summary>
internal static class PolicyYaml
{
    private static readonly JsonObject UsualRule = JsonSerializer.SerializeToNode(new RuleDocument(), PolicyJson.Default.RuleDocument)!.AsObject();
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private static readonly string[] LeftOutIfUsual = ["id", "within", "consumer", "unidentified", "whereUnenforceable"];

    public static string Write(PolicyDocument policy) => Yaml(JsonSerializer.SerializeToNode(policy, PolicyJson.Default.PolicyDocument)!);

    /// <summary>The same as JSON, complete.</summary>
    public static string WriteJson(PolicyDocument policy) => JsonSerializer.SerializeToNode(policy, PolicyJson.Default.PolicyDocument)!.ToJsonString(Indented) + "\n";

    private static string Yaml(JsonNode node) => new SerializerBuilder().WithQuotingNecessaryStrings().WithIndentedSequences().Build().Serialize(Plain(node)!);

    private static object? Plain(JsonNode? node) => node switch
    {
        JsonObject record => record.Where(property => !IsNoise(property)).ToDictionary(property => property.Key, property => Plain(property.Value)),
        JsonArray list => list.Select(Plain).ToList(),
        JsonValue value when value.GetValueKind() == JsonValueKind.Number => value.GetValue<long>(),
        JsonValue value => value.ToString(),
        _ => null,
    };

    private static bool IsNoise(KeyValuePair<string, JsonNode?> property) =>
        property.Value is null or JsonArray { Count: 0 }
        || (LeftOutIfUsual.Contains(property.Key) && JsonNode.DeepEquals(property.Value, UsualRule[property.Key]));
}
