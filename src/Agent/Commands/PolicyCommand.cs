using System.CommandLine;
using System.Diagnostics;
using Bulkhead.Agent.Policies;
using Bulkhead.Agent.State;
using Bulkhead.Enforcement.Documents;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent policy</c>: what this host enforces, in sentences or as the kernel has it.</summary>
internal static class PolicyCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var state = CommandOptions.State();
        var nft = new Option<bool>("--nft") { Description = "Show the table inet bulkhead as the kernel has it now, in place of sentences." };
        var command = new Command("policy", "Show what this host enforces, in the order in which it decides.") { state, nft };
        command.SetAction(parsed => parsed.GetValue(nft) ? ShowTable() : ShowSentences(StateDirectory.At(parsed.GetRequiredValue(state)), Console.Out));
        return command;
    }

    /// <summary>Prints the sentences.</summary>
    internal static int ShowSentences(StateDirectory state, TextWriter output)
    {
        var local = LocalPolicy.Load(state);
        if (local.Note is { } note)
        {
            output.WriteLine($"! {note}");
        }

        foreach (var line in PolicySentences.Of(local.Policy))
        {
            output.WriteLine(line);
        }

        return ExitCodes.Good;
    }

    private static int ShowTable()
    {
        using var nft = Process.Start(new ProcessStartInfo("nft", ["list", "table", "inet", FirewallDocument.Table]))!;
        nft.WaitForExit();
        return nft.ExitCode == 0 ? ExitCodes.Good : ExitCodes.Failed;
    }
}
