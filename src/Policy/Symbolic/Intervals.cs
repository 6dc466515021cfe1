using System.Numerics;

namespace Bulkhead.Policy.Symbolic;

/// <summary>A set of whole numbers as sorted, disjoint, inclusive ranges that do not touch.</summary>
internal sealed class Intervals<T>
    where T : struct, IBinaryInteger<T>
{
    private readonly (T First, T Last)[] _ranges;

    private Intervals((T First, T Last)[] ranges) => _ranges = ranges;

    /// <summary>No numbers.</summary>
    public static Intervals<T> None { get; } = new([]);

    /// <summary>The ranges in order.</summary>
    public ReadOnlySpan<(T First, T Last)> Ranges => _ranges;

    /// <summary>Whether nothing is in it.</summary>
    public bool IsEmpty => _ranges.Length == 0;

    /// <summary>The only member, or null.</summary>
    public T? Single => _ranges.Length == 1 && _ranges[0].First == _ranges[0].Last ? _ranges[0].First : null;

    /// <summary>The members, if there are at most so many ranges and each is of one number; otherwise null.</summary>
    public T[]? Few(int most) =>
        _ranges.Length <= most && Array.TrueForAll(_ranges, r => r.First == r.Last) ? Array.ConvertAll(_ranges, r => r.First) : null;

    /// <summary>The numbers of ranges in any order.</summary>
    public static Intervals<T> Of(params IEnumerable<(T First, T Last)> ranges)
    {
        var merged = new List<(T First, T Last)>();
        foreach (var range in ranges.OrderBy(r => r.First))
        {
            if (merged.Count > 0 && (range.First <= merged[^1].Last || range.First - merged[^1].Last == T.One))
            {
                merged[^1] = (merged[^1].First, T.Max(merged[^1].Last, range.Last));
            }
            else
            {
                merged.Add(range);
            }
        }

        return new([.. merged]);
    }

    /// <summary>Whether a number is in it.</summary>
    public bool Contains(T value)
    {
        var (low, high) = (0, _ranges.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (value < _ranges[middle].First)
            {
                high = middle - 1;
            }
            else if (value > _ranges[middle].Last)
            {
                low = middle + 1;
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What is in both.</summary>
    public Intervals<T> And(Intervals<T> other)
    {
        var both = new List<(T, T)>();
        for (var (i, j) = (0, 0); i < _ranges.Length && j < other._ranges.Length;)
        {
            var (a, b) = (_ranges[i], other._ranges[j]);
            var (first, last) = (T.Max(a.First, b.First), T.Min(a.Last, b.Last));
            if (first <= last)
            {
                both.Add((first, last));
            }

            (i, j) = a.Last < b.Last ? (i + 1, j) : (i, j + 1);
        }

        return new([.. both]);
    }

    /// <summary>What is in it but not in the other.</summary>
    public Intervals<T> Except(Intervals<T> other)
    {
        var left = new List<(T, T)>();
        var j = 0;
        foreach (var (first, last) in _ranges)
        {
            var from = first;
            var done = false;
            for (; !done && j < other._ranges.Length && other._ranges[j].First <= last; j++)
            {
                var hole = other._ranges[j];
                if (hole.Last < from)
                {
                    continue;
                }

                if (hole.First > from)
                {
                    left.Add((from, hole.First - T.One));
                }

                if (hole.Last >= last)
                {
                    // The hole may reach into the next range, so it is not passed yet.
                    done = true;
                    break;
                }

                from = hole.Last + T.One;
            }

            if (!done)
            {
                left.Add((from, last));
            }
        }

        return new([.. left]);
    }

    /// <summary>Whether something is in both.</summary>
    public bool Overlaps(Intervals<T> other)
    {
        for (var (i, j) = (0, 0); i < _ranges.Length && j < other._ranges.Length;)
        {
            var (a, b) = (_ranges[i], other._ranges[j]);
            if (T.Max(a.First, b.First) <= T.Min(a.Last, b.Last))
            {
                return true;
            }

            (i, j) = a.Last < b.Last ? (i + 1, j) : (i, j + 1);
        }

        return false;
    }

    /// <summary>Whether both hold the same numbers.</summary>
    public bool SameAs(Intervals<T> other) => _ranges.AsSpan().SequenceEqual(other._ranges);
}
