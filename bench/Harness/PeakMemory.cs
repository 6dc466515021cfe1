using System.Globalization;

namespace Bulkhead.Bench.Harness;

/// <summary>The most memory that this process has had resident at one time (<c>VmHWM</c>, proc(5)).</summary>
internal static class PeakMemory
{
    /// <summary>Gives back what is no longer used, and forgets the peak so far.</summary>
    public static void Reset()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        File.WriteAllText("/proc/self/clear_refs", "5");
    }

    /// <summary>The peak in units of 1,000,000 bytes, shared pages included.</summary>
    public static double Megabytes()
    {
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line["VmHWM:".Length..^"kB".Length], NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture) * 1024 / 1e6;
    }
}
