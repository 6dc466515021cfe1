using System.Reflection;
using System.Text.Json.Nodes;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Labels;
using Bulkhead.PolicyFiles.Inventory;

namespace Bulkhead.PolicyFiles.Tests;

/// <summary>The published schemas are those of the document types, and the parser agrees with them.</summary>
public class SchemaTests
{
    [Theory]
    [InlineData("policy.schema.json")]
    [InlineData("inventory.schema.json")]
    public void The_published_schema_is_that_of_the_types(string name)
    {
        var published = name.StartsWith("policy", StringComparison.Ordinal) ? Schemas.Policy : Schemas.Inventory;
        var generated = Path.Combine(AppContext.BaseDirectory, name);
        File.WriteAllText(generated, SchemaGenerator.Files[name]);
        Assert.True(published == SchemaGenerator.Files[name], $"docs/schema/{name} is not what the types say. If they are right, copy {generated} there.");
    }

    public static IEnumerable<object[]> Choices() =>
        from type in new[] { typeof(RuleDocument), typeof(ModeDocument), typeof(PinDocument) }
        from property in type.GetProperties()
        let choice = property.GetCustomAttribute<OneOfAttribute>()
        where choice is not null
        from word in choice.Words.Append("x-none")
        select new object[] { $"{type.Name}.{property.Name}", word };

    [Theory]
    [MemberData(nameof(Choices))]
    public void The_parser_takes_the_words_that_the_schema_lists_and_no_others(string field, string word)
    {
        var name = JsonName(field);
        var text = field.Split('.')[0] switch
        {
            nameof(RuleDocument) => $"rulesets: [{{name: r, scopes: [{{selector: all}}], rules: [{{from: all, to: all, services: [any], {(name == "unidentified" ? "action: deny, " : "")}{name}: {word}}}]}}]",
            nameof(ModeDocument) => $"modes: [{{selector: all, {name}: {word}}}]",
            _ => $"workloads: [{{name: a, pin: {{{name}: {word}}}}}]",
        };
        var problems = field.StartsWith(nameof(PinDocument), StringComparison.Ordinal)
            ? InventoryFile.Read(new("f", text)).Problems
            : PolicyFolder.Read([new("f", text)]).Check(new HashSet<string>(LabelText.BuiltInKeys)).Problems;
        Assert.Equal(word == "x-none", problems.Any(p => p.Found.Message.Contains("x-none", StringComparison.Ordinal)));
        Assert.Equal(word == "x-none" ? 1 : 0, problems.Count(p => p.Found.Severity == Policy.Severity.Error));
    }

    [Fact]
    public void What_the_schema_wants_written_the_parser_wants_too()
    {
        const string Whole = """
            {
              "rulesets": [{ "name": "r", "scopes": [{ "selector": "all" }], "rules": [{ "from": "all", "to": "network:n", "services": ["s"] }] }],
              "services": [{ "name": "s", "ports": ["tcp/1"] }],
              "networks": [{ "name": "n", "addresses": ["192.0.2.0/24"] }],
              "labelGroups": [{ "name": "g", "key": "env", "values": ["prod"] }],
              "modes": [{ "selector": "env=@g" }],
              "failSafe": [{ "network": "n", "ports": ["tcp/22"] }],
              "plans": [{ "selector": "all", "networks": ["n"] }],
              "assertions": [{ "name": "a", "never": { "from": "env=prod", "to": "all" } }]
            }
            """;
        var schema = JsonNode.Parse(Schemas.Policy)!;
        var needed = Needed(schema, JsonNode.Parse(Whole)!, "").ToList();
        Assert.Equal(19, needed.Count);
        Assert.Empty(Problems(JsonNode.Parse(Whole)!));
        foreach (var path in needed)
        {
            var without = JsonNode.Parse(Whole)!;
            var at = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
            var owner = at[..^1].Aggregate(without, (node, step) => (node is JsonArray array ? array[0] : node[step])!);
            owner.AsObject().Remove(at[^1]);
            Assert.True(Problems(without).Count > 0, $"the parser does not mind if {path} is missing");
        }
    }

