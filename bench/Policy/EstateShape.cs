namespace Bulkhead.Bench.Policy;

/// <summary>What kind of estate, and how large.</summary>
/// <param name="Sparse">
/// Whether the operator keys <c>owner</c> and <c>cluster</c> are nearly unique, so that there are about 60 label sets for 100 workloads;
/// otherwise they follow from the application, and there are about 5 for 100, skewed in size.
/// </param>
/// <param name="Workloads">How many workloads.</param>
/// <param name="Rules">How many rules.</param>
/// <param name="Seed">The same seed makes the same estate.</param>
internal sealed record EstateShape(bool Sparse, int Workloads, int Rules, int Seed)
{
    /// <summary>How many applications share the workloads.</summary>
    public int Apps => Math.Max(20, Workloads / 250);

    /// <summary><c>dense</c> or <c>sparse</c>.</summary>
    public string Kind => Sparse ? "sparse" : "dense";

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Kind}, {Workloads:N0} workloads, {Rules:N0} rules, seed {Seed}");
}
