using System.CommandLine;
using System.Text.Json;
using Bulkhead.Agent.Checks;
using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent check</c>: whether this host is fit for the agent; changes nothing.</summary>
internal static class CheckCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var state = CommandOptions.State();
        var output = CommandOptions.Output();
        var command = new Command("check", "Look whether the agent would work here, what else filters, and what could not be enforced; changes nothing. Exit code 0 fit, 6 with reservations, 4 not fit.") { state, output };
        command.SetAction(async (parsed, _) =>
        {
            var findings = await FindAsync(StateDirectory.At(parsed.GetRequiredValue(state)));
            Console.WriteLine(parsed.GetValue(output) == "json" ? JsonSerializer.Serialize(findings, StateJson.Default.IReadOnlyListFinding) : Table(findings));
            return findings.Max(static finding => finding.Level) switch
            {
                FindingLevel.Problem => ExitCodes.Problem,
                FindingLevel.Warning => ExitCodes.Blocked,
                _ => ExitCodes.Good,
            };
        });
        return command;
    }

    /// <summary>Everything that was looked at, worst first.</summary>
    internal static async Task<IReadOnlyList<Finding>> FindAsync(StateDirectory state)
    {
        var findings = new List<Finding>();
        await foreach (var finding in KernelChecks.RunAsync())
        {
            findings.Add(finding);
        }

        await foreach (var finding in NeighbourChecks.RunAsync(state))
        {
            findings.Add(finding);
        }

        findings.AddRange(SizeChecks.Run(state));
        return [.. findings.OrderByDescending(finding => finding.Level)];
    }

    /// <summary>The findings in words.</summary>
    internal static string Table(IReadOnlyList<Finding> findings) => string.Join('\n', findings.Select(finding =>
        $"{finding.Level switch { FindingLevel.Ok => "ok     ", FindingLevel.Warning => "warning", _ => "PROBLEM" }}  {finding.Message} {finding.Remedy}".TrimEnd() + $" [{finding.Code}]"));
}
