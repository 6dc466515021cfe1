using System.Diagnostics;
using System.Globalization;

namespace Bulkhead.Bench.Seeing;

/// <summary>How busy the machine is, all of it: what its processors did not idle, as the kernel counts it in /proc/stat.</summary>
/// <param name="Idle">Seconds that all processors idled together since the machine was started.</param>
/// <param name="Timestamp">When, by <see cref="Stopwatch"/>.</param>
internal readonly record struct MachineTime(double Idle, long Timestamp)
{
    private const double TicksPerSecond = 100;

    /// <summary>Now.</summary>
    public static MachineTime Now()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var idle = double.Parse(fields[4], CultureInfo.InvariantCulture) + double.Parse(fields[5], CultureInfo.InvariantCulture);
        return new(idle / TicksPerSecond, Stopwatch.GetTimestamp());
    }

    /// <summary>Seconds of processor time that were used since, per second, in hundredths of a core.</summary>
    public double BusyPercentSince()
    {
        var now = Now();
        var elapsed = Stopwatch.GetElapsedTime(Timestamp, now.Timestamp).TotalSeconds;
        return ((elapsed * Environment.ProcessorCount) - (now.Idle - Idle)) / elapsed * 100;
    }
}
