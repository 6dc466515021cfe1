using System.Collections.Concurrent;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Policy.Compile;

/// <summary>
/// Which groups choose which label sets. Both are met once and numbered, and whether the one chooses the other never changes, so all
/// versions of a policy share one lattice that only grows. Readers need no lock; what was added after their version means nothing to them.
/// </summary>
/// <remarks>Some 1 KB a label set and what groups make of it: at the bounds a few GB, which no estate that one controller serves comes near.</remarks>
internal sealed class Lattice(int maxLabelSets = Lattice.MaxLabelSets, int maxGroups = Lattice.MaxGroups)
{
    /// <summary>The most label sets: distinct combinations of labels.</summary>
    public const int MaxLabelSets = 1 << 20;

    /// <summary>The most groups: distinct selectors of rules and scopes, compartments included.</summary>
    public const int MaxGroups = 1 << 20;

    private static readonly int[] s_noGroups = [];

    private readonly Lock _adding = new();
    private readonly Dictionary<string, int> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Key, string Value), int> _values = [];
    private readonly ConcurrentDictionary<LabelSet, int> _labelSetIds = new();
    private readonly ConcurrentDictionary<string, Group> _groupsByText = new(StringComparer.Ordinal);
    private readonly GrowingList<LabelSet> _labelSets = new();
    private readonly GrowingList<int[]> _coded = new();
    private readonly GrowingList<GrowingList<int>> _groupsOf = new();
    private readonly GrowingList<Group> _groups = new();
    private readonly Dictionary<(int Key, int Value), GrowingList<int>> _labelSetsWith = [];
    private readonly Dictionary<(int Key, int Value), List<Group>> _groupsAsking = [];
    private readonly List<Group> _groupsAskingNothing = [];

    /// <summary>The number of label sets met.</summary>
    public int LabelSetCount => _labelSets.Count;

    /// <summary>The number of groups met.</summary>
    public int GroupCount => _groups.Count;

    /// <summary>The labels of a label set.</summary>
    public LabelSet LabelsOf(int labelSet) => _labelSets[labelSet];

    /// <summary>A label set as one number a key; 0 for a key that it has not.</summary>
    public int[] Coded(int labelSet) => _coded[labelSet];

    /// <summary>A group by its number.</summary>
    public Group Group(int id) => _groups[id];

    /// <summary>The numbers of the groups that choose a label set.</summary>
    public ReadOnlySpan<int> GroupsOf(int labelSet) => labelSet < _groupsOf.Count ? _groupsOf[labelSet].Span : s_noGroups;

    /// <summary>The number of a label set, if it was met.</summary>
    public int? Find(LabelSet labels) => _labelSetIds.TryGetValue(labels, out var id) ? id : null;

    /// <summary>The number of a label set.</summary>
    public int Add(LabelSet labels)
    {
        if (_labelSetIds.TryGetValue(labels, out var known))
        {
            return known;
        }

        lock (_adding)
        {
            return _labelSetIds.TryGetValue(labels, out known) ? known : Meet(labels);
        }
    }

    /// <summary>The group of a selector.</summary>
    public Group Add(Selector selector)
    {
        if (_groupsByText.TryGetValue(selector.ToString(), out var known))
        {
            return known;
        }

        lock (_adding)
        {
            return _groupsByText.TryGetValue(selector.ToString(), out known) ? known : Meet(selector);
        }
    }

    private int Meet(LabelSet labels)
    {
        var id = _labelSets.Count;
        if (id >= maxLabelSets)
        {
            throw new PolicyTooLargeException($"Workloads have more than {maxLabelSets} distinct combinations of labels, which is the most that is compiled. Take labels off that tell single workloads apart, such as a host's name or serial number.");
        }

        var coded = new int[_keys.Count + labels.Labels.Length];
        var groups = new GrowingList<int>();
        foreach (var label in labels.Labels)
        {
            var key = KeyOf(label.Key);
            coded[key] = ValueOf(key, label.Value);
        }

        _labelSets.Add(labels);
        _coded.Add(coded);
        _groupsOf.Add(groups);
        foreach (var group in _groupsAskingNothing)
        {
            Join(group, id, coded);
        }

        for (var key = 0; key < coded.Length; key++)
        {
            if (coded[key] == 0)
            {
                continue;
            }

            With((key, coded[key])).Add(id);
            foreach (var group in _groupsAsking.GetValueOrDefault((key, coded[key])) ?? [])
            {
                Join(group, id, coded);
            }
        }

        _labelSetIds[labels] = id;
        return id;
    }

    private Group Meet(Selector selector)
    {
        if (_groups.Count >= maxGroups)
        {
            throw new PolicyTooLargeException($"Scopes, rules and compartments choose more than {maxGroups} distinct groups of workloads, which is the most that is compiled. Split scopes by fewer keys (per), or by keys with fewer values.");
        }

        var requirements = selector.Requirements.Select(Code).ToArray();
        var group = new Group(_groups.Count, selector, requirements);
        _groups.Add(group);

        CodedRequirement? anchor = null;
        var fewest = long.MaxValue;
        foreach (var requirement in requirements)
        {
            var candidates = requirement.Kind == RequirementKind.OneOf ? 0L : long.MaxValue;
            foreach (var value in requirement.Kind == RequirementKind.OneOf ? requirement.Values : [])
            {
                candidates += With((requirement.Key, value)).Count;
            }

            if (candidates < fewest)
            {
                (anchor, fewest) = (requirement, candidates);
            }
        }

        if (anchor is { } asked)
        {
            foreach (var value in asked.Values)
            {
                _groupsAsking.TryAdd((asked.Key, value), []);
                _groupsAsking[(asked.Key, value)].Add(group);
                foreach (var labelSet in With((asked.Key, value)).Span)
                {
                    Join(group, labelSet, _coded[labelSet]);
                }
            }
        }
        else
        {
            _groupsAskingNothing.Add(group);
            for (var labelSet = 0; labelSet < _labelSets.Count; labelSet++)
            {
                Join(group, labelSet, _coded[labelSet]);
            }
        }

        _groupsByText[selector.ToString()] = group;
        return group;
    }

    private void Join(Group group, int labelSet, int[] coded)
    {
        if (group.Matches(coded))
        {
            group.LabelSets.Add(labelSet);
            _groupsOf[labelSet].Add(group.Id);
        }
    }

    private CodedRequirement Code(Requirement requirement)
    {
        var key = KeyOf(requirement.Key);
        var values = requirement.Values.Select(value => ValueOf(key, value)).ToArray();
        Array.Sort(values);
        return new(key, requirement.Kind, values);
    }

    private int KeyOf(string key)
    {
        _keys.TryAdd(key, _keys.Count);
        return _keys[key];
    }

    // Values are numbered from 1; 0 stands for no value.
    private int ValueOf(int key, string value)
    {
        _values.TryAdd((key, value), _values.Count + 1);
        return _values[(key, value)];
    }

    private GrowingList<int> With((int Key, int Value) label)
    {
        if (!_labelSetsWith.TryGetValue(label, out var labelSets))
        {
            labelSets = new();
            _labelSetsWith.Add(label, labelSets);
        }

        return labelSets;
    }
}
