using System.Diagnostics;

namespace Bulkhead.Scenarios;

/// <summary>What there is on this machine of the kinds of thing that the demo makes, as far as it bears the demo's id.</summary>
internal sealed record Footprint(IReadOnlyDictionary<string, IReadOnlySet<string>> Things)
{
    /// <summary>Looks.</summary>
    /// <param name="id">The demo's id: processes of another lab beside it are not its concern.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<Footprint> TakeAsync(string id, CancellationToken cancellationToken)
    {
        var mounts = await File.ReadAllLinesAsync("/proc/self/mounts", cancellationToken);
        return new(new Dictionary<string, IReadOnlySet<string>>
        {
            ["network interfaces"] = (await RunAsync("ip", ["-o", "link"], cancellationToken)).Select(line => line.Split(':')[1].Trim()).Where(name => name.Contains(id, StringComparison.Ordinal)).ToHashSet(),
            ["named network namespaces"] = (await RunAsync("ip", ["netns"], cancellationToken)).ToHashSet(),
            ["nft tables"] = (await RunAsync("nft", ["list", "tables"], cancellationToken)).ToHashSet(),
            ["mounts"] = mounts.Select(line => line.Split(' ')[1]).Where(path => path.Contains($"/{id}/", StringComparison.Ordinal) || path.EndsWith($"/{id}", StringComparison.Ordinal)).ToHashSet(),
            ["cgroups"] = mounts.Select(line => line.Split(' ')).Where(mount => mount[2] == "cgroup2")
                .SelectMany(mount => Directory.EnumerateDirectories(mount[1], $"bulkhead-lab-{id}")).ToHashSet(),
            ["files"] = Directory.EnumerateDirectories("/run", "bulkhead*").SelectMany(path => Directory.EnumerateFileSystemEntries(path, id + "*")).ToHashSet(),
            ["processes"] = Directory.EnumerateDirectories("/proc", "*").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])).Where(process => Belongs(process, $"bulkhead-lab-{id}/")).ToHashSet(),
        });
    }

    /// <summary>Says that nothing is left over.</summary>
    /// <exception cref="StoryException">Something is.</exception>
    public string ComparedWith(Footprint before)
    {
        var left = Things.SelectMany(kind => kind.Value.Except(before.Things[kind.Key]).Select(thing => $"{kind.Key}: {thing}")).ToList();
        return left.Count > 0
            ? throw new StoryException($"left behind: {string.Join("; ", left)}")
            : $"no {string.Join(", ", Things.Keys)} more than before";
    }

    private static bool Belongs(string process, string cgroup)
    {
        try
        {
            // One that is dead and waits for init to reap it has ended (proc(5), stat: state Z).
            return File.ReadAllText(Path.Combine(process, "cgroup")).Contains(cgroup, StringComparison.Ordinal)
                && !File.ReadAllText(Path.Combine(process, "stat")).Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task<IEnumerable<string>> RunAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
