namespace Bulkhead.Policy.Labels;

/// <summary>
/// Reads selectors as people write them: terms separated by commas and ANDed: <c>app=shop</c>, <c>role=web|app</c> (is one of),
/// <c>env!=dev|test</c> (is not one of), <c>owner=*</c> (exists); or the single word <c>all</c>. A value that starts with <c>@</c> names a
/// label group, and stands for the group's values.
/// </summary>
public static class SelectorText
{
    /// <summary>Parses a selector; every problem is added to <paramref name="problems"/> and null returned if there was any.</summary>
    /// <param name="text">The text; null counts as empty.</param>
    /// <param name="path">The place, for the diagnostics.</param>
    /// <param name="knownKeys">The label keys that exist; any other is an error. Null accepts all.</param>
    /// <param name="problems">Receives the diagnostics.</param>
    /// <param name="groups">The label groups that it may name; null for none. A group that is declared but broken makes the result null without a problem here.</param>
    public static Selector? Parse(string? text, string path, IReadOnlySet<string>? knownKeys, ICollection<Diagnostic> problems, LabelGroups? groups = null)
    {
        text = text?.Trim() ?? "";
        if (text.Length == 0)
        {
            problems.Add(Diagnostic.Error("empty-selector", path, "The selector is empty. Write 'all' to mean all workloads."));
            return null;
        }

        if (text == "all")
        {
            return Selector.All;
        }

        var before = problems.Count;
        var whole = true;
        var requirements = new List<Requirement>();
        foreach (var term in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (ParseTerm(term, path, knownKeys, groups ?? LabelGroups.None, problems) is not { } requirement)
            {
                whole = false;
                continue;
            }

            if (requirements.Any(r => r.Key == requirement.Key && r.Kind == requirement.Kind))
            {
                problems.Add(Diagnostic.Error("repeated-key", path, $"'{requirement.Key}' stands twice in '{text}'. Join the values with '|'."));
            }

            requirements.Add(requirement);
        }

        if (!whole || problems.Count > before)
        {
            return null;
        }

        var selector = Selector.Of(requirements);
        if (!selector.CanMatch)
        {
            problems.Add(Diagnostic.Error("never-matches", path, $"'{text}' can never match: every value that it asks for, it also rules out. Remove one of the two terms of the key."));
            return null;
        }

        return selector;
    }

    /// <summary>The names of the label groups in a selector's text, whether it is right or not.</summary>
    public static IEnumerable<string> GroupsOf(string text) =>
        text.Split([',', '=', '|'], StringSplitOptions.TrimEntries).Where(word => word.StartsWith(LabelGroups.Mark)).Select(word => word[1..].Trim());

    private static Requirement? ParseTerm(string term, string path, IReadOnlySet<string>? knownKeys, LabelGroups groups, ICollection<Diagnostic> problems)
    {
        var equals = term.IndexOf('=');
        if (equals <= 0)
        {
            problems.Add(Diagnostic.Error("bad-selector", path, $"'{term}' is not a selector term. Write key=value, key=a|b, key!=a|b or key=*; or 'all' alone."));
            return null;
        }

        var negated = term[equals - 1] == '!';
        var key = term[..(negated ? equals - 1 : equals)].TrimEnd();
        var values = term[(equals + 1)..].Trim();
        var before = problems.Count;
        if (!LabelText.IsKey(key))
        {
            problems.Add(Diagnostic.Error("bad-label-key", path, $"'{key}' is not a label key. A key has up to 63 lower-case letters, digits, '.', '_' or '-', and starts with a letter."));
        }
        else if (knownKeys is not null && !knownKeys.Contains(key))
        {
            problems.Add(Diagnostic.Error("unknown-label-key", path, $"There is no label key '{key}'. Known keys: {string.Join(", ", knownKeys.Order(StringComparer.Ordinal))}. Declare it first, or correct the name."));
        }

        if (values == "*")
        {
            if (negated)
            {
                problems.Add(Diagnostic.Error("bad-selector", path, $"'{term}': 'does not exist' cannot be asked for. Use {key}!=value, which also matches workloads without the key."));
            }

            return problems.Count > before ? null : new(key, RequirementKind.Exists, []);
        }

        var list = ParseValues(values, key, term, path, groups, problems);
        return list is null || problems.Count > before ? null : new(key, negated ? RequirementKind.NotOneOf : RequirementKind.OneOf, list.Value);
    }

    private static EquatableArray<string>? ParseValues(string text, string key, string term, string path, LabelGroups groups, ICollection<Diagnostic> problems)
    {
        var list = text.Split('|', StringSplitOptions.TrimEntries);
        var parts = new List<EquatableArray<string>>(list.Length);
        foreach (var value in list)
        {
            if (value.StartsWith(LabelGroups.Mark))
            {
                if (FindGroup(value[1..].Trim(), key, path, groups, problems) is { } group)
                {
                    parts.Add(group.Values);
                }
            }
            else if (LabelText.IsValue(value))
            {
                parts.Add([value]);
            }
            else
            {
                problems.Add(Diagnostic.Error("bad-label-value", path, $"'{value}' in '{term}' is not a label value. A value has 1 to {LabelText.MaxValueLength} characters, none of , | = ! * \" ( )."));
            }
        }

        return parts.Count < list.Length ? null
            : parts is [var only] ? only
            : parts.SelectMany(values => values).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToEquatableArray();
    }

    private static LabelGroup? FindGroup(string name, string key, string path, LabelGroups groups, ICollection<Diagnostic> problems)
    {
        if (!groups.Declared.Contains(name))
        {
            problems.Add(Diagnostic.Error("unknown-label-group", path, $"There is no label group '{name}'. Declare it under labelGroups, or correct the name."));
            return null;
        }

        if (groups.Sound.GetValueOrDefault(name) is { } group && group.Key != key)
        {
            problems.Add(Diagnostic.Error("other-label-key", path, $"The label group '{name}' holds values of '{group.Key}', not of '{key}'. Use it with {group.Key}=, or choose another group."));
            return null;
        }

        return groups.Sound.GetValueOrDefault(name);
    }
}
