using System.Globalization;

namespace Bulkhead.Bench.Policy;

/// <summary>What one process measures on one estate.</summary>
/// <param name="Sparse">The kind of estate.</param>
/// <param name="Workloads">How many workloads.</param>
/// <param name="Rules">How many rules.</param>
/// <param name="Compiles">How many full compiles; at least one.</param>
/// <param name="Changes">How many changes of workloads.</param>
/// <param name="Edits">How many edits of rules.</param>
internal sealed record CompilePart(bool Sparse, int Workloads, int Rules, int Compiles, int Changes, int Edits)
{
    private const string SparseWord = "sparse";

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    public static CompilePart Parse(string text)
    {
        var words = text.Split(':');
        var numbers = words.Skip(1).Select(word => int.Parse(word, CultureInfo.InvariantCulture)).ToArray();
        return new(words[0] == SparseWord, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);
    }

    /// <summary>The estate.</summary>
    public EstateShape Shape(int seed) => new(Sparse, Workloads, Rules, seed);

    /// <summary>As an argument of a program.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{(Sparse ? SparseWord : "dense")}:{Workloads}:{Rules}:{Compiles}:{Changes}:{Edits}");
}
