using System.Globalization;
using System.Text;

namespace Bulkhead.Agent.Linux.Processes;

/// <summary>The host's part of the cgroup v2 tree: which processes are its own, and in which unit they are.</summary>
/// <param name="root">Folder of the host's root, such as <c>/sys/fs/cgroup/unified/lab/web-1</c>.</param>
/// <param name="prefix">The same as <c>/proc/PID/cgroup</c> writes it, such as <c>/lab/web-1</c>; empty for the hierarchy's root.</param>
internal sealed class CgroupTree(string root, string prefix)
{
    private readonly Dictionary<ulong, string> _folders = [];

    /// <summary>Folder of the host's root.</summary>
    public string Root { get; } = root;

    /// <summary>The host's root as the kernel writes it; <c>/</c> for the whole hierarchy.</summary>
    public string Path => prefix.Length == 0 ? "/" : prefix;

    /// <summary>Finds the v2 hierarchy and the host's root in it.</summary>
    /// <param name="path">Below the hierarchy's root, or an absolute folder in it; null for the whole hierarchy.</param>
    /// <exception cref="AgentException">There is no such hierarchy or cgroup.</exception>
    public static CgroupTree Open(string? path)
    {
        var mount = File.ReadLines("/proc/self/mounts").Select(line => line.Split(' ')).FirstOrDefault(fields => fields.Length > 2 && fields[2] == "cgroup2")?[1]
            ?? throw new AgentException("no-cgroup2", "No cgroup v2 hierarchy is mounted.", "Mount one: mount -t cgroup2 none /sys/fs/cgroup/unified");
        var below = (path ?? "").StartsWith(mount, StringComparison.Ordinal) ? path![mount.Length..] : path ?? "";
        var prefix = below.Trim('/') is { Length: > 0 } name ? "/" + name : "";
        return Directory.Exists(mount + prefix)
            ? new CgroupTree(mount + prefix, prefix)
            : throw new AgentException("no-cgroup", $"There is no cgroup {mount}{prefix}.", "Create it, or correct --cgroup.");
    }

    /// <summary>The same tree for another thread.</summary>
    public CgroupTree Copy() => new(Root, prefix);

    /// <summary>The pids in one cgroup of the host, by its id (the inode of its folder); null if it is not, or no longer, the host's.</summary>
    public IReadOnlyList<int>? ProcessesOf(ulong cgroup)
    {
        if (!_folders.ContainsKey(cgroup))
        {
            Scan();
        }

        return _folders.TryGetValue(cgroup, out var folder) ? ReadProcesses(folder) : null;
    }

    /// <summary>The pids in all cgroups of the host.</summary>
    public IEnumerable<int> AllProcesses()
    {
        Scan();
        return _folders.Values.SelectMany(ReadProcesses);
    }

    /// <summary>The unit that a line of <c>/proc/PID/cgroup</c> tells of: the last component below the host's root that ends in .service or .scope, or empty.</summary>
    public string UnitOf(ReadOnlySpan<char> path)
    {
        if (!path.StartsWith(prefix, StringComparison.Ordinal))
        {
            return "";
        }

        var unit = "";
        foreach (var range in path[prefix.Length..].Split('/'))
        {
            var part = path[prefix.Length..][range];
            if (part.EndsWith(".service", StringComparison.Ordinal) || part.EndsWith(".scope", StringComparison.Ordinal))
            {
                unit = part.ToString();
            }
        }

        return unit;
    }

    /// <summary>The host's root and every cgroup below it, by identifier and folder; read anew. From any thread.</summary>
    public List<(ulong Id, string Folder)> Folders()
    {
        var found = new List<(ulong, string)> { (RootId(), Root) };
        Walk(Root, found);
        return found;
    }

    private void Scan()
    {
        _folders.Clear();
        foreach (var (id, folder) in Folders())
        {
            _folders[id] = folder;
        }
    }

    private ulong RootId()
    {
        using var parent = FolderReader.Open(System.IO.Path.Combine(Root, ".."));
        var own = Encoding.UTF8.GetBytes(System.IO.Path.GetFileName(Root) + "\0");
        // The root of the whole hierarchy has no parent to be listed in; its id is always 1.
        ulong id = 1;
        if (prefix.Length > 0 && !parent.IsInvalid)
        {
            FolderReader.Walk(parent, (inode, _, name) =>
            {
                var same = name.SequenceEqual(own);
                id = same ? inode : id;
                return !same;
            });
        }

        return id;
    }

    private static void Walk(string folder, List<(ulong, string)> found)
    {
        using var handle = FolderReader.Open(folder);
        if (handle.IsInvalid)
        {
            return;
        }

        var below = new List<string>();
        FolderReader.Walk(handle, (inode, isFolder, name) =>
        {
            if (isFolder)
            {
                var path = System.IO.Path.Combine(folder, Encoding.UTF8.GetString(name[..^1]));
                found.Add((inode, path));
                below.Add(path);
            }

            return true;
        });
        below.ForEach(path => Walk(path, found));
    }

    private static List<int> ReadProcesses(string folder)
    {
        var pids = new List<int>();
        try
        {
            foreach (var line in File.ReadLines(System.IO.Path.Combine(folder, "cgroup.procs")))
            {
                // Processes of an outer pid namespace are listed as 0.
                if (int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid > 0)
                {
                    pids.Add(pid);
                }
            }
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // The cgroup was removed, or is threaded; it has no processes of its own then.
        }

        return pids;
    }
}
