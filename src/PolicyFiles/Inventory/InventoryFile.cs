using System.Text.Json;
using Bulkhead.Policy;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.PolicyFiles.Forms;
using Bulkhead.PolicyFiles.Yaml;

namespace Bulkhead.PolicyFiles.Inventory;

/// <summary>What an inventory file says.</summary>
/// <param name="LabelKeys">All label keys, built-in ones included.</param>
/// <param name="Workloads">The workloads.</param>
public sealed record InventoryFile(IReadOnlySet<string> LabelKeys, WorkloadIndex Workloads)
{
    /// <summary>Reads an inventory; null if anything is wrong. Never throws for what is in the file.</summary>
    public static (InventoryFile? Inventory, IReadOnlyList<FileDiagnostic> Problems) Read(SourceFile file)
    {
        var problems = new List<FileDiagnostic>();
        if (YamlReader.Read(file, problems) is not { } tree)
        {
            return (null, problems);
        }

        var form = new FormReader(problems);
        var document = form.Read(tree, InventoryJson.Default.InventoryDocument).Deserialize(InventoryJson.Default.InventoryDocument)!;
        var places = new PlaceIndex();
        if (tree is YamlMapping mapping)
        {
            places.Add(mapping);
        }

        var said = new List<Diagnostic>();
        var inventory = Check(document, said);
        problems.AddRange(said.Select(found => (found, Trail: places.Find(found.Path)))
            .Where(pair => pair.Trail.Count == 0 || !form.Disturbed.Contains(pair.Trail[^1]))
            .Select(pair => new FileDiagnostic(pair.Trail.Count > 0 ? pair.Trail[^1].At : tree.At, pair.found)));
        return (problems.Any(p => p.Found.Severity == Severity.Error) ? null : inventory, FileDiagnostic.Sort(problems));
    }

    /// <summary>Turns a document into workloads; what is wrong is added to the problems and left out.</summary>
    public static InventoryFile Check(InventoryDocument document, ICollection<Diagnostic> problems)
    {
        var keys = new HashSet<string>(LabelText.BuiltInKeys, StringComparer.Ordinal);
        foreach (var (index, key) in document.LabelKeys.Index())
        {
            if (!LabelText.IsKey(key))
            {
                problems.Add(Diagnostic.Error("bad-label-key", $"labelKeys[{index}]", $"'{key}' is not a label key. A key has up to 63 lower-case letters, digits, '.', '_' or '-', and starts with a letter."));
            }

            keys.Add(key);
        }

        var reader = new WorkloadReader(keys, problems);
        var workloads = document.Workloads.Select(reader.Read).ToList();
        reader.Translations.Check(workloads);
        return new(keys, new(workloads.DistinctBy(workload => workload.Id)));
    }
}
