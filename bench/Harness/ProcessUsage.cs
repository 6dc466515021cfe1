using System.Globalization;

namespace Bulkhead.Bench.Harness;

/// <summary>What a process takes of the machine, from /proc (proc(5)).</summary>
internal static class ProcessUsage
{
    // SC_CLK_TCK, which Linux fixes for user space.
    private const double TicksPerSecond = 100;

    /// <summary>User and system time of all of its threads so far.</summary>
    public static double ProcessorSeconds(int pid)
    {
        // The name, in parentheses, may hold spaces; utime and stime are the 12th and 13th fields after it.
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    /// <summary>Resident memory, shared pages included, in units of 1,000,000 bytes.</summary>
    public static double ResidentMegabytes(int pid)
    {
        var line = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024 / 1e6;
    }
}
