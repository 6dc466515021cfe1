using System.CommandLine;
using Bulkhead.Agent.Live;
using Bulkhead.Agent.State;
using Bulkhead.Contracts.Host;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent run</c>: enforces and reports, in the foreground.</summary>
internal static class RunCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var state = CommandOptions.State();
        var cgroup = CommandOptions.Cgroup();
        var markMask = CommandOptions.MarkMask();
        var runtime = new Option<string?>("--runtime") { Description = $"Where users are shown their own blocked connections ('why'); {UserBlocks.Standard} for the agent with the standard folder, nowhere for others." };
        var cpu = new Option<int>("--cpu-percent") { Description = "The share of one core, in percent, beyond which telemetry does with less; enforcement is never held back.", DefaultValueFactory = _ => WindowPace.StandardPercent };
        cpu.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 100)
            {
                result.AddError("--cpu-percent is from 1 to 100.");
            }
        });
        var command = new Command("run", "Enforce this host's policy and report its connections, until SIGTERM. The rules stay in the kernel.") { state, cgroup, markMask, runtime, cpu };
        command.SetAction(async (parsed, cancel) =>
        {
            using var logging = Logging();
            var folder = StateDirectory.At(parsed.GetRequiredValue(state));
            await AgentProcess.RunAsync(
                folder,
                parsed.GetValue(cgroup),
                parsed.GetValue(markMask),
                parsed.GetValue(runtime) ?? (folder.Root == StateDirectory.Standard ? UserBlocks.Standard : null),
                parsed.GetValue(cpu),
                TimeProvider.System,
                logging.CreateLogger("agent"),
                cancel);
            return ExitCodes.Good;
        });
        return command;
    }

    /// <summary>Lines for standard error.</summary>
    internal static ILoggerFactory Logging() => LoggerFactory.Create(builder => builder
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        })
        .AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
}
