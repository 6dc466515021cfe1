using System.Globalization;
using Bulkhead.Agent.Linux.Processes;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>Which view of the file system a process has.</summary>
internal static class MountNamespace
{
    /// <summary>The agent's own.</summary>
    public static uint Own { get; } = Of("self") ?? throw new InvalidOperationException("/proc is not mounted.");

    /// <summary>A process's; null if it is gone.</summary>
    public static uint? Of(string process) =>
        FolderReader.ReadLink($"/proc/{process}/ns/mnt") is ['m', 'n', 't', ':', '[', .. var number, ']']
            && uint.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var inode) ? inode : null;
}
