namespace Bulkhead.Policy.Labels;

/// <summary>Whether one selector lies within another, for all labels that could exist.</summary>
public static class SelectorInclusion
{
    /// <summary>Whether everything that <paramref name="inner"/> could match, <paramref name="outer"/> matches too.</summary>
    public static bool Includes(this Selector outer, Selector inner)
    {
        ArgumentNullException.ThrowIfNull(outer);
        ArgumentNullException.ThrowIfNull(inner);
        if (!inner.CanMatch)
        {
            return true;
        }

        // Keys are independent of each other, and each can be met: so it is decided key by key.
        foreach (var requirement in outer.Requirements)
        {
            if (!IsImplied(requirement, [.. inner.Requirements.Where(r => r.Key == requirement.Key)]))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsImplied(Requirement asked, List<Requirement> known)
    {
        var excluded = known.Where(r => r.Kind == RequirementKind.NotOneOf).SelectMany(r => r.Values).ToHashSet(StringComparer.Ordinal);
        var lists = known.Where(r => r.Kind == RequirementKind.OneOf).Select(r => r.Values).ToList();
        // The values that are possible; null if all but the excluded ones are.
        var possible = lists.Count == 0 ? null : lists[0].Where(value => !excluded.Contains(value) && lists.TrueForAll(list => list.Contains(value))).ToHashSet(StringComparer.Ordinal);
        return asked.Kind switch
        {
            RequirementKind.OneOf => possible is not null && possible.IsSubsetOf(asked.Values),
            RequirementKind.NotOneOf => asked.Values.All(value => possible is null ? excluded.Contains(value) : !possible.Contains(value)),
            _ => possible is not null || known.Any(r => r.Kind == RequirementKind.Exists),
        };
    }
}
