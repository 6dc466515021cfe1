using System.CommandLine;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Contracts.Host;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent why</c>: which of one's own connections were blocked on this host, and by what. Needs no privilege; <c>bulkhead why</c> says the same.</summary>
internal static class WhyCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var folder = new Option<string>("--runtime") { Description = "The folder in which the agent publishes.", DefaultValueFactory = _ => UserBlocks.Standard };
        var user = new Option<uint?>("--uid") { Description = "Another user's; for root." };
        var output = CommandOptions.Output();
        var command = new Command("why", "Show which of your own connections this host blocked, and which rule did it. Needs no privilege.") { folder, user, output };
        command.SetAction(parsed => Show(parsed.GetRequiredValue(folder), parsed.GetValue(user) ?? UserId.Effective, parsed.GetValue(output) == "json", Console.Out));
        return command;
    }

    /// <summary>Prints a user's blocks.</summary>
    internal static int Show(string folder, uint uid, bool json, TextWriter output)
    {
        try
        {
            var blocks = UserBlocks.Read(folder, uid) ?? throw new AgentException("not-shown", $"No agent shows here what it blocks: {folder} is not there.", "Start it: systemctl start bulkhead-agent.");
            output.WriteLine(BlockText.Of(blocks, json));
            return ExitCodes.Good;
        }
        catch (UnauthorizedAccessException)
        {
            throw new AgentException("not-yours", $"What was blocked for user {uid} is shown to that user and to root only.", "Leave --uid out.");
        }
    }
}
