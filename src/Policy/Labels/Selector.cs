namespace Bulkhead.Policy.Labels;

/// <summary>What a selector asks of one key.</summary>
public enum RequirementKind
{
    /// <summary>The key has one of the values.</summary>
    OneOf,

    /// <summary>The key has none of the values; a workload without the key meets it.</summary>
    NotOneOf,

    /// <summary>The key has some value.</summary>
    Exists,
}

/// <summary>A condition on one key.</summary>
/// <param name="Key">The label key.</param>
/// <param name="Kind">What is asked.</param>
/// <param name="Values">Sorted and distinct; empty exactly for <see cref="RequirementKind.Exists"/>.</param>
public sealed record Requirement(string Key, RequirementKind Kind, EquatableArray<string> Values)
{
    /// <summary>Whether labels meet it.</summary>
    public bool Matches(LabelSet labels)
    {
        var value = labels[Key];
        return Kind switch
        {
            RequirementKind.OneOf => value is not null && Contains(value),
            RequirementKind.NotOneOf => value is null || !Contains(value),
            _ => value is not null,
        };
    }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        RequirementKind.OneOf => $"{Key}={string.Join('|', Values)}",
        RequirementKind.NotOneOf => $"{Key}!={string.Join('|', Values)}",
        _ => $"{Key}=*",
    };

    private bool Contains(string value)
    {
        foreach (var candidate in Values)
        {
            if (string.Equals(candidate, value, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>
/// Chooses workloads by their labels: requirements, ANDed, sorted by their text. The selector <see cref="All"/> means all workloads,
/// never any address; an empty one cannot be made from text.
/// </summary>
public sealed record Selector
{
    private readonly string _text;

    private Selector(EquatableArray<Requirement> requirements)
    {
        Requirements = requirements;
        _text = requirements.Count == 0 ? "all" : string.Join(',', requirements);
    }

    /// <summary>All workloads.</summary>
    public static Selector All { get; } = new([]);

    /// <summary>The requirements in canonical order; none for <see cref="All"/>.</summary>
    public EquatableArray<Requirement> Requirements { get; }

    /// <summary>Whether it is <see cref="All"/>.</summary>
    public bool IsAll => Requirements.Count == 0;

    /// <summary>Whether some labels could meet it: no key is asked for values that it must not have.</summary>
    public bool CanMatch => Requirements.Count < 2 || Requirements.GroupBy(r => r.Key, StringComparer.Ordinal).All(CanMatchKey);

    /// <summary>Requirements in any order, duplicates removed.</summary>
    public static Selector Of(params IEnumerable<Requirement> requirements) =>
        new(requirements.DistinctBy(r => r.ToString()).OrderBy(r => r.ToString(), StringComparer.Ordinal).ToEquatableArray());

    /// <summary>A selector that both must match.</summary>
    public Selector And(Selector other) => other.IsAll ? this : IsAll ? other : Of(Requirements.Concat(other.Requirements));

    /// <summary>Whether it names a key.</summary>
    public bool Mentions(string key)
    {
        foreach (var requirement in Requirements)
        {
            if (string.Equals(requirement.Key, key, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether labels meet every requirement.</summary>
    public bool Matches(LabelSet labels)
    {
        foreach (var requirement in Requirements)
        {
            if (!requirement.Matches(labels))
            {
                return false;
            }
        }

        return true;
    }

    private static bool CanMatchKey(IGrouping<string, Requirement> key)
    {
        HashSet<string>? values = null;
        foreach (var requirement in key.Where(r => r.Kind == RequirementKind.OneOf))
        {
            if (values is null)
            {
                values = new(requirement.Values, StringComparer.Ordinal);
            }
            else
            {
                values.IntersectWith(requirement.Values);
            }
        }

        return values is null || !values.All(value => key.Any(r => r.Kind == RequirementKind.NotOneOf && r.Values.Contains(value)));
    }

    /// <summary>The canonical text, which <see cref="SelectorText.Parse"/> reads back.</summary>
    public override string ToString() => _text;
}
