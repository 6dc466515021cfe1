using System.Globalization;

namespace Bulkhead.Agent.Linux;

/// <summary>How full conntrack is.</summary>
/// <param name="Count">Connections that it holds.</param>
/// <param name="Most">How many it may hold; 0 if conntrack is not there.</param>
internal readonly record struct ConntrackUse(long Count, long Most)
{
    /// <summary>Full by so many hundredths, rounded down.</summary>
    public long Percent => Most == 0 ? 0 : Count * 100 / Most;
}

/// <summary>Reads conntrack's own counts of the network namespace that this process is in.</summary>
/// <param name="root">Where the file system begins; other than <c>/</c> for tests.</param>
internal sealed class ConntrackCounts(string root = "/")
{
    private readonly string _folder = Path.Combine(root, "proc/sys/net/netfilter");

    /// <summary>The counts now; zeros where conntrack is not there.</summary>
    public ConntrackUse Read() => new(Number("nf_conntrack_count"), Number("nf_conntrack_max"));

    private long Number(string name)
    {
        try
        {
            return long.TryParse(File.ReadAllText(Path.Combine(_folder, name)), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var number) ? number : 0;
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
