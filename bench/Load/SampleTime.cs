namespace Bulkhead.Bench.Load;

/// <summary>How long a sample takes.</summary>
/// <param name="WarmUp">Not counted.</param>
/// <param name="Measured">Counted.</param>
internal readonly record struct SampleTime(TimeSpan WarmUp, TimeSpan Measured)
{
    /// <summary>The growth of a counter per second.</summary>
    public async Task<double> RateAsync(Func<long> counter, CancellationToken cancel)
    {
        await Task.Delay(WarmUp, cancel);
        var start = TimeProvider.System.GetTimestamp();
        var before = counter();
        await Task.Delay(Measured, cancel);
        var done = counter() - before;
        return done / TimeProvider.System.GetElapsedTime(start).TotalSeconds;
    }
}
