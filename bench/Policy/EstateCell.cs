using Bulkhead.Policy.Labels;

namespace Bulkhead.Bench.Policy;

/// <summary>The workloads of an estate that agree on role, app, env and loc, and the values of the operator keys among them.</summary>
internal sealed class EstateCell(EstateApp app, string env, string role, string loc)
{
    private const int Owners = 20_000;
    private const int Clusters = 30_000;

    private readonly List<(string Owner, string Cluster)> _pairs = [];

    /// <summary>The application.</summary>
    public EstateApp App { get; } = app;

    /// <summary>The environment.</summary>
    public string Env { get; } = env;

    /// <summary>The role.</summary>
    public string Role { get; } = role;

    /// <summary>How many workloads it is to have.</summary>
    public int Size { get; set; } = 1;

    /// <summary>Whether owner and cluster follow from the rest.</summary>
    public bool IsUniform => _pairs.Count == 0;

    /// <summary>Gives it this many pairs of owner and cluster of its own.</summary>
    public void Scatter(int pairs, Random random)
    {
        for (var i = 0; i < pairs; i++)
        {
            _pairs.Add(DrawPair(random));
        }
    }

    /// <summary>The labels of its n-th workload: the first ones take a pair each, later ones any of them.</summary>
    public LabelSet Labels(int n, Random random) =>
        Labels(IsUniform ? (App.Team, $"{loc}-{Env}") : n < _pairs.Count ? _pairs[n] : _pairs[random.Next(_pairs.Count)]);

    /// <summary>Labels of a workload that comes later: with a cluster that is new where clusters are nearly unique.</summary>
    public LabelSet NewLabels(Random random) => IsUniform ? Labels(0, random) : Labels(DrawPair(random));

    private static (string Owner, string Cluster) DrawPair(Random random) =>
        (FormattableString.Invariant($"o{random.Next(Owners):D5}"), FormattableString.Invariant($"c{random.Next(Clusters):D5}"));

    // Every workload has an object of its own, as when it is read from a database.
    private LabelSet Labels((string Owner, string Cluster) pair) => LabelSet.Of(
        ("role", Role), ("app", App.Name), ("env", Env), ("loc", loc), ("owner", pair.Owner), ("cluster", pair.Cluster));
}
