namespace Bulkhead.Bench.Load;

/// <summary>How long a sample takes.</summary>
/// <param name="WarmUp">Not counted.</param>
/// <param name="Measured">Counted.</param>
internal readonly record struct SampleTime(TimeSpan WarmUp, TimeSpan Measured)
{
    /// <summary>The growth of a counter per second.</summary>
    public double Rate(Func<long> counter, CancellationToken cancel)
    {
        Wait(WarmUp, cancel);
        var start = TimeProvider.System.GetTimestamp();
        var before = counter();
        Wait(Measured, cancel);
        var done = counter() - before;
        return done / TimeProvider.System.GetElapsedTime(start).TotalSeconds;
    }

    private static void Wait(TimeSpan time, CancellationToken cancel)
    {
        cancel.WaitHandle.WaitOne(time);
        cancel.ThrowIfCancellationRequested();
    }
}
