using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy;

namespace Bulkhead.Agent.Linux.Processes;

/// <summary>
/// The host's cgroups as rules name them, and a word whenever they change: a unit that is started again has a new cgroup, and its
/// packets wait until the rules know it.
/// </summary>
/// <param name="tree">The host's part of the tree.</param>
internal sealed class UnitCgroups(CgroupTree tree)
{
    // nft finds cgroups below this folder only, wherever else they are mounted.
    private const string CgroupFolder = "/sys/fs/cgroup/";
    private const int LongestPath = 1000;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// What there is now; null if rules cannot name cgroups here. One whose name nft would misread is left out, so that its sockets wait
    /// where a unit is asked for; systemd makes no such names.
    /// </summary>
    public HostCgroups? Read()
    {
        if (!(tree.Root + "/").StartsWith(CgroupFolder, StringComparison.Ordinal))
        {
            return null;
        }

        var rootLevel = LevelOf(tree.Path);
        var all = tree.Folders().Select(found => ToCgroup(found.Id, found.Folder, rootLevel)).ToList();
        return IsPlain(all[0])
            ? new(all[0], all.Skip(1).Where(IsPlain).OrderBy(cgroup => cgroup.Level).ThenBy(cgroup => cgroup.Name).ToEquatableArray())
            : null;
    }

    /// <summary>Begins to tell of cgroups that are made and removed: at once, or, where the kernel has no room for another watch, by looking every half second.</summary>
    /// <param name="changed">Is told, on a thread of the pool.</param>
    /// <param name="time">The clock.</param>
    public IDisposable Watch(Action changed, TimeProvider time)
    {
        try
        {
            return Watch(changed);
        }
        catch (IOException)
        {
            return time.CreateTimer(_ => changed(), null, _pause, _pause);
        }
    }

    private FileSystemWatcher Watch(Action changed)
    {
        var watcher = new FileSystemWatcher(tree.Root) { IncludeSubdirectories = true, NotifyFilter = NotifyFilters.DirectoryName };
        watcher.Created += (_, _) => changed();
        watcher.Deleted += (_, _) => changed();
        watcher.Renamed += (_, _) => changed();
        watcher.Error += (_, _) => changed();
        watcher.EnableRaisingEvents = true;
        return watcher;
    }

    private HostCgroup ToCgroup(ulong id, string folder, int rootLevel)
    {
        var below = folder[tree.Root.Length..];
        var path = folder.Length > CgroupFolder.Length ? folder[CgroupFolder.Length..] : ".";
        return new(rootLevel + LevelOf(below), new CgroupName(path, id), tree.UnitOf((tree.Path == "/" ? "" : tree.Path) + below));
    }

    private static bool IsPlain(HostCgroup cgroup) =>
        cgroup.Name.Path.Length <= LongestPath && cgroup.Name.Path.All(c => char.IsAsciiLetterOrDigit(c) || ":_.\\-@/".Contains(c, StringComparison.Ordinal));

    private static int LevelOf(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries).Length;
}
