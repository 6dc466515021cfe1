using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Processes;

namespace Bulkhead.Bench.Tamper;

/// <summary>The agent's eBPF programs that stamp sockets, and what somebody with root does to them.</summary>
/// <param name="cgroup">What they are attached to.</param>
internal sealed class Programs(string cgroup)
{
    /// <summary>The kind of act.</summary>
    public const string Kind = "take a program off";

    // enum bpf_attach_type of linux/bpf.h: where sockets are made, connected and sent from, and their options set.
    private static readonly int[] _hooks = [2, 10, 11, 14, 15, 22];

    // Those that stamp; telemetry has others at the same hooks.
    private static readonly string[] _names = ["bulkhead_create", "bulkhead_conn4", "bulkhead_conn6", "bulkhead_send4", "bulkhead_send6", "bulkhead_opt"];

    /// <summary>Those that are attached.</summary>
    public IReadOnlyList<(int Hook, string Name)> Attached()
    {
        using var folder = FolderReader.Open(cgroup);
        return [.. _hooks.SelectMany(hook => AttachedProgram.All(folder, hook).Select(program => Close(hook, program))).Where(found => _names.Contains(found.Name))];
    }

    /// <summary>Takes one of them off.</summary>
    public void TakeOff((int Hook, string Name) one)
    {
        using var folder = FolderReader.Open(cgroup);
        foreach (var program in AttachedProgram.All(folder, one.Hook))
        {
            using (program)
            {
                _ = program.Name == one.Name ? BpfException.Check(Libbpf.Detach(program.Descriptor, folder, one.Hook), "detach a program") : 0;
            }
        }
    }

    private static (int Hook, string Name) Close(int hook, AttachedProgram program)
    {
        using (program)
        {
            return (hook, program.Name);
        }
    }
}
