using System.Globalization;
using System.Text.Json;

namespace Bulkhead.Contracts.Host;

/// <summary>Tells a user what was blocked and whom to ask, in the same words wherever it is asked.</summary>
public static class BlockText
{
    /// <summary>A sentence for each block, or that there is none; as JSON, the blocks themselves.</summary>
    public static string Of(IReadOnlyList<Block> blocks, bool json) =>
        json ? JsonSerializer.Serialize(blocks, HostJson.Default.IReadOnlyListBlock)
        : blocks.Count == 0 ? "Nothing of yours was seen to be blocked here since the agent started. The other end may block as well."
        : string.Join('\n', blocks.Select(Of));

    private static string Of(Block block)
    {
        var port = string.Create(CultureInfo.InvariantCulture, $"{block.Protocol}/{block.Port}");
        var what = block.Direction == "out" ? $"your connection to {block.Peer}, {port}," : $"{block.Peer}'s connection to your {port}";
        return Printable(string.Create(CultureInfo.InvariantCulture, $"{block.Last:u}  {what} was blocked ({block.Packets} packets): {Reason(block)}"));
    }

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

    /// <summary>Words of rules come from others, and could otherwise command the terminal.</summary>
    private static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
}
