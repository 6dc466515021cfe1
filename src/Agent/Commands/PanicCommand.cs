using System.CommandLine;
using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.State;
using Bulkhead.Enforcement.Plan;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent panic</c>: opens the host, whatever its policy says and whether or not the agent runs, until <c>resume</c>.</summary>
internal static class PanicCommand
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var state = CommandOptions.State();
        var reason = new Option<string>("--reason") { Required = true, Description = "Why; shown here and at the controller." };
        var command = new Command("panic", "Enforce nothing on this host, quarantine included, until 'bulkhead-agent resume': also after a restart or reboot.") { state, reason };
        command.SetAction(async (parsed, cancel) =>
        {
            await OpenAsync(StateDirectory.At(parsed.GetRequiredValue(state)), parsed.GetRequiredValue(reason), TimeProvider.System, cancel);
            return ExitCodes.Good;
        });
        return command;
    }

    /// <summary><c>bulkhead-agent resume</c>.</summary>
    public static Command CreateResume()
    {
        var state = CommandOptions.State();
        var command = new Command("resume", "Enforce this host's policy again after 'bulkhead-agent panic'.") { state };
        command.SetAction(async (parsed, cancel) =>
        {
            await ResumeAsync(StateDirectory.At(parsed.GetRequiredValue(state)), TimeProvider.System, cancel);
            return ExitCodes.Good;
        });
        return command;
    }

    private static async Task OpenAsync(StateDirectory state, string reason, TimeProvider time, CancellationToken cancel)
    {
        try
        {
            // On disk first: a running agent takes whatever follows for tampering, unless it finds the order.
            new PanicOrder(time.GetUtcNow(), LoginUser.Name(), reason).Save(state);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new AgentException(
                "panic-not-kept",
                $"The order cannot be kept: {refused.Message} Nothing was changed.",
                "Run as root, and make room on the disk; else stop the agent's service and run 'nft delete table inet bulkhead'.");
        }

        if (await new NftProcess(new OwnChanges()).RunAsync(NftScript.Remove()) is { } error)
        {
            throw new AgentException("table-not-removed", $"The firewall table could not be removed: {error}", "A running agent tries it again; look at 'bulkhead-agent status'.");
        }

        StampingPrograms.TakeOff(state);
        await FollowedAsync(state, open: true, time, cancel);
        Console.WriteLine("This host is open: nothing is enforced until 'bulkhead-agent resume'.");
    }

    private static async Task ResumeAsync(StateDirectory state, TimeProvider time, CancellationToken cancel)
    {
        if (!File.Exists(state.Panic))
        {
            Console.WriteLine("This host was not open.");
            return;
        }

        DurableFile.Remove(state.Panic);
        Console.WriteLine(await FollowedAsync(state, open: false, time, cancel)
            ? "The policy is enforced again."
            : "The agent does not run; the policy is enforced again once it does.");
    }

    /// <summary>Waits until a running agent has followed; whether one runs.</summary>
    internal static async Task<bool> FollowedAsync(StateDirectory state, bool open, TimeProvider time, CancellationToken cancel)
    {
        var began = time.GetTimestamp();
        while (state.IsLocked())
        {
            // Not the word of an agent that was killed since.
            if (AgentStatus.Load(state) is { } status && status.Panic == open && StatusCommand.IsRunning(status))
            {
                return true;
            }

            if (time.GetElapsedTime(began) > _patience)
            {
                throw new AgentException("agent-silent", $"The agent runs but did not follow within {_patience.TotalSeconds:0} s.", "The order stands. Restart the agent, which follows it first of all.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancel);
        }

        return false;
    }
}
