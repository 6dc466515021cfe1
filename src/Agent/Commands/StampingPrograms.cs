using System.Text;
using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Commands;

/// <summary>The programs that stamp sockets, for commands that open the host whether or not an agent runs.</summary>
internal static class StampingPrograms
{
    /// <summary>Takes them off the cgroup that the last agent attached them to; for after the table is gone.</summary>
    /// <exception cref="AgentException">The kernel refuses.</exception>
    public static void TakeOff(StateDirectory state)
    {
        if (DurableFile.Read(state.Cgroup) is { } cgroup && Encoding.UTF8.GetString(cgroup) is var folder && Directory.Exists(folder))
        {
            try
            {
                SocketStamps.Remove(folder);
            }
            catch (Exception refused) when (refused is BpfException or DllNotFoundException)
            {
                throw new AgentException("programs-not-removed", $"The eBPF programs could not be taken off {folder}: {refused.Message}", "The table is gone already, so that they block no connection; run it again as root.");
            }
        }
    }
}
