using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent status</c>: what the running agent last wrote of itself.</summary>
internal static class StatusCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var state = CommandOptions.State();
        var output = CommandOptions.Output();
        var command = new Command("status", "Show whether this host is enforced and connected: exit code 0 well, 3 offline but enforced, 4 a problem, 5 not paired.") { state, output };
        command.SetAction(parsed => Show(StateDirectory.At(parsed.GetRequiredValue(state)), parsed.GetValue(output) == "json", Console.Out));
        return command;
    }

    /// <summary>Prints the status and returns the exit code that tells the same.</summary>
    internal static int Show(StateDirectory state, bool json, TextWriter output)
    {
        if (!File.Exists(state.Identity))
        {
            output.WriteLine(json ? "null" : $"Not paired: there is no {state.Identity}.");
            return ExitCodes.NotPaired;
        }

        if (AgentStatus.Load(state) is not { } status)
        {
            output.WriteLine(json ? "null" : "Paired, but the agent has not run yet.");
            return ExitCodes.Problem;
        }

        var running = IsRunning(status);
        output.WriteLine(json ? JsonSerializer.Serialize(status with { Connected = status.Connected && running }, StateJson.Default.AgentStatus) : Table(status, running));
        return !running || status.Problems.Count > 0 || status.Generation is null ? ExitCodes.Problem
            : !status.Connected ? ExitCodes.Offline
            : ExitCodes.Good;
    }

    private static string Table(AgentStatus status, bool running)
    {
        var connection = !running ? "the agent does not run; its rules stay in the kernel" : status.Connected ? "connected" : "not connected; the last policy is enforced";
        var rows = new List<(string Name, string Value)>
        {
            ("Workload", status.Workload),
            ("Controller", $"{status.Controller} ({connection})"),
            ("Policy", status.Panic ? "none: opened by 'panic'" : status.Generation ?? (status.FailSafe ? "none in force: fail-safe only" : "none yet")),
            ("Inbound", StateJson.NameOf(status.Inbound)),
            ("Outbound", StateJson.NameOf(status.Outbound)),
            ("Certificate until", status.CertificateUntil.ToString("u", CultureInfo.InvariantCulture)),
            ("Flow batches", string.Create(CultureInfo.InvariantCulture, $"{status.BatchesWaiting} waiting, {status.BatchesDropped} dropped")),
            ("Connections", status.MostConnections == 0 ? "not tracked" : string.Create(CultureInfo.InvariantCulture, $"{status.Connections} of {status.MostConnections} tracked, {status.PeakConnections} at most so far")),
            ("Events lost", status.EventsLost.ToString(CultureInfo.InvariantCulture)),
            ("Windows", status.WindowSeconds == 0 ? "not known" : status.Degraded ?? string.Create(CultureInfo.InvariantCulture, $"{status.WindowSeconds} s{(status.WindowSeconds == 1 ? ", since somebody watches" : "")}")),
            ("Tampered", status.Tampered.ToString(CultureInfo.InvariantCulture)),
            ("Version", status.Version),
            ("As of", status.At.ToString("u", CultureInfo.InvariantCulture)),
        };
        rows.AddRange(status.Problems.Select(problem => ($"! {problem.Code}", $"{problem.Message} {problem.Remedy}")));
        var width = rows.Max(row => row.Name.Length) + 2;
        return string.Join('\n', rows.Select(row => row.Name.PadRight(width) + row.Value));
    }

    /// <summary>Whether the agent that wrote a status still runs.</summary>
    internal static bool IsRunning(AgentStatus status)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{status.Pid}/cmdline")).Contains("bulkhead-agent", StringComparison.Ordinal);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
