namespace Bulkhead.Policy.Labels;

/// <summary>
/// Reads selectors as people write them: terms separated by commas and ANDed: <c>app=shop</c>, <c>role=web|app</c> (is one of),
/// <c>env!=dev|test</c> (is not one of), <c>owner=*</c> (exists); or the single word <c>all</c>.
/// </summary>
public static class SelectorText
{
    /// <summary>Parses a selector; every problem is added to <paramref name="problems"/> and null returned if there was any.</summary>
    /// <param name="text">The text; null counts as empty.</param>
    /// <param name="path">The place, for the diagnostics.</param>
    /// <param name="knownKeys">The label keys that exist; any other is an error. Null accepts all.</param>
    /// <param name="problems">Receives the diagnostics.</param>
    public static Selector? Parse(string? text, string path, IReadOnlySet<string>? knownKeys, ICollection<Diagnostic> problems)
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
        var requirements = new List<Requirement>();
        foreach (var term in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (ParseTerm(term, path, knownKeys, problems) is not { } requirement)
            {
                continue;
            }

            if (requirements.Any(r => r.Key == requirement.Key && r.Kind == requirement.Kind))
            {
                problems.Add(Diagnostic.Error("repeated-key", path, $"'{requirement.Key}' stands twice in '{text}'. Join the values with '|'."));
            }

            requirements.Add(requirement);
        }

        return problems.Count > before ? null : Selector.Of(requirements);
    }

    private static Requirement? ParseTerm(string term, string path, IReadOnlySet<string>? knownKeys, ICollection<Diagnostic> problems)
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

        var list = values.Split('|', StringSplitOptions.TrimEntries);
        foreach (var value in list.Where(value => !LabelText.IsValue(value)))
        {
            problems.Add(Diagnostic.Error("bad-label-value", path, $"'{value}' in '{term}' is not a label value. A value has 1 to {LabelText.MaxValueLength} characters, none of , | = ! * \" ( )."));
        }

        return problems.Count > before
            ? null
            : new(key, negated ? RequirementKind.NotOneOf : RequirementKind.OneOf, list.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToEquatableArray());
    }
}
