namespace Bulkhead.PolicyFiles;

/// <summary>Finds what somebody may have meant.</summary>
internal static class Spelling
{
    private const int LongestCompared = 64;

    /// <summary>A sentence with the likeliest of the known words, or an empty text if none is near.</summary>
    public static string Hint(string written, IEnumerable<string> known)
    {
        var near = known.Select(word => (word, Distance: Distance(written, word)))
            .Where(pair => pair.Distance <= Math.Max(1, pair.word.Length / 3))
            .OrderBy(pair => pair.Distance).ThenBy(pair => pair.word, StringComparer.Ordinal)
            .Select(pair => pair.word).FirstOrDefault();
        return near is null ? "" : $" Did you mean '{near}'?";
    }

    /// <summary>Edits that make one word the other: insertions, deletions, substitutions and swaps of neighbours (optimal string alignment); case does not count.</summary>
    private static int Distance(string a, string b)
    {
        if (a.Length > LongestCompared)
        {
            return int.MaxValue;
        }

        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    rows[i, j] = i + j;
                    continue;
                }

                var same = Same(a[i - 1], b[j - 1]);
                rows[i, j] = Math.Min(Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1, rows[i - 1, j - 1] + (same ? 0 : 1));
                if (i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1]))
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[a.Length, b.Length];
    }

    private static bool Same(char a, char b) => char.ToLowerInvariant(a) == char.ToLowerInvariant(b);
}
