namespace Bulkhead.Agent.Linux.Processes;

/// <summary>Which container a process is in, as its cgroup's path tells: by the names that container runtimes give.</summary>
internal static class ContainerId
{
    private const int Length = 64;
    private const int Shown = 12;
    private const string Lxc = "lxc.payload.";

    private static readonly System.Buffers.SearchValues<char> _digits = System.Buffers.SearchValues.Create("0123456789abcdef");

    /// <summary>The identifier, of a hash its first twelve digits; empty for a process of the host.</summary>
    /// <param name="path">As in <c>/proc/PID/cgroup</c>.</param>
    public static string Of(ReadOnlySpan<char> path)
    {
        var found = "";
        foreach (var range in path.Split('/'))
        {
            var part = path[range];
            if (part.StartsWith(Lxc, StringComparison.Ordinal))
            {
                found = part[Lxc.Length..].ToString();
                continue;
            }

            // docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope, libpod-ID.scope, or the ID alone.
            var start = part.LastIndexOf('-') + 1;
            var id = part[start..];
            id = id.EndsWith(".scope", StringComparison.Ordinal) ? id[..^".scope".Length] : id;
            if (id.Length == Length && !id.ContainsAnyExcept(_digits))
            {
                found = id[..Shown].ToString();
            }
        }

        return found;
    }
}
