using Bulkhead.Bench.Harness;

namespace Bulkhead.Bench.Load;

/// <summary>How long a sample takes.</summary>
/// <param name="WarmUp">Not counted.</param>
/// <param name="Measured">Counted.</param>
internal readonly record struct SampleTime(TimeSpan WarmUp, TimeSpan Measured)
{
    /// <summary>The growth of a counter per second, and per second of processor time.</summary>
    /// <param name="counter">What is done.</param>
    /// <param name="agents">Processes that work for it besides this one and the kernel.</param>
    /// <param name="cancel">Ends the sample.</param>
    public Sample Take(Func<long> counter, IReadOnlyList<int> agents, CancellationToken cancel)
    {
        Wait(WarmUp, cancel);
        var start = TimeProvider.System.GetTimestamp();
        var (busy, before) = (ProcessorSeconds(agents), counter());
        Wait(Measured, cancel);
        var done = counter() - before;
        return new(done / TimeProvider.System.GetElapsedTime(start).TotalSeconds, done / (ProcessorSeconds(agents) - busy));
    }

    private static double ProcessorSeconds(IReadOnlyList<int> agents) =>
        agents.Concat(ProcessUsage.SoftInterruptThreads).Append(Environment.ProcessId).Sum(ProcessUsage.ProcessorSeconds);

    private static void Wait(TimeSpan time, CancellationToken cancel)
    {
        cancel.WaitHandle.WaitOne(time);
        cancel.ThrowIfCancellationRequested();
    }
}
