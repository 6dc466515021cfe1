using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>Finds the agent's own cgroup and the configured name servers.</summary>
/// <param name="hostCgroup">Path of the host's root in cgroup v2, which every process of the host shares; <c>/</c> for all of the machine.</param>
/// <param name="root">Where the file system begins; other than <c>/</c> for tests.</param>
public sealed class NameLookupReader(string hostCgroup = "/", string root = "/")
{
    // nft finds cgroups below this folder only, wherever else they are mounted.
    private const string CgroupFolder = "/sys/fs/cgroup/";

    private string? _mount;

    /// <summary>The port at which the agent reaches its controller; null if it has none.</summary>
    public ushort? ControllerPort { get; init; }

    /// <summary>What holds now. What cannot be read is taken for not configured, which opens nothing.</summary>
    public NameLookups Read()
    {
        var resolvers = Lines("etc/resolv.conf")
            .Select(line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is ["nameserver", _, ..])
            .Select(words => IpAddress.TryParse(words[1], out var address) ? address : (IpAddress?)null)
            .OfType<IpAddress>()
            .Where(address => !address.IsLoopback);
        return new(Cgroup(), resolvers.Distinct().Order().ToEquatableArray()) { ControllerPort = ControllerPort };
    }

    private Match.SocketCgroup? Cgroup()
    {
        var path = Lines("proc/self/cgroup").FirstOrDefault(line => line.StartsWith("0::/", StringComparison.Ordinal))?[3..];
        // It does not move while a process lives.
        _mount ??= Lines("proc/self/mountinfo")
            .Select(line => line.Split(' '))
            .Where(fields => fields.Length > 4 && fields.SkipWhile(f => f != "-").ElementAtOrDefault(1) == "cgroup2")
            .Select(fields => fields[4] + "/")
            .FirstOrDefault(at => at.StartsWith(CgroupFolder, StringComparison.Ordinal));
        if (path is null || _mount is null || path.Contains("..", StringComparison.Ordinal) || path.Contains('"', StringComparison.Ordinal)
            || path == "/" || path.TrimEnd('/') == hostCgroup.TrimEnd('/'))
        {
            return null;
        }

        return new(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Length, _mount[CgroupFolder.Length..] + path[1..]);
    }

    private string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(root, file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
