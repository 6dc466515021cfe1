using System.Security.Cryptography;
using System.Text;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.PolicyFiles.Inventory;

/// <summary>Checks the workloads of an inventory.</summary>
internal sealed class WorkloadReader(HashSet<string> labelKeys, ICollection<Diagnostic> problems)
{
    private const string AllFeatures = "all";

    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<ScopedAddress, string> _holders = [];

    /// <summary>What workloads say of other addresses than their own.</summary>
    public TranslationReader Translations { get; } = new(problems);

    public Workload Read(WorkloadDocument workload, int index)
    {
        var path = $"workloads[{index}]";
        CheckName(workload.Name, path);
        var managed = workload.Managed ?? true;
        return new()
        {
            Id = IdOf(workload.Name),
            Name = workload.Name,
            Labels = ReadLabels(workload, path),
            Addresses = [.. workload.Addresses.SelectMany((text, i) => ReadAddress(text, workload, $"{path}.addresses[{i}]")).Distinct().Order()],
            Published = Translations.Published(workload, path),
            Sources = Translations.Sources(workload, path),
            Space = new(workload.Space),
            Managed = managed,
            Features = ReadFeatures(workload, managed, path),
            Pin = workload.Pin is { } pin ? new Modes(ReadMode(pin.Inbound, $"{path}.pin.inbound"), ReadMode(pin.Outbound, $"{path}.pin.outbound")) : null,
            Quarantined = workload.Quarantined,
            Admitted = workload.Admitted ?? true,
        };
    }

    /// <summary>The same for one name always and everywhere: the first half of its SHA-256.</summary>
    public static WorkloadId IdOf(string name) => new(new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 16), bigEndian: true));

    private void CheckName(string name, string path)
    {
        if (name.Trim().Length == 0 || name.Any(char.IsControl))
        {
            problems.Add(Diagnostic.Error("bad-name", $"{path}.name", "A workload needs a name."));
        }
        else if (!_names.Add(name))
        {
            problems.Add(Diagnostic.Error("duplicate-name", $"{path}.name", $"The workload '{name}' stands twice. Rename one of the two, or list all addresses in one."));
        }
    }

    private LabelSet ReadLabels(WorkloadDocument workload, string path)
    {
        foreach (var (key, value) in workload.Labels)
        {
            if (!labelKeys.Contains(key))
            {
                problems.Add(Diagnostic.Error("unknown-label-key", $"{path}.labels.{key}", $"There is no label key '{key}'.{Spelling.Hint(key, labelKeys)} Known keys: {string.Join(", ", labelKeys.Order(StringComparer.Ordinal))}. List your own under labelKeys."));
            }

            if (!LabelText.IsValue(value))
            {
                problems.Add(Diagnostic.Error("bad-label-value", $"{path}.labels.{key}", $"'{value}' is not a label value. A value has 1 to {LabelText.MaxValueLength} characters, none of , | = ! * \" ( ), no @ first."));
            }
        }

        return LabelSet.Of(workload.Labels.Select(label => new Label(label.Key, label.Value)));
    }

    private IEnumerable<ScopedAddress> ReadAddress(string text, WorkloadDocument workload, string path)
    {
        if (ScopedAddressText.Parse(text, workload.Space, path, problems) is not { } scoped)
        {
            yield break;
        }

        if ((workload.Admitted ?? true) && !_holders.TryAdd(scoped, workload.Name) && _holders[scoped] != workload.Name)
        {
            problems.Add(Diagnostic.Warning("duplicate-address", path, $"'{text}' is also an address of '{_holders[scoped]}'; connections with it are judged by one of the two. Declare different spaces, or remove one."));
        }

        yield return scoped;
    }

    private EquatableArray<string> ReadFeatures(WorkloadDocument workload, bool managed, string path)
    {
        foreach (var (index, feature) in workload.Features.Index())
        {
            if (feature != AllFeatures && !Features.All.Contains(feature))
            {
                problems.Add(Diagnostic.Error("unknown-feature", $"{path}.features[{index}]", $"There is no feature '{feature}'.{Spelling.Hint(feature, Features.All)} There is: {AllFeatures}, {string.Join(", ", Features.All)}."));
            }
        }

        return !managed ? []
            : workload.Features.Contains(AllFeatures) ? Features.All.ToEquatableArray()
            : workload.Features.Append(Features.Base).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToEquatableArray();
    }

    private EnforcementMode ReadMode(string mode, string path)
    {
        var known = ModeNames.Parse(mode);
        if (known is null)
        {
            problems.Add(Diagnostic.Error("bad-mode", path, $"'{mode}' is not an enforcement mode. Write visibility, selective or full."));
        }

        return known ?? EnforcementMode.Visibility;
    }
}
