using System.Globalization;
using Bulkhead.Agent.Linux;
using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Checks;

/// <summary>Whether conntrack is large enough for what this host does: a full table drops new connections.</summary>
internal static class SizeChecks
{
    private const int Headroom = 4;
    private const long Least = 65_536;

    /// <summary>What was found.</summary>
    /// <param name="use">Conntrack's counts now.</param>
    /// <param name="peak">The most that the agent has seen; 0 if it never ran.</param>
    /// <param name="sockets">TCP and UDP sockets of the host: what conntrack will hold at least, where it does not track yet.</param>
    /// <param name="drops">Connections that conntrack had no room for, since boot.</param>
    public static IEnumerable<Finding> Run(ConntrackUse use, long peak, long sockets, long drops)
    {
        if (use.Most == 0)
        {
            yield return Finding.Warning("conntrack-size", "Conntrack's size cannot be read yet; it is loaded with the first rule.", "Run check again once the agent runs.");
            yield break;
        }

        var needed = Math.Max(Least, Math.Max(Math.Max(use.Count, peak), sockets) * Headroom);
        var seen = string.Create(CultureInfo.InvariantCulture, $"Conntrack holds {use.Count} connections now{(peak > 0 ? $", {peak} at most so far" : "")}; there are {sockets} sockets; its limit is {use.Most}");
        yield return use.Most < needed
            ? Finding.Warning("conntrack-size", $"{seen}, which leaves less than {Headroom} times room.", string.Create(CultureInfo.InvariantCulture, $"sysctl -w net.netfilter.nf_conntrack_max={needed} (and in /etc/sysctl.d); each entry takes about 300 bytes."))
            : Finding.Ok("conntrack-size", $"{seen}.");
        if (drops > 0)
        {
            yield return Finding.Warning("conntrack-drops", string.Create(CultureInfo.InvariantCulture, $"Conntrack had no room for {drops} connections since boot."), "Raise net.netfilter.nf_conntrack_max.");
        }
    }

    /// <summary>Reads the counts, and judges them.</summary>
    public static IEnumerable<Finding> Run(StateDirectory state)
    {
        long peak = 0;
        try
        {
            peak = AgentStatus.Load(state)?.PeakConnections ?? 0;
        }
        catch (UnauthorizedAccessException)
        {
            // Said by the check for root.
        }

        return Run(new ConntrackCounts().Read(), peak, Sockets(), Drops());
    }

    private static long Sockets() => ((string[])["tcp", "tcp6", "udp", "udp6"]).Sum(name => Math.Max(0, Lines($"/proc/net/{name}").Length - 1));

    /// <summary>The columns drop and early_drop (hexadecimal, one line a processor).</summary>
    private static long Drops()
    {
        var lines = Lines("/proc/net/stat/nf_conntrack").Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToArray();
        return lines.Length == 0 ? 0 : ((string[])["drop", "early_drop"]).Select(name => Array.IndexOf(lines[0], name)).Where(column => column >= 0)
            .Sum(column => lines.Skip(1).Where(fields => fields.Length > column).Sum(fields => long.Parse(fields[column], NumberStyles.HexNumber, CultureInfo.InvariantCulture)));
    }

    private static string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
