using System.Globalization;
using System.Text.Json;
using Bulkhead.Policy;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Rules;
using Bulkhead.PolicyFiles.Forms;
using Bulkhead.PolicyFiles.Yaml;

namespace Bulkhead.PolicyFiles;

/// <summary>A rule as written, with its place.</summary>
/// <param name="Ruleset">The ruleset that it stands in.</param>
/// <param name="Rule">The rule.</param>
/// <param name="Index">Its index in the ruleset.</param>
/// <param name="At">Where it is written.</param>
public sealed record RuleSource(RulesetDocument Ruleset, RuleDocument Rule, int Index, Place At);

/// <summary>A policy as a folder of files: each holds any of the sections, and together they are one policy, in the order of the files' names.</summary>
public sealed class PolicyFolder
{
    private static readonly (string Section, string Noun)[] s_named =
        [("rulesets", "ruleset"), ("services", "service"), ("networks", "network"), ("labelGroups", "label group"), ("assertions", "assertion")];

    private static readonly string[] s_vocabulary = ["services", "networks", "labelGroups"];

    private static readonly Dictionary<string, string> s_echoes = new() { ["unknown-service"] = "services", ["unknown-network"] = "networks", ["unknown-label-group"] = "labelGroups" };

    private readonly PlaceIndex _places = new();
    private readonly HashSet<YamlTree> _disturbed;
    private readonly List<FileDiagnostic> _problems = [];
    private readonly HashSet<string> _broken;
    private readonly HashSet<string> _unread = [];
    private readonly string _firstFile;
    private readonly Lazy<Dictionary<RuleId, RuleSource>> _rules;

    private PolicyFolder(IEnumerable<SourceFile> files, string? section)
    {
        var sorted = files.OrderBy(file => file.Name, StringComparer.Ordinal).ToList();
        var reader = new FormReader(_problems);
        var parts = new List<PolicyDocument>();
        var readable = true;
        foreach (var file in sorted)
        {
            var tree = YamlReader.Read(file, _problems);
            tree = tree is null || section is null ? tree : SectionFile.Wrap(tree, section, _problems);
            readable &= tree is not null;
            if (tree is null)
            {
                continue;
            }

            parts.Add(reader.Read(tree, PolicyJson.Default.PolicyDocument).Deserialize(PolicyJson.Default.PolicyDocument)!);
            if (tree is YamlMapping mapping)
            {
                _places.Add(mapping);
                _unread.UnionWith(mapping.Fields.Where(field => field.Value is YamlRefused).Select(field => field.Name));
            }
        }

        _firstFile = sorted.Count > 0 ? sorted[0].Name : "";
        _disturbed = reader.Disturbed;
        _broken = [.. s_vocabulary.Where(section => !readable || MayBeIncomplete(section))];
        Document = Join(parts);
        Numbered = RuleIds.Assign(Document);
        FindDuplicates();
        _rules = new(IndexRules);
    }

    /// <summary>The policy as written.</summary>
    public PolicyDocument Document { get; }

    /// <summary>The same with an id in every rule, provisional ones where none is written.</summary>
    public PolicyDocument Numbered { get; }

    /// <summary>Reads files; never throws for what is in them.</summary>
    public static PolicyFolder Read(IEnumerable<SourceFile> files) => new(files, null);

    /// <summary>Reads files that hold objects of one section: one object, a list of them, or a policy with that section alone.</summary>
    public static PolicyFolder ReadSection(IEnumerable<SourceFile> files, string section) => new(files, section);

    /// <summary>What is wrong with the form of the files, and names that stand twice; what is said is not looked at.</summary>
    public IReadOnlyList<FileDiagnostic> FormProblems => _problems;

    /// <summary>Everything that is wrong with the form and with what is said, by place; the model if nothing is.</summary>
    /// <param name="labelKeys">All label keys that exist, built-in ones included.</param>
    public (PolicyModel? Model, IReadOnlyList<FileDiagnostic> Problems) Check(IReadOnlySet<string> labelKeys)
    {
        var model = PolicyParser.Parse(Document, labelKeys);
        var problems = _problems.Concat(model.Diagnostics.Where(IsNews).Select(Locate));
        return (_problems.Count == 0 ? model.Value : null, FileDiagnostic.Sort(problems));
    }

    /// <summary>Gives a diagnostic of this policy its place: where its path is written, or the nearest to it that is.</summary>
    public FileDiagnostic Locate(Diagnostic found) => new(PlaceOf(found.Path), found);

