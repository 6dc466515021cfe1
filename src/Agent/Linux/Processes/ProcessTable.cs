using System.Globalization;
using System.Text;

namespace Bulkhead.Agent.Linux.Processes;

/// <summary>Names processes: by pid, or by a socket that they hold. For one thread.</summary>
internal sealed class ProcessTable(CgroupTree cgroups, UserNames users)
{
    private const int MostKnown = 4096;

    private readonly Dictionary<int, ProcessFacts> _known = [];
    private readonly Dictionary<ulong, int> _lastOfCgroup = [];

    /// <summary>The process that holds a socket, or null if none is found: it is gone, or not the host's.</summary>
    /// <param name="inode">The socket's inode; never reused while the socket lives.</param>
    /// <param name="cgroup">The cgroup in which the socket was made, or 0 if the kernel did not say.</param>
    public ProcessFacts? HolderOf(ulong inode, ulong cgroup)
    {
        var target = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"socket:[{inode}]"));
        // Who made the cgroup's last socket most likely made this one.
        if (_lastOfCgroup.TryGetValue(cgroup, out var last) && Holds(last, target) && Find(last) is { } same)
        {
            return same;
        }

        var candidates = cgroups.ProcessesOf(cgroup);
        return Search(candidates, target, cgroup)
            ?? Search(cgroups.AllProcesses().Except(candidates ?? []), target, cgroup);
    }

    /// <summary>What is known of a process now, or null if it is gone.</summary>
    public ProcessFacts? Find(int pid)
    {
        var folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/");
        if (FolderReader.ReadLink(folder + "exe") is not { } path || ReadStart(folder) is not { } start)
        {
            _known.Remove(pid);
            return null;
        }

        // Users, the cgroup and the name may change while it runs.
        path = path.EndsWith(" (deleted)", StringComparison.Ordinal) ? path[..^" (deleted)".Length] : path;
        return Read(pid, start, path, folder) is { } facts ? Same(facts) : null;
    }

    /// <summary>The facts that are handed out for a process of which somebody else found out the same; these, if none were yet.</summary>
    public ProcessFacts Same(ProcessFacts facts)
    {
        if (_known.TryGetValue(facts.Pid, out var known) && known.IsLike(facts))
        {
            return known;
        }

        MakeRoom();
        return _known[facts.Pid] = facts;
    }

    private ProcessFacts? Search(IEnumerable<int>? candidates, byte[] target, ulong cgroup)
    {
        foreach (var pid in candidates ?? [])
        {
            if (Holds(pid, target) && Find(pid) is { } holder)
            {
                if (_lastOfCgroup.Count >= MostKnown)
                {
                    _lastOfCgroup.Clear();
                }

                _lastOfCgroup[cgroup] = pid;
                return holder;
            }
        }

        return null;
    }

    private void MakeRoom()
    {
        if (_known.Count >= MostKnown)
        {
            _known.Clear();
        }
    }

    private static bool Holds(int pid, byte[] target)
    {
        using var folder = FolderReader.Open(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd"));
        if (folder.IsInvalid)
        {
            return false;
        }

        var holds = false;
        FolderReader.Walk(folder, (_, _, name) => !(holds = FolderReader.LinkIs(folder, name, target)));
        return holds;
    }

    private ProcessFacts? Read(int pid, ulong start, string path, string folder)
    {
        try
        {
            var owner = ParseUid(File.ReadLines(folder + "status").FirstOrDefault(line => line.StartsWith("Uid:", StringComparison.Ordinal))?.Split('\t').ElementAtOrDefault(2));
            var login = ParseUid(File.Exists(folder + "loginuid") ? File.ReadAllText(folder + "loginuid") : null);
            var cgroup = File.ReadLines(folder + "cgroup").FirstOrDefault(line => line.StartsWith("0::", StringComparison.Ordinal))?[3..] ?? "";
            return owner is not { } uid ? null : new ProcessFacts(pid, start, path)
            {
                Name = File.ReadAllText(folder + "comm").TrimEnd('\n'),
                Unit = cgroups.UnitOf(cgroup),
                Container = ContainerId.Of(cgroup),
                Uid = uid,
                LoginUid = login ?? ProcessFacts.NoLogin,
                Owner = users.NameOf(uid),
                User = users.NameOf(login is null or ProcessFacts.NoLogin ? uid : login.Value),
            };
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static ulong? ReadStart(string folder)
    {
        try
        {
            // The command's name is in parentheses and may hold any character, so fields count from the last ')'.
            var stat = File.ReadAllText(folder + "stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields.Length > 19 && ulong.TryParse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture, out var start) ? start : null;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static uint? ParseUid(string? text) =>
        uint.TryParse(text, NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var uid) ? uid : null;
}
