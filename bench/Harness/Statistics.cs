namespace Bulkhead.Bench.Harness;

/// <summary>Order statistics of samples.</summary>
internal static class Statistics
{
    /// <summary>The middle value; the mean of the two middle ones if there is an even number.</summary>
    public static double Median(IEnumerable<double> samples)
    {
        var sorted = Sorted(samples);
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>The smallest sample that at least <paramref name="percent"/> percent of them do not exceed (nearest rank).</summary>
    public static double Percentile(IEnumerable<double> samples, double percent)
    {
        var sorted = Sorted(samples);
        return sorted[Math.Clamp((int)Math.Ceiling(sorted.Length * percent / 100) - 1, 0, sorted.Length - 1)];
    }

    private static double[] Sorted(IEnumerable<double> samples)
    {
        double[] sorted = [.. samples.Order()];
        return sorted.Length > 0 ? sorted : throw new BenchException("there are no samples: nothing was measured");
    }
}
