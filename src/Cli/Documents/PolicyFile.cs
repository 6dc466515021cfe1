using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Bulkhead.Cli.Connection;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Cli.Documents;

/// <summary>Policy documents in YAML or JSON files.</summary>
internal static class PolicyFile
{
    /// <summary>By reflection, since code generated for <see cref="PolicyJson"/> gives init-only properties that are left out null in place of their initial value.</summary>
    private static readonly JsonSerializerOptions Shape = CreateShape();

    /// <summary>Reads whole policies and joins them, in the order of the files; fails with all that is wrong with the form of any.</summary>
    public static PolicyDocument Read(IEnumerable<FileInfo> files) => Read(files, (root, reader) => ReadPolicy(root, reader));

    /// <summary>The same for files that hold objects of one kind: one object, a list of them, or a policy with that section alone.</summary>
    public static PolicyDocument Read<T>(IEnumerable<FileInfo> files, PolicySection<T> section) => Read(files, (root, reader) => ReadSection(root, reader, section));

    private static PolicyDocument Read(IEnumerable<FileInfo> files, Func<YamlNode, DocumentReader, PolicyDocument?> read)
    {
        var problems = new List<DiagnosticView>();
        var whole = new PolicyDocument();
        foreach (var file in files)
        {
            var reader = new DocumentReader(file.ToString(), problems);
            foreach (var root in Roots(file, reader))
            {
                whole = PolicySections.Join(whole, read(root, reader) ?? new());
            }
        }

        return problems.Count == 0 ? whole : throw Failure.Refused("The policy cannot be read.", problems);
    }

    private static IEnumerable<YamlNode> Roots(FileInfo file, DocumentReader reader)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(PrivateFile.Read(file)));
        }
        catch (YamlException error)
        {
            reader.Complain(error.Start, "bad-yaml", "", error.Message);
            return [];
        }

        if (stream.Documents.Count == 0)
        {
            reader.Complain(Mark.Empty, "empty-file", "", "The file is empty.");
        }

        return stream.Documents.Select(document => document.RootNode);
    }

    private static PolicyDocument? ReadPolicy(YamlNode root, DocumentReader reader) =>
        As(reader.Read(root, TypeOf<PolicyDocument>(), ""), TypeOf<PolicyDocument>());

    private static PolicyDocument? ReadSection<T>(YamlNode root, DocumentReader reader, PolicySection<T> section)
    {
        var type = TypeOf<T>();
        switch (root)
        {
            case YamlSequenceNode list:
                return section.Write(new(), [.. list.Children.Select((item, index) => As(reader.Read(item, type, $"[{index}]"), type)).OfType<T>()]);

            case YamlMappingNode mapping when mapping.Children.ContainsKey(section.Name):
                foreach (var (key, _) in mapping.Children.Where(child => child.Key.ToString() != section.Name && child.Value is not YamlSequenceNode { Children.Count: 0 }))
                {
                    reader.Complain(key, "other-section", key.ToString(), $"Only {section.Name} are expected here. For a whole policy use: bulkhead draft apply FILE");
                }

                return ReadPolicy(new YamlMappingNode(section.Name, mapping.Children[section.Name]), reader);

            default:
                return section.Write(new(), As(reader.Read(root, type, ""), type) is { } one ? [one] : []);
        }
    }

    private static T? As<T>(JsonNode? json, JsonTypeInfo<T> type)
    {
        try
        {
            return json is null ? default : json.Deserialize(type);
        }
        catch (JsonException)
        {
            // The reader has left out what was wrong, and complained about it.
            return default;
        }
    }

    private static JsonTypeInfo<T> TypeOf<T>() => (JsonTypeInfo<T>)Shape.GetTypeInfo(typeof(T));

    private static JsonSerializerOptions CreateShape()
    {
        var shape = new JsonSerializerOptions(RestJson.Options) { RespectNullableAnnotations = true };
        shape.MakeReadOnly(populateMissingResolver: true);
        return shape;
    }
}
