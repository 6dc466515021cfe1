using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Bulkhead.Agent.Blocks;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent why</c>: which of one's own connections were blocked on this host, and by what. Needs no privilege.</summary>
internal static class WhyCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var folder = new Option<string>("--runtime") { Description = "The folder in which the agent publishes.", DefaultValueFactory = _ => BlockFiles.Standard };
        var user = new Option<uint?>("--uid") { Description = "Another user's; for root." };
        var output = CommandOptions.Output();
        var command = new Command("why", "Show which of your own connections this host blocked, and which rule did it. Needs no privilege.") { folder, user, output };
        command.SetAction(parsed => Show(new BlockFiles(parsed.GetRequiredValue(folder)), parsed.GetValue(user) ?? UserId.Effective, parsed.GetValue(output) == "json", Console.Out));
        return command;
    }

    /// <summary>Prints a user's blocks.</summary>
    internal static int Show(BlockFiles files, uint uid, bool json, TextWriter output)
    {
        IReadOnlyList<Block> blocks;
        try
        {
            blocks = files.Read(uid);
        }
        catch (UnauthorizedAccessException)
        {
            throw new AgentException("not-yours", $"What was blocked for user {uid} is shown to that user and to root only.", "Leave --uid out.");
        }

        output.WriteLine(json ? JsonSerializer.Serialize(blocks, StateJson.Default.IReadOnlyListBlock)
            : blocks.Count == 0 ? "Nothing of yours was seen to be blocked here since the agent started. The other end may block as well."
            : string.Join('\n', blocks.Select(Say)));
        return ExitCodes.Good;
    }

    private static string Say(Block block)
    {
        var what = block.Direction == "out" ? $"your connection to {block.Peer}, {Port(block)}," : $"{block.Peer}'s connection to your {Port(block)}";
        return string.Create(CultureInfo.InvariantCulture, $"{block.Last:u}  {what} was blocked ({block.Packets} packets): {Reason(block)}");
    }

    private static string Port(Block block) => string.Create(CultureInfo.InvariantCulture, $"{block.Protocol}/{block.Port}");

    private static string Reason(Block block) => block.Reason switch
    {
        "quarantine" => "one of the two ends is in quarantine. Ask those who answer for security.",
        "invalid" => "it was in the middle of a connection that this host does not know. Connect anew.",
        "default" => "no rule allows it. Ask the owner of the application for a rule.",
        "override-deny" => $"{Rule(block)} denies it, whatever is allowed. {Owner(block)}",
        _ => $"{Rule(block)} denies it. {Owner(block)}",
    };

    private static string Rule(Block block) => $"rule {block.Rule}{(block.Ruleset is { } ruleset ? $" of ruleset {ruleset}" : "")}{(block.Because is { } because ? $" ({because})" : "")}";

    private static string Owner(Block block) =>
        $"Ask {(block.Owner is { } owner ? $"its owner, {owner}" : "the rule's owner")}{(block.Ticket is { } ticket ? $"; ticket {ticket}" : "")}.";
}
