namespace Bulkhead.Bench.Harness;

/// <summary>
/// Samples of several cases, taken in rounds: each round samples every case once, in an order of its own, so that whatever else the machine
/// does meets all cases alike, and a case is compared with another only within a round.
/// </summary>
internal sealed class Rounds
{
    private const int Seed = 20260;

    private readonly Dictionary<string, List<Sample>> _samples;

    private Rounds(IReadOnlyCollection<string> cases) =>
        (Cases, _samples) = (cases, cases.ToDictionary(name => name, _ => new List<Sample>(), StringComparer.Ordinal));

    /// <summary>The names of the cases, as they were given.</summary>
    public IReadOnlyCollection<string> Cases { get; }

    /// <summary>Takes the samples.</summary>
    /// <param name="cases">The names of the cases.</param>
    /// <param name="rounds">How many rounds.</param>
    /// <param name="sample">Samples one case.</param>
    /// <param name="progress">Told of each round.</param>
    public static Rounds Run(
        IReadOnlyCollection<string> cases, int rounds, Func<string, Sample> sample, Action<string> progress)
    {
        var result = new Rounds(cases);
        var random = new Random(Seed);
        for (var round = 1; round <= rounds; round++)
        {
            var order = cases.ToArray();
            random.Shuffle(order);
            foreach (var name in order)
            {
                result._samples[name].Add(sample(name));
            }

            progress($"round {round}/{rounds}: " + string.Join("  ", cases.Select(name => $"{name} {result._samples[name][^1].PerSecond:N0}")));
        }

        return result;
    }

    /// <summary>The median of a case's samples, per second.</summary>
    public double Median(string name) => Statistics.Median(_samples[name].Select(sample => sample.PerSecond));

    /// <summary>The median over rounds of one case divided by another in the same round.</summary>
    public double Ratio(string name, string baseline, Func<Sample, double> value) =>
        Statistics.Median(_samples[name].Zip(_samples[baseline], (sample, unit) => value(sample) / value(unit)));
}
