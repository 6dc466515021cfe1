namespace Bulkhead.Agent.Linux;

/// <summary>
/// What conntrack has to be told before it takes up a connection, since it applies to those that come after: count traffic, and report the
/// connection's end. By default (<c>nf_conntrack_events=2</c>) the end is reported only of connections that began while somebody listened,
/// so that those from before an agent's start, or from while it restarted, would go unnoticed. For the calling thread's network namespace.
/// </summary>
internal static class ConntrackSettings
{
    /// <summary>The settings' files.</summary>
    public static IReadOnlyList<string> Paths { get; } = ["/proc/sys/net/netfilter/nf_conntrack_acct", "/proc/sys/net/netfilter/nf_conntrack_events"];

    /// <summary>Makes them.</summary>
    /// <exception cref="IOException">Conntrack is not there.</exception>
    /// <exception cref="UnauthorizedAccessException">Not permitted.</exception>
    public static void Enable()
    {
        foreach (var path in Paths)
        {
            File.WriteAllText(path, "1");
        }
    }

    /// <summary>Makes them if that is possible: for who can do without, since telemetry says what is wrong.</summary>
    public static void TryEnable()
    {
        try
        {
            Enable();
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // Said when telemetry starts.
        }
    }

    /// <summary>The settings as they are, as far as conntrack is there.</summary>
    public static IEnumerable<(string Path, string Value)> Read() => Paths.Where(File.Exists).Select(path => (path, File.ReadAllText(path).Trim()));
}
