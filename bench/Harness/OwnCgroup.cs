namespace Bulkhead.Bench.Harness;

/// <summary>A cgroup made for this process to be in for a while, so that an agent's programs see its sockets; removed again.</summary>
internal sealed class OwnCgroup : IDisposable
{
    private readonly string _before;

    private OwnCgroup(string path, string before) => (Path, _before) = (path, before);

    /// <summary>Its folder.</summary>
    public string Path { get; }

    /// <summary>Makes one, below where this process is.</summary>
    /// <exception cref="BenchException">No cgroup v2 hierarchy is mounted.</exception>
    public static OwnCgroup Create()
    {
        var mount = File.ReadLines("/proc/mounts").Select(line => line.Split(' ')).FirstOrDefault(fields => fields is [_, _, "cgroup2", ..])?[1]
            ?? throw new BenchException("no cgroup v2 hierarchy is mounted");
        var before = mount + File.ReadLines("/proc/self/cgroup").First(line => line.StartsWith("0::", StringComparison.Ordinal))[3..].TrimEnd('/');
        var path = System.IO.Path.Combine(mount, $"bulkhead-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(path);
        return new(path, before);
    }

    /// <summary>Does something with this process in it.</summary>
    public T Inside<T>(Func<T> work)
    {
        Move(Path);
        try
        {
            return work();
        }
        finally
        {
            Move(_before);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path);

    private static void Move(string path) => File.WriteAllText(System.IO.Path.Combine(path, "cgroup.procs"), "0");
}