    [Theory]
    [InlineData("services: [{name: s, ports: [47]}]\nnetworks: [{name: 5, addresses: [192.0.2.7]}]", true)]
    [InlineData("services: [{name: true, ports: [tcp/1]}]", true)]
    [InlineData("services: [{name: [s], ports: [tcp/1]}]", false)]
    [InlineData("services: [{name: s, ports: []}]", false)]
    [InlineData("services: [{name: s, ports: [tcp/1], process: {path: /x, unti: y}}]", false)]
    [InlineData("rulesets: [{name: r, scopes: [{selector: all}], rules: [{from: all, to: all, services: [47], ticket: 007, id: 7}]}]", true)]
    [InlineData("rulesets: [{name: r, scopes: [{selector: all}], rules: [{from: all, to: all, services: [any], id: '7'}]}]", false)]
    [InlineData("rulesets: [{name: r, scopes: [{selector: all}], rules: [{from: all, to: all, services: [any], id: -7}]}]", false)]
    [InlineData("rulesets: [{name: r, scopes: [{selector: all}], rules: [{from: all, to: all, services: [any], id: 9007199254740992}]}]", false)]
    [InlineData("rulesets: [{name: r, scopes: [{selector: all}], rules: [{from: all, to: all, services: [any], action: permit}]}]", false)]
    [InlineData("rulesets: [{name: r, scopes: [{selector: all}], rules: [{from: all, to: all, services: [any], owner: ~}]}]", true)]
    [InlineData("modes: [{selector: all, mode: full}, {selector: env=a, mode: ~}]", true)]
    [InlineData("modes: [{selector: all, mode: true}]", false)]
    [InlineData("modes: [{selector: all, inbound: ~}]", false)]
    [InlineData("labelGroups: [{name: 1, key: env, values: [2, 1e3, true]}]", true)]
    [InlineData("assertions: [{name: a, never: {from: all, to: all}}, {name: b, never: ~, must: {from: all, to: all}}]", true)]
    [InlineData("assertions: [{name: a}]", false)]
    [InlineData("assertions: [{name: a, never: {from: all, to: all}, must: {from: all, to: all}}]", false)]
    public void A_file_that_the_schema_takes_the_reader_takes_and_the_other_way_round(string text, bool taken)
    {
        var problems = PolicyFolder.Read([new("f", text)]).Check(new HashSet<string>(LabelText.BuiltInKeys)).Problems;
        Assert.True(taken == SchemaCheck.Accepts(Schemas.Policy, text), "the schema");
        Assert.True(taken != problems.Any(p => p.Found.Severity == Policy.Severity.Error), string.Join('\n', problems));
    }

    [Theory]
    [InlineData("workloads: [{name: 7, labels: {env: 1, role: true}, managed: false}]", true)]
    [InlineData("workloads: [{name: a, managed: 'false'}]", false)]
    [InlineData("workloads: [{name: a, labels: {env: [x]}}]", false)]
    [InlineData("workloads: [{name: a, published: [{address: 192.0.2.1, ports: tcp/80, to: '90'}]}]", false)]
    public void So_it_is_with_inventories(string text, bool taken)
    {
        Assert.True(taken == SchemaCheck.Accepts(Schemas.Inventory, text), "the schema");
        Assert.Equal(taken, InventoryFile.Read(new("f", text)).Inventory is not null);
    }

    private static IReadOnlyList<FileDiagnostic> Problems(JsonNode policy) =>
        PolicyFolder.Read([new("f", policy.ToJsonString())]).Check(new HashSet<string>(LabelText.BuiltInKeys)).Problems;

    private static IEnumerable<string> Needed(JsonNode schema, JsonNode value, string path) => value switch
    {
        JsonArray array => Needed(schema["items"]!, array[0]!, $"{path}/0"),
        JsonObject record => (schema["required"]?.AsArray().Select(name => $"{path}/{name}") ?? [])
            .Concat(record.SelectMany(property => Needed(schema["properties"]![property.Key]!, property.Value!, $"{path}/{property.Key}"))),
        _ => [],
    };

    private static string JsonName(string field) => char.ToLowerInvariant(field.Split('.')[1][0]) + field.Split('.')[1][1..];
}
