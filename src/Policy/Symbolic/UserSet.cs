namespace Bulkhead.Policy.Symbolic;

/// <summary>Which users: in at least one group of every clause, and in none of the groups ruled out. A user may be in any groups at once.</summary>
internal sealed class UserSet
{
    private UserSet(int[][] anyOf, int[] noneOf) => (Clauses, NoneOf) = (anyOf, noneOf);

    /// <summary>Any user.</summary>
    public static UserSet All { get; } = new([], []);

    /// <summary>Clauses of groups, each sorted; the user is in one group of each.</summary>
    public int[][] Clauses { get; }

    /// <summary>Groups that the user is not in; sorted.</summary>
    public int[] NoneOf { get; }

    /// <summary>Whether it is any user.</summary>
    public bool IsAll => Clauses.Length == 0 && NoneOf.Length == 0;

    /// <summary>Whether no user is like that.</summary>
    public bool IsEmpty => Clauses.Any(clause => clause.All(NoneOf.Contains));

    /// <summary>Users in at least one of the groups.</summary>
    public static UserSet InAny(IEnumerable<int> groups) => new([[.. groups.Distinct().Order()]], []);

    /// <summary>Users in none of the groups.</summary>
    public static UserSet InNone(IEnumerable<int> groups) => new([], [.. groups.Distinct().Order()]);

    /// <summary>Who is in both.</summary>
    public UserSet And(UserSet other)
    {
        if (IsAll || other.IsAll)
        {
            return IsAll ? other : this;
        }

        var clauses = new List<int[]>(Clauses);
        clauses.AddRange(other.Clauses.Where(clause => !clauses.Exists(c => c.AsSpan().SequenceEqual(clause))));
        return new([.. clauses], [.. NoneOf.Union(other.NoneOf).Order()]);
    }

    /// <summary>Whether a user in just these groups is one.</summary>
    public bool Contains(IReadOnlyCollection<int> groups) =>
        Array.TrueForAll(Clauses, clause => Array.Exists(clause, groups.Contains)) && !Array.Exists(NoneOf, groups.Contains);

    /// <summary>Its conditions one by one, each with its opposite.</summary>
    public IEnumerable<(UserSet Inside, UserSet Outside)> Facets()
    {
        foreach (var clause in Clauses)
        {
            yield return (new([clause], []), new([], clause));
        }

        if (NoneOf.Length > 0)
        {
            yield return (new([], NoneOf), new([NoneOf], []));
        }
    }
}
