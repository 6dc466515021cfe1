using Bulkhead.Policy;
using Bulkhead.PolicyFiles.Yaml;

namespace Bulkhead.PolicyFiles;

/// <summary>Files that hold objects of one section of a policy.</summary>
internal static class SectionFile
{
    /// <summary>Makes a policy of one object, of a list of them, or of a policy that has only that section.</summary>
    public static YamlMapping Wrap(YamlTree tree, string section, ICollection<FileDiagnostic> problems)
    {
        var policy = new YamlMapping(tree.At, tree.Start, isFlow: false);
        switch (tree)
        {
            case YamlMapping { Fields.Count: 0 }:
                problems.Add(new(tree.At, Diagnostic.Error("empty-file", "", "The file is empty.")));
                return policy;

            case YamlMapping mapping when mapping[section] is not null:
                foreach (var field in mapping.Fields.Where(field => field.Name != section && field.Value is not YamlSequence { Items.Count: 0 }))
                {
                    problems.Add(new(field.Key.At, Diagnostic.Error("other-section", field.Name, $"Only {section} are expected here. For a whole policy use: bulkhead draft apply FILE")));
                }

                policy.Fields.Add(mapping.Fields.Find(field => field.Name == section)!);
                return policy;

            default:
                var list = tree as YamlSequence ?? new YamlSequence(tree.At, tree.Start, isFlow: false) { Items = { new(tree) } };
                policy.Fields.Add(new(new(tree.At, tree.Start, tree.Start, section, isPlain: true), list));
                return policy;
        }
    }
}
