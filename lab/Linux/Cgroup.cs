using System.Globalization;

namespace Bulkhead.Lab;

/// <summary>A cgroup v2 folder.</summary>
/// <param name="Path">Its absolute path in the root mount namespace.</param>
public sealed record Cgroup(string Path)
{
    private static readonly Lazy<string> LazyRoot = new(FindRoot);

    /// <summary>Whether the folder is there.</summary>
    public bool Exists => Directory.Exists(Path);

    /// <summary>The file a process writes its pid to in order to move in.</summary>
    internal string ProcsFile => System.IO.Path.Combine(Path, "cgroup.procs");

    /// <summary>A cgroup below the root of the unified hierarchy, wherever that is mounted.</summary>
    /// <exception cref="LabException">No cgroup v2 hierarchy is mounted.</exception>
    internal static Cgroup OfRoot(string name) => new(System.IO.Path.Combine(LazyRoot.Value, name));

    /// <summary>The cgroup of that name below this one.</summary>
    public Cgroup Child(string name) => new(System.IO.Path.Combine(Path, name));

    /// <summary>The processes directly in this cgroup, ascending; empty if the cgroup is gone.</summary>
    public IReadOnlyList<int> Processes()
    {
        try
        {
            return [.. File.ReadAllLines(ProcsFile).Select(line => int.Parse(line, CultureInfo.InvariantCulture)).Where(pid => pid > 0).Order()];
        }
        catch (IOException)
        {
            return [];
        }
    }

    internal void Create() => Directory.CreateDirectory(Path);

    /// <summary>Kills every process in this cgroup and below, and waits until none is left.</summary>
    internal async Task KillAsync(CancellationToken cancellationToken)
    {
        if (!Exists)
        {
            return;
        }

        var kill = System.IO.Path.Combine(Path, "cgroup.kill");
        if (File.Exists(kill))
        {
            await File.WriteAllTextAsync(kill, "1", cancellationToken);
        }

        await Deadline.UntilAsync(
            () =>
            {
                var pids = Tree().SelectMany(cgroup => cgroup.Processes()).ToList();
                pids.ForEach(pid => Native.Kill(pid, Native.SigKill));
                return ValueTask.FromResult(pids.Count == 0 && !IsPopulated());
            },
            TimeSpan.FromSeconds(20),
            $"processes in {Path} did not die",
            cancellationToken);
    }

    /// <summary>Removes this cgroup and everything below. Its processes must be dead.</summary>
    internal async Task RemoveAsync(CancellationToken cancellationToken) =>
        await Deadline.UntilAsync(
            () =>
            {
                foreach (var cgroup in Tree().OrderByDescending(cgroup => cgroup.Path.Length))
                {
                    _ = Native.Rmdir(cgroup.Path);
                }

                return ValueTask.FromResult(!Exists);
            },
            TimeSpan.FromSeconds(10),
            $"cannot remove {Path}",
            cancellationToken);

    private bool IsPopulated()
    {
        try
        {
            return File.ReadAllText(System.IO.Path.Combine(Path, "cgroup.events")).Contains("populated 1", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private List<Cgroup> Tree()
    {
        try
        {
            return [this, .. Directory.GetDirectories(Path, "*", SearchOption.AllDirectories).Select(path => new Cgroup(path))];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private static string FindRoot() =>
        File.ReadAllLines("/proc/mounts").Select(line => line.Split(' ')).FirstOrDefault(fields => fields is [_, _, "cgroup2", ..]) is { } mount
            ? mount[1]
            : throw new LabException("no cgroup v2 hierarchy is mounted; the lab needs one (mount -t cgroup2 none /sys/fs/cgroup/unified)");
}
