using System.Runtime.InteropServices;
using Bulkhead.Agent.Linux.Netlink;

namespace Bulkhead.Agent.Spool;

/// <summary>The time since the host was started, which nobody sets and which runs on in sleep.</summary>
/// <param name="now">Milliseconds since the start.</param>
/// <param name="boot">Which start; differs from one to the next.</param>
internal sealed partial class BootClock(Func<long> now, string boot)
{
    private const int Boottime = 7;

    /// <summary>The host's.</summary>
    public static BootClock System { get; } = new(ReadNow, ReadBoot());

    /// <summary>Which start of the host.</summary>
    public string Boot => boot;

    /// <summary>Milliseconds since then.</summary>
    public long NowMs => now();

    private static long ReadNow() => ClockGetTime(Boottime, out var time) == 0
        ? (time.Seconds * 1000) + (time.Nanoseconds / 1_000_000)
        : throw NetlinkException.Last("read the boot clock");

    private static string ReadBoot()
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            // Then no batch of an earlier run of the agent is of this start.
            return Guid.NewGuid().ToString();
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static partial int ClockGetTime(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
