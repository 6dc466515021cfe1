namespace Bulkhead.Policy.Symbolic;

/// <summary>
/// A finite set of values, or everything but a finite set. "Absent" is a value like any other, and there are always values that nothing
/// mentions; so a complement is never empty, and the infinite space of labels is exact.
/// </summary>
internal readonly struct ValueSet
{
    private readonly int[] _ids;

    private ValueSet(int[] ids, bool isComplement) => (_ids, IsComplement) = (ids, isComplement);

    /// <summary>Every value, and absence.</summary>
    public static ValueSet All { get; } = new([], true);

    /// <summary>Any value, but not absence.</summary>
    public static ValueSet Present { get; } = new([Alphabet.Absent], true);

    /// <summary>Whether it is everything but <see cref="Ids"/>.</summary>
    public bool IsComplement { get; }

    /// <summary>The members; of a complement, those left out. Sorted and distinct.</summary>
    public int[] Ids => _ids;

    /// <summary>Whether nothing is in it.</summary>
    public bool IsEmpty => !IsComplement && _ids.Length == 0;

    /// <summary>Whether everything is in it.</summary>
    public bool IsAll => IsComplement && _ids.Length == 0;

    /// <summary>The only member, or null.</summary>
    public int? Single => !IsComplement && _ids.Length == 1 ? _ids[0] : null;

    /// <summary>Just these values.</summary>
    public static ValueSet Of(params int[] ids) => new(Normal(ids), false);

    /// <summary>Whether a value is in it.</summary>
    public bool Contains(int id) => (Array.BinarySearch(_ids, id) >= 0) != IsComplement;

    /// <summary>All that is not in it.</summary>
    public ValueSet Not() => new(_ids, !IsComplement);

    /// <summary>What is in both.</summary>
    public ValueSet And(ValueSet other) => (IsComplement, other.IsComplement) switch
    {
        (false, false) => new(Array.FindAll(_ids, other.Contains), false),
        (false, true) => new(Array.FindAll(_ids, other.Contains), false),
        (true, false) => new(Array.FindAll(other._ids, Contains), false),
        _ => new(Union(_ids, other._ids), true),
    };

    /// <summary>Whether something is in both.</summary>
    public bool Overlaps(ValueSet other)
    {
        if (IsComplement && other.IsComplement)
        {
            return true;
        }

        var (finite, set) = IsComplement ? (other, this) : (this, other);
        foreach (var id in finite._ids)
        {
            if (set.Contains(id))
            {
                return true;
            }
        }

        return false;
    }

    private static int[] Union(int[] a, int[] b) => a.Length == 0 ? b : b.Length == 0 ? a : Normal([.. a, .. b]);

    private static int[] Normal(int[] ids)
    {
        if (ids.Length < 2)
        {
            return ids;
        }

        var sorted = ids.Distinct().ToArray();
        Array.Sort(sorted);
        return sorted;
    }
}
