using System.Globalization;
using Bulkhead.Bench.Harness;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Dataplane;

/// <summary>Network namespaces of this run, named <c>bhbench-PID-NAME</c>; gone when it ends, and what a crashed run left is removed first.</summary>
internal sealed class NamedNamespaces : IAsyncDisposable
{
    private const string Folder = "/run/netns";
    private const string Prefix = "bhbench-";

    private readonly List<string> _names = [];

    /// <summary>Removes namespaces of runs that are no more.</summary>
    public static async Task<NamedNamespaces> CreateAsync(CancellationToken cancel)
    {
        if (Directory.Exists(Folder))
        {
            foreach (var name in Directory.GetFiles(Folder, Prefix + "*").Select(path => Path.GetFileName(path)))
            {
                if (!int.TryParse(name[Prefix.Length..].Split('-')[0], CultureInfo.InvariantCulture, out var pid) || !Directory.Exists($"/proc/{pid}"))
                {
                    await Tool.RunAsync(["ip", "netns", "del", name], "", cancel);
                }
            }
        }

        return new();
    }

    /// <summary>A new namespace.</summary>
    public async Task<NetworkNamespace> AddAsync(string name, CancellationToken cancel)
    {
        var full = $"{Prefix}{Environment.ProcessId}-{name}";
        await Tool.RunAsync(["ip", "netns", "add", full], "", cancel);
        _names.Add(full);
        return new($"{Folder}/{full}");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var name in _names)
        {
            await Tool.RunAsync(["ip", "netns", "del", name], "", CancellationToken.None);
        }
    }
}
