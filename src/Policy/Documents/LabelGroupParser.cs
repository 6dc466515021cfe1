using Bulkhead.Policy.Labels;

namespace Bulkhead.Policy.Documents;

/// <summary>Checks label groups and works nested ones into those that hold them.</summary>
internal static class LabelGroupParser
{
    /// <summary>Values of all groups together, nested ones counted wherever they are held: a bound on what a small document can blow up to.</summary>
    public const int MaxValues = 1_000_000;

    public static LabelGroups Parse(IReadOnlyList<LabelGroupDocument> groups, IReadOnlySet<string> labelKeys, List<Diagnostic> problems)
    {
        if (groups.Count == 0)
        {
            return LabelGroups.None;
        }

        var paths = new ObjectPaths("labelGroups", groups.Select(g => g.Name), problems);
        var byName = groups.DistinctBy(g => g.Name, StringComparer.Ordinal).ToDictionary(g => g.Name, StringComparer.Ordinal);
        var broken = groups.Where((group, i) => !Check(group, paths[i], byName, labelKeys, problems)).Select(g => g.Name).ToHashSet(StringComparer.Ordinal);
        return new(byName.Keys.ToHashSet(StringComparer.Ordinal), Expand(byName, broken, problems));
    }

    private static bool Check(LabelGroupDocument group, string path, Dictionary<string, LabelGroupDocument> byName, IReadOnlySet<string> labelKeys, List<Diagnostic> problems)
    {
        var before = problems.Count;
        if (!string.IsNullOrWhiteSpace(group.Name) && !LabelText.IsValue(group.Name))
        {
            problems.Add(Diagnostic.Error("bad-name", $"{path}.name", $"'{group.Name}' cannot stand in a selector. A label group's name is written like a label value: none of , | = ! * \" ( ), no @ first."));
        }

        if (!labelKeys.Contains(group.Key))
        {
            problems.Add(Diagnostic.Error("unknown-label-key", $"{path}.key", $"There is no label key '{group.Key}'. Declare it first, or correct the name."));
        }

        if (group.Values.Count == 0 && group.Groups.Count == 0)
        {
            problems.Add(Diagnostic.Error("empty-group", path, "A label group needs values, or other groups that have some."));
        }

        foreach (var (index, value) in group.Values.Index().Where(entry => !LabelText.IsValue(entry.Item)))
        {
            problems.Add(Diagnostic.Error("bad-label-value", $"{path}.values[{index}]", value?.StartsWith(LabelGroups.Mark) == true
                ? $"'{value}' names a group. List it under groups, without the @."
                : $"'{value}' is not a label value. A value has 1 to {LabelText.MaxValueLength} characters, none of , | = ! * \" ( )."));
        }

        foreach (var (index, name) in group.Groups.Index())
        {
            var place = $"{path}.groups[{index}]";
            if (name is null || !byName.TryGetValue(name, out var held))
            {
                problems.Add(Diagnostic.Error("unknown-label-group", place, $"There is no label group '{name}'. {(name?.StartsWith(LabelGroups.Mark) == true ? "Groups are listed here without the @." : "Declare it, or correct the name.")}"));
            }
            else if (held.Key != group.Key)
            {
                problems.Add(Diagnostic.Error("other-label-key", place, $"The label group '{name}' holds values of '{held.Key}', this one of '{group.Key}'. A group holds groups of its own key only."));
            }
        }

        return problems.Count == before;
    }

    /// <summary>Groups whose members have all been looked at come next, until none is left or all that are left wait for each other.</summary>
    private static Dictionary<string, LabelGroup> Expand(Dictionary<string, LabelGroupDocument> byName, HashSet<string> broken, List<Diagnostic> problems)
    {
        var sound = new Dictionary<string, LabelGroup>(StringComparer.Ordinal);
        var nested = byName.ToDictionary(pair => pair.Key, pair => pair.Value.Groups.OfType<string>().Where(byName.ContainsKey).Distinct(StringComparer.Ordinal).ToList(), StringComparer.Ordinal);
        var holders = nested.SelectMany(pair => pair.Value.Select(held => (held, pair.Key))).ToLookup(pair => pair.held, pair => pair.Key, StringComparer.Ordinal);
        var waitsFor = nested.ToDictionary(pair => pair.Key, pair => pair.Value.Count, StringComparer.Ordinal);
        var ready = new Queue<string>(byName.Keys.Where(name => waitsFor[name] == 0));
        var total = 0;
        while (ready.TryDequeue(out var name))
        {
            waitsFor.Remove(name);
            if (!broken.Contains(name) && nested[name].All(sound.ContainsKey))
            {
                var group = byName[name];
                var values = group.Values.Concat(nested[name].SelectMany(held => sound[held].Values)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToEquatableArray();
                total += values.Count;
                if (total > MaxValues)
                {
                    problems.Add(Diagnostic.Error("groups-too-large", $"labelGroups[{name}]", $"The label groups hold more than {MaxValues} values in all, nested ones counted in each group. Nest fewer, or smaller, groups."));
                    return sound;
                }

                sound.Add(name, new(name, group.Key, values));
            }

            foreach (var holder in holders[name].Where(holder => --waitsFor[holder] == 0))
            {
                ready.Enqueue(holder);
            }
        }

        ReportCycles(nested, waitsFor.Keys, problems);
        return sound;
    }

    /// <summary>Each of the groups that are left holds another that is left, so that every walk among them ends in a cycle; each cycle is told once.</summary>
    private static void ReportCycles(Dictionary<string, List<string>> nested, IReadOnlyCollection<string> left, List<Diagnostic> problems)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var start in left.Order(StringComparer.Ordinal))
        {
            var trail = new List<string>();
            var at = start;
            while (seen.Add(at))
            {
                trail.Add(at);
                at = nested[at].First(left.Contains);
            }

            if (trail.IndexOf(at) is var first and >= 0)
            {
                problems.Add(Diagnostic.Error("group-cycle", $"labelGroups[{at}].groups", $"The label group holds itself: {string.Join(" → ", trail.Skip(first).Append(at))}. Take one of these out of the one before it."));
            }
        }
    }
}
