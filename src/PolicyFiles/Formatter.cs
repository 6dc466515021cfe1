using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Bulkhead.Policy;
using Bulkhead.Policy.Documents;
using Bulkhead.PolicyFiles.Forms;
using Bulkhead.PolicyFiles.Inventory;
using Bulkhead.PolicyFiles.Yaml;

namespace Bulkhead.PolicyFiles;

/// <summary>The canonical style of policy and inventory files. Formatting changes neither what a file says nor its comments, nor the order of lists.</summary>
public static class Formatter
{
    private static readonly JsonObject s_usualRule = Node(new RuleDocument(), PolicyJson.Default.RuleDocument);
    private static readonly string[] s_leftOutIfUsual = ["id", "within", "consumer", "unidentified", "whereUnenforceable"];

    /// <summary>A policy file in canonical style; null, with the problems, if it is not of a policy's form.</summary>
    public static (string? Text, IReadOnlyList<FileDiagnostic> Problems) Format(SourceFile file) => Format(file, PolicyJson.Default.PolicyDocument);

    /// <summary>The same of an inventory file.</summary>
    public static (string? Text, IReadOnlyList<FileDiagnostic> Problems) FormatInventory(SourceFile file) => Format(file, InventoryJson.Default.InventoryDocument);

    /// <summary>A policy as a file: without what is empty or usual, but always with what decides.</summary>
    public static string Write(PolicyDocument policy)
    {
        var root = Tree(Node(policy, PolicyJson.Default.PolicyDocument), "");
        return YamlWriter.Write((YamlMapping)root, PolicyJson.Default.PolicyDocument, []);
    }

    private static (string? Text, IReadOnlyList<FileDiagnostic> Problems) Format(SourceFile file, JsonTypeInfo type)
    {
        var text = file.Text.ReplaceLineEndings("\n");
        var problems = new List<FileDiagnostic>();
        if (Understand(file with { Text = text }, type, problems) is not { } before)
        {
            return (null, FileDiagnostic.Sort(problems));
        }

        var head = CommentPlacer.Place(before.Root, before.Lines);
        var written = YamlWriter.Write(before.Root, type, head);
        var after = Understand(file with { Text = written }, type, problems);
        if (after is null || !JsonNode.DeepEquals(before.Meaning, after.Value.Meaning) || !Said(before.Lines).SequenceEqual(Said(after.Value.Lines), StringComparer.Ordinal))
        {
            return (null, [new(new(file.Name, 1, 1), Diagnostic.Error("cannot-format", "", "The file cannot be formatted without changing what it says; it has unusual characters or comments in unusual places. Simplify those, or leave it as it is."))]);
        }

        return (written, []);
    }

    private static (YamlMapping Root, JsonNode Meaning, CommentLines Lines)? Understand(SourceFile file, JsonTypeInfo type, List<FileDiagnostic> problems)
    {
        if (YamlReader.Read(file, problems) is not { } tree)
        {
            return null;
        }

        var meaning = new FormReader(problems).Read(tree, type);
        return problems.Count > 0 || tree is not YamlMapping root ? null : (root, meaning, new(file.Text, tree));
    }

    private static IEnumerable<string> Said(CommentLines lines) => lines.Comments.Select(comment => comment.Text).Order(StringComparer.Ordinal);

    private static JsonObject Node<T>(T value, JsonTypeInfo<T> type) => System.Text.Json.JsonSerializer.SerializeToNode(value, type)!.AsObject();

    /// <param name="node">What is written.</param>
    /// <param name="parent">The name of the field that it stands in.</param>
    private static YamlTree Tree(JsonNode? node, string parent)
    {
        switch (node)
        {
            case JsonObject record:
                var mapping = new YamlMapping(default, 0, isFlow: false);
                mapping.Fields.AddRange(record.Where(property => !IsNoise(property, parent)).Select(property => new YamlField(new(default, 0, 0, property.Key, isPlain: false), Tree(property.Value, property.Key))));
                return mapping;
            case JsonArray list:
                var sequence = new YamlSequence(default, 0, isFlow: false);
                sequence.Items.AddRange(list.Select(item => new YamlEntry(Tree(item, parent))));
                return sequence;
            default:
                return new YamlScalar(default, 0, 0, node!.ToString(), isPlain: false);
        }
    }

    private static bool IsNoise(KeyValuePair<string, JsonNode?> property, string parent) =>
        property.Value is null
        // No services mean any in an assertion, if they are left out.
        || (property.Value is JsonArray { Count: 0 } && parent is not ("never" or "must"))
        || (parent == "rules" && s_leftOutIfUsual.Contains(property.Key) && JsonNode.DeepEquals(property.Value, s_usualRule[property.Key]));
}
