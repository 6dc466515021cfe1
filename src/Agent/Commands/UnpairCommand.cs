using System.CommandLine;
using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Agent.Policies;
using Bulkhead.Agent.State;
using Bulkhead.Enforcement.Render;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent unpair</c>: ends enforcement and forgets the controller.</summary>
internal static class UnpairCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var state = CommandOptions.State();
        var command = new Command("unpair", "End enforcement on this host, remove the firewall table, and forget the controller.") { state };
        command.SetAction(async (parsed, cancel) =>
        {
            await UnpairAsync(StateDirectory.At(parsed.GetRequiredValue(state)), cancel);
            return ExitCodes.Good;
        });
        return command;
    }

    /// <summary>Removes the table, and forgets the controller if there is one.</summary>
    /// <exception cref="AgentException">An agent runs, or the table cannot be removed.</exception>
    internal static async Task RemoveAsync(StateDirectory state, CancellationToken cancel)
    {
        if (!Directory.Exists(state.Root))
        {
            return;
        }

        using var only = state.Lock();
        using var firewall = FirewallDriver.Open(() => NameLookups.None);
        if (await firewall.RemoveAsync(cancel) is { Ok: false } outcome)
        {
            throw new AgentException("table-not-removed", $"The firewall table could not be removed: {outcome.Error}", "Nothing else was changed; run it again as root.");
        }

        StampingPrograms.TakeOff(state);
        DurableFile.Remove(state.Cgroup);
        new PolicyCache(state).Clear();
        if (Directory.Exists(state.Spool))
        {
            Directory.Delete(state.Spool, recursive: true);
        }

        File.Delete(state.Status);
        File.Delete(state.Flows);
        DurableFile.Remove(state.Panic);
        DurableFile.Remove(state.Identity);
    }

    private static async Task UnpairAsync(StateDirectory state, CancellationToken cancel)
    {
        var identity = Identity.Load(state);
        await RemoveAsync(state, cancel);
        Console.WriteLine($"Workload {identity.WorkloadId} is unpaired here; remove it from the controller as well.");
    }
}
