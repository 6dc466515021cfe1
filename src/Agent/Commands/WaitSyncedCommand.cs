using System.CommandLine;
using System.Globalization;
using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent wait-synced</c>: for services that are to start only once this host's policy is in force and its peers know it.</summary>
internal static class WaitSyncedCommand
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var state = CommandOptions.State();
        var timeout = new Option<int>("--timeout") { Description = "Seconds to wait at most.", DefaultValueFactory = _ => 120 };
        var command = new Command("wait-synced", "Wait until the running agent enforces its policy, the controller knows, and connected peers that enforce know this host's addresses: exit code 0 synced, 4 not in time.") { state, timeout };
        command.SetAction((parsed, cancel) => WaitAsync(StateDirectory.At(parsed.GetRequiredValue(state)), TimeSpan.FromSeconds(parsed.GetValue(timeout)), TimeProvider.System, cancel));
        return command;
    }

    private static async Task<int> WaitAsync(StateDirectory state, TimeSpan atMost, TimeProvider time, CancellationToken cancel)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            var waitsFor = WaitsFor(state);
            if (waitsFor is null)
            {
                return ExitCodes.Good;
            }

            if (time.GetElapsedTime(began) >= atMost)
            {
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Not synced within {atMost.TotalSeconds:0} s: {waitsFor}."));
                return ExitCodes.Problem;
            }

            await Task.Delay(_pause, time, cancel);
        }
    }

    /// <summary>What is still missing, or null. A host that was opened by hand does not keep its services down.</summary>
    private static string? WaitsFor(StateDirectory state) =>
        File.Exists(state.Panic) ? null
        : !File.Exists(state.Identity) ? "the host is not paired"
        : AgentStatus.Load(state) is not { } status || !StatusCommand.IsRunning(status) ? "the agent does not run"
        : !status.Connected ? "the controller is not reached"
        : !status.Confirmed ? "no policy of the controller is in force yet"
        : status.WaitsForPeers;
}