    /// <summary>Where a path of this policy is written, or the nearest to it that is.</summary>
    public Place PlaceOf(string path) => Find(path) ?? new(_firstFile, 1, 1);

    /// <summary>The same, or null if nothing of the path is written in these files.</summary>
    public Place? Find(string path) => Written(path) is [.., var node] ? node.At : null;

    /// <summary>The rule with an id, which may be provisional; null if there is none.</summary>
    public RuleSource? Rule(RuleId id) => _rules.Value.GetValueOrDefault(id);

    private IReadOnlyList<YamlTree> Written(string path)
    {
        const string ById = ".rules[id=";
        var at = path.IndexOf(ById, StringComparison.Ordinal);
        if (at >= 0 && path.IndexOf(']', at) is var end and > 0
            && long.TryParse(path.AsSpan(at + ById.Length, end - at - ById.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && Rule(new(id)) is { } rule)
        {
            path = string.Create(CultureInfo.InvariantCulture, $"{path.AsSpan(0, at)}.rules[{rule.Index}]{path.AsSpan(end + 1)}");
        }

        return _places.Find(path);
    }

    /// <summary>Whether a problem is more than the echo of one with the form that is told already.</summary>
    private bool IsNews(Diagnostic found)
    {
        // Of a name that stands twice both places are told.
        if (found.Code == "duplicate-name" || (s_echoes.TryGetValue(found.Code, out var section) && _broken.Contains(section)))
        {
            return false;
        }

        // What is not written is told at the object that it would stand in; that one may have it under a name that it does not know.
        var trail = Written(found.Path);
        return trail.Count == 0 || !_disturbed.Contains(trail[^1]);
    }

    private void FindDuplicates()
    {
        foreach (var (section, noun) in s_named)
        {
            var first = new Dictionary<string, Place>(StringComparer.Ordinal);
            foreach (var name in _places.Items(section).OfType<YamlMapping>().Select(item => item["name"]).OfType<YamlScalar>().Where(name => !string.IsNullOrWhiteSpace(name.Text)))
            {
                if (!first.TryAdd(name.Text, name.At))
                {
                    _problems.Add(new(name.At, Diagnostic.Error("duplicate-name", $"{section}[{name.Text}]", $"The {noun} '{name.Text}' is also at {first[name.Text]}. Rename one of the two, or join them.")));
                }
            }
        }
    }

    /// <summary>Whether a section may declare more than could be read, so that what refers to it is no news.</summary>
    private bool MayBeIncomplete(string section) =>
        _problems.Any(p => p.Found.Path == section || (p.Found.Code, p.Found.Path) is ("duplicate-key", "name") or ("bad-form", "") || (p.Found.Code == "unknown-name" && IsTopLevel(p.Found.Path)))
        || _unread.Contains(section)
        || _places.Items(section).Any(item => (item as YamlMapping)?["name"] is not YamlScalar { IsNull: false });

    private Dictionary<RuleId, RuleSource> IndexRules()
    {
        var rules = new Dictionary<RuleId, RuleSource>();
        foreach (var (at, ruleset) in Numbered.Rulesets.Index())
        {
            var items = at < _places.Items("rulesets").Count && _places.Items("rulesets")[at] is YamlMapping mapping && mapping["rules"] is YamlSequence list ? list.Items : [];
            foreach (var (i, rule) in ruleset.Rules.Index())
            {
                rules.TryAdd(new(rule.Id), new(ruleset, rule, i, i < items.Count ? items[i].Value.At : new(_firstFile, 1, 1)));
            }
        }

        return rules;
    }

    private static bool IsTopLevel(string path) => !path.Contains('[', StringComparison.Ordinal);

    private static PolicyDocument Join(List<PolicyDocument> parts) => new()
    {
        Rulesets = [.. parts.SelectMany(part => part.Rulesets)],
        Services = [.. parts.SelectMany(part => part.Services)],
        Networks = [.. parts.SelectMany(part => part.Networks)],
        LabelGroups = [.. parts.SelectMany(part => part.LabelGroups)],
        Modes = [.. parts.SelectMany(part => part.Modes)],
        FailSafe = [.. parts.SelectMany(part => part.FailSafe)],
        Plans = [.. parts.SelectMany(part => part.Plans)],
        Assertions = [.. parts.SelectMany(part => part.Assertions)],
    };
}
