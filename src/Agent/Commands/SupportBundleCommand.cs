using System.CommandLine;
using System.Globalization;
using Bulkhead.Agent.State;
using Bulkhead.Agent.Support;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent support-bundle</c>: everything that somebody who helps will ask for, and no secret.</summary>
internal static class SupportBundleCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var state = CommandOptions.State();
        var file = new Option<string?>("--file") { Description = "Where to write it; bulkhead-agent-HOST-TIME.tar.gz here if not given." };
        var command = new Command("support-bundle", "Write status, checks, policy, our table and the host's network into a tar.gz. No keys and no tokens are in it; addresses are.") { state, file };
        command.SetAction(async (parsed, cancel) =>
        {
            var now = TimeProvider.System.GetUtcNow();
            var path = Path.GetFullPath(parsed.GetValue(file) ?? string.Create(CultureInfo.InvariantCulture, $"bulkhead-agent-{Environment.MachineName}-{now:yyyyMMdd-HHmmss}.tar.gz"));
            await SupportBundle.WriteAsync(StateDirectory.At(parsed.GetRequiredValue(state)), path, now, cancel);
            Console.WriteLine(path);
            return ExitCodes.Good;
        });
        return command;
    }
}
