using System.Globalization;
using System.Runtime.InteropServices;

namespace Bulkhead.Bench.Harness;

/// <summary>What a process takes of the machine.</summary>
internal static partial class ProcessUsage
{
    /// <summary>The kernel's threads that handle packets when interrupts leave too many.</summary>
    public static IReadOnlyList<int> SoftInterruptThreads { get; } =
        [.. Directory.GetDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid) ? pid : 0)
            .Where(pid => pid > 0 && NameOf(pid).StartsWith("ksoftirqd/", StringComparison.Ordinal))];

    /// <summary>User and system time of all threads that it has had so far.</summary>
    /// <exception cref="BenchException">There is no such process.</exception>
    public static double ProcessorSeconds(int pid)
    {
        // The clock of another process, as clock_getcpuclockid(3) makes it: the complement of the pid, and the scheduler's kind of clock.
        const int SchedulerClock = 2;
        return ClockGetTime((~pid << 3) | SchedulerClock, out var time) == 0
            ? time.Seconds + (time.Nanoseconds / 1e9)
            : throw new BenchException($"process {pid} has ended");
    }

    /// <summary>Processor time of the calling thread, in nanoseconds; other programs hardly change it.</summary>
    public static long ThreadNanoseconds()
    {
        const int ThreadClock = 3;
        _ = ClockGetTime(ThreadClock, out var time);
        return (time.Seconds * 1_000_000_000) + time.Nanoseconds;
    }

    /// <summary>Resident memory, shared pages included, in units of 1,000,000 bytes.</summary>
    public static double ResidentMegabytes(int pid)
    {
        var line = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024 / 1e6;
    }

    private static string NameOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm");
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return "";
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
