namespace Bulkhead.Policy.Symbolic;

/// <summary>Looks for connections of a region that none of many other regions holds, one piece at a time.</summary>
internal static class RegionSearch
{
    /// <summary>
    /// The connections of a region that no cover holds, as disjoint pieces, made as they are asked for. None exactly if the covers hold all of
    /// it. A piece of values that nothing mentions is looked for first, which spares enumerating those that are mentioned.
    /// </summary>
    /// <param name="start">The region.</param>
    /// <param name="covers">What to leave out.</param>
    /// <param name="effort">Counts the steps.</param>
    public static IEnumerable<Region> Outside(Region start, IEnumerable<RegionIndex> covers, Effort effort) =>
        Outside(start, covers.SelectMany(cover => cover.Overlapping(start)).Select(r => r.Region).ToArray(), effort);

    /// <summary>The same, of covers that need no index.</summary>
    public static IEnumerable<Region> Outside(Region start, Region[] covers, Effort effort)
    {
        var open = new Stack<(Region Piece, Region[] Covers)>();
        open.Push((start, covers));
        while (effort.Step() && open.TryPop(out var next))
        {
            var (piece, overlapping) = (next.Piece, Array.FindAll(next.Covers, next.Piece.Overlaps));
            if (overlapping.Length == 0)
            {
                yield return piece;
                continue;
            }

            var cut = Array.Find(overlapping, cover => IsLoose(cover, piece));
            if (cut is null)
            {
                cut = Apart(piece, overlapping);
                yield return cut;
            }

            foreach (var rest in piece.Except(cut).Reverse())
            {
                open.Push((rest, overlapping));
            }
        }
    }

    /// <summary>Whether a cover asks for a finite set of values only where the piece has no others anyway.</summary>
    private static bool IsLoose(Region cover, Region piece)
    {
        foreach (var (dimension, set) in cover.Values)
        {
            if (!set.IsComplement && piece[dimension].IsComplement)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// The part of a piece whose unbounded values are none that a cover mentions. If each cover asks for a finite set of values where the piece
    /// has no bound, that part lies outside them all.
    /// </summary>
    private static Region Apart(Region piece, Region[] covers)
    {
        var apart = piece;
        foreach (var dimension in covers.SelectMany(c => c.Values).Where(v => !v.Set.IsComplement).Select(v => v.Dimension).Distinct().Order())
        {
            if (piece[dimension].IsComplement)
            {
                int[] mentioned = [.. covers.Select(c => c[dimension]).Where(set => !set.IsComplement).SelectMany(set => set.Ids)];
                apart = apart.And(Region.Of(dimension, ValueSet.Of(mentioned).Not())) ?? throw new InvalidOperationException("A complement of finitely many values is never empty.");
            }
        }

        return apart;
    }
}

/// <summary>Bounds a search, so that a policy made to be hard gives no answer instead of none in time.</summary>
internal sealed class Effort(int steps)
{
    private int _left = steps;

    /// <summary>Whether the search ended for lack of steps; its result then says nothing.</summary>
    public bool IsSpent => _left < 0;

    /// <summary>Counts one step; false if there are none left.</summary>
    public bool Step() => --_left >= 0;
}
