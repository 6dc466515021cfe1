using System.CommandLine;
using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent apply</c>: the last policy into the kernel, and no more; for before the network is up.</summary>
internal static class ApplyCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var state = CommandOptions.State();
        var cgroup = CommandOptions.Cgroup();
        var markMask = CommandOptions.MarkMask();
        var command = new Command("apply", "Put the last policy into the kernel and end: for boot, before the network is up. Needs no network and no controller.") { state, cgroup, markMask };
        command.SetAction(async (parsed, cancel) =>
        {
            using var logging = RunCommand.Logging();
            var applied = await AgentProcess.ApplyAsync(
                StateDirectory.At(parsed.GetRequiredValue(state)), parsed.GetValue(cgroup), parsed.GetValue(markMask), TimeProvider.System, logging.CreateLogger("agent"), cancel);
            return applied ? ExitCodes.Good : ExitCodes.Failed;
        });
        return command;
    }
}
