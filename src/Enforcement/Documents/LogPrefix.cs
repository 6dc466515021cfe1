using System.Globalization;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Enforcement.Documents;

/// <summary>Why our table blocked a packet.</summary>
public enum BlockReason
{
    /// <summary>The host, or its peer, is in quarantine.</summary>
    Quarantine,

    /// <summary>Belongs to no connection that may go on: conntrack calls it invalid, or it is TCP that starts in the middle.</summary>
    Invalid,

    /// <summary>An override-deny rule.</summary>
    OverrideDeny,

    /// <summary>A deny rule.</summary>
    Deny,

    /// <summary>Full enforcement, and no rule allows it.</summary>
    Default,
}

/// <summary>The text that a report of a blocked packet carries, such as <c>bulkhead:in:deny:17</c> or <c>bulkhead:out:default</c>.</summary>
/// <param name="Direction">The hook that blocked it.</param>
/// <param name="Reason">Why.</param>
/// <param name="Rule">The rule; for the two reasons that are rules.</param>
public readonly record struct LogPrefix(Direction Direction, BlockReason Reason, RuleId? Rule = null)
{
    private const string Head = "bulkhead:";

    /// <summary>Reads what <see cref="ToString"/> writes; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out LogPrefix prefix)
    {
        prefix = default;
        if (!text.StartsWith(Head, StringComparison.Ordinal))
        {
            return false;
        }

        Span<Range> parts = stackalloc Range[4];
        var rest = text[Head.Length..];
        var count = rest.Split(parts, ':');
        if (count is not (2 or 3)
            || !TryParseDirection(rest[parts[0]], out var direction)
            || !TryParseReason(rest[parts[1]], out var reason)
            || IsRule(reason) != (count == 3))
        {
            return false;
        }

        RuleId? rule = null;
        if (count == 3)
        {
            if (!long.TryParse(rest[parts[2]], NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id <= 0)
            {
                return false;
            }

            rule = new RuleId(id);
        }

        prefix = new LogPrefix(direction, reason, rule);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Head}{TextOf(Direction)}:{TextOf(Reason)}{(Rule is { } rule ? $":{rule}" : "")}";

    internal static string TextOf(Direction direction) => direction == Direction.Inbound ? "in" : "out";

    private static string TextOf(BlockReason reason) => reason switch
    {
        BlockReason.Quarantine => "quarantine",
        BlockReason.Invalid => "invalid",
        BlockReason.OverrideDeny => "override-deny",
        BlockReason.Deny => "deny",
        _ => "default",
    };

    private static bool IsRule(BlockReason reason) => reason is BlockReason.OverrideDeny or BlockReason.Deny;

    private static bool TryParseDirection(ReadOnlySpan<char> text, out Direction direction)
    {
        direction = text is "in" ? Direction.Inbound : Direction.Outbound;
        return text is "in" or "out";
    }

    private static bool TryParseReason(ReadOnlySpan<char> text, out BlockReason reason)
    {
        foreach (var candidate in Enum.GetValues<BlockReason>())
        {
            if (text.SequenceEqual(TextOf(candidate)))
            {
                reason = candidate;
                return true;
            }
        }

        reason = default;
        return false;
    }
}
