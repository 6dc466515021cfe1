using System.Collections.Concurrent;
using System.Globalization;
using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Policy;

namespace Bulkhead.Firewall.Tests;

/// <summary>A host's root in cgroup v2, with what is made below it; everything in it is killed and removed at the end.</summary>
internal sealed class TestCgroup : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(20);
    private static int _made;

    public TestCgroup()
    {
        Name = string.Create(CultureInfo.InvariantCulture, $"bulkhead-tests-{Environment.ProcessId}-{Interlocked.Increment(ref _made)}");
        Tree = Open(Name);
        Units = new(Tree);
        Owners = new(Tree, groups: (names, _) => IsSilent ? throw new IOException("The directory is away.") : Members
            .Select(user => (user.Key, Groups: user.Value.Where(names.Contains).Order(StringComparer.Ordinal).ToEquatableArray()))
            .Where(user => user.Groups.Count > 0)
            .ToDictionary(user => user.Key, user => user.Groups));
    }

    /// <summary>Its name below the hierarchy's root.</summary>
    public string Name { get; }

    public CgroupTree Tree { get; }

    public UnitCgroups Units { get; }

    public SocketOwners Owners { get; }

    /// <summary>Whether the host's directory fails.</summary>
    public bool IsSilent { get; set; }

    /// <summary>What the host's directory says of users.</summary>
    public ConcurrentDictionary<uint, string[]> Members { get; } = [];

    /// <summary>Folder of a cgroup below, which is made if it is not there.</summary>
    public string Below(string path) => Directory.CreateDirectory(Path.Combine(Tree.Root, path)).FullName;

    /// <summary>Removes a cgroup below that has no processes.</summary>
    public void Remove(string path) => Directory.Delete(Path.Combine(Tree.Root, path));

    /// <summary>Kills every process in a cgroup below, or in all of them.</summary>
    public void Kill(string path = "")
    {
        var folder = Path.Combine(Tree.Root, path);
        File.WriteAllText(Path.Combine(folder, "cgroup.kill"), "1");
        var events = Path.Combine(folder, "cgroup.events");
        Assert.True(SpinWait.SpinUntil(() => File.ReadAllText(events).Contains("populated 0", StringComparison.Ordinal), _deadline), "processes of the test do not die");
    }

    public void Dispose()
    {
        Kill();
        Owners.Dispose();
        foreach (var (_, folder) in Tree.Folders().OrderByDescending(found => found.Folder.Length))
        {
            Directory.Delete(folder);
        }
    }

    private static CgroupTree Open(string name)
    {
        var all = CgroupTree.Open(null);
        Directory.CreateDirectory(Path.Combine(all.Root, name));
        return CgroupTree.Open(name);
    }
}
