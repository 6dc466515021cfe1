using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>What becomes of a connection at one end.</summary>
public enum Outcome
{
    /// <summary>Passes.</summary>
    Allow,

    /// <summary>Is stopped.</summary>
    Block,

    /// <summary>Depends on what is not known.</summary>
    Unknown,
}

/// <summary>What kind of thing decided.</summary>
public enum DecidedBy
{
    /// <summary>The host or the peer is in quarantine.</summary>
    Quarantine,

    /// <summary>The short list without which a host does not work, and the fail-safe list.</summary>
    Essential,

    /// <summary>A rule.</summary>
    Rule,

    /// <summary>No rule matched; the mode's default.</summary>
    Default,
}

/// <summary>What one end decides, and why.</summary>
/// <param name="Direction">Inbound at the provider, outbound at the consumer.</param>
/// <param name="Mode">The mode in force.</param>
/// <param name="Outcome">In the mode in force.</param>
/// <param name="InFull">The outcome if the mode were full, other things equal.</param>
/// <param name="By">What decided.</param>
/// <param name="Rule">The deciding rule; the first possible one if undecidable; null unless <see cref="DecidedBy.Rule"/>.</param>
/// <param name="Others">Other rules that match, or may match, in the order in which they would decide.</param>
public sealed record EndDecision(
    Direction Direction,
    EnforcementMode Mode,
    Outcome Outcome,
    Outcome InFull,
    DecidedBy By,
    RuleId? Rule,
    EquatableArray<RuleId> Others);

/// <summary>The combined verdict on a connection.</summary>
public enum VerdictKind
{
    /// <summary>Passes, and would in full.</summary>
    Allowed,

    /// <summary>Passes, but a direction that is not yet in full would stop it there.</summary>
    PotentiallyBlocked,

    /// <summary>An enforcing end stops it.</summary>
    Blocked,

    /// <summary>Cannot be decided from what is known.</summary>
    Unknown,
}

/// <summary>A connection to judge.</summary>
/// <param name="Space">The space in which both addresses are read.</param>
/// <param name="Source">The consumer's address.</param>
/// <param name="Destination">The provider's address.</param>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Port">Destination port, or ICMP type; 0 for other protocols.</param>
/// <param name="Consumer">The connecting socket.</param>
/// <param name="Provider">The serving socket.</param>
public sealed record Connection(
    AddressSpace Space,
    IpAddress Source,
    IpAddress Destination,
    byte Protocol,
    ushort Port,
    SocketFacts Consumer,
    SocketFacts Provider);

/// <summary>The verdict on a connection, with what each managed end decided.</summary>
/// <param name="Kind">Combined.</param>
/// <param name="Source">The consumer's outbound decision, or null if it is not managed.</param>
/// <param name="Destination">The provider's inbound decision, or null if it is not managed.</param>
public sealed record Verdict(VerdictKind Kind, EndDecision? Source, EndDecision? Destination)
{
    /// <summary>Combines the ends: blocked if one blocks; else potentially blocked if one not yet in full would; else unknown; else allowed.</summary>
    public static Verdict Combine(EndDecision? source, EndDecision? destination) => new(Combine(Brief(source), Brief(destination)), source, destination);

    /// <summary>The same, for ends in brief.</summary>
    internal static VerdictKind Combine(EndVerdict? source, EndVerdict? destination) =>
        Blocks(source) || Blocks(destination) ? VerdictKind.Blocked
        : WouldBlock(source) || WouldBlock(destination) ? VerdictKind.PotentiallyBlocked
        : (source is null && destination is null) || IsUnknown(source) || IsUnknown(destination) ? VerdictKind.Unknown
        : VerdictKind.Allowed;

    private static EndVerdict? Brief(EndDecision? end) => end is null ? null : new(end.Mode, end.Outcome, end.InFull, end.By, end.Rule);

    private static bool Blocks(EndVerdict? end) => end is { Outcome: Outcome.Block };

    private static bool WouldBlock(EndVerdict? end) => end is { InFull: Outcome.Block } brief && brief.Mode != EnforcementMode.Full;

    private static bool IsUnknown(EndVerdict? end) => end is { Outcome: Outcome.Unknown } or { InFull: Outcome.Unknown };
}

/// <summary>What one end decides, without the rules that would have decided otherwise; see <see cref="EndDecision"/>.</summary>
public readonly record struct EndVerdict(EnforcementMode Mode, Outcome Outcome, Outcome InFull, DecidedBy By, RuleId? Rule);

/// <summary>The verdict on one of many connections.</summary>
/// <param name="Kind">Combined.</param>
/// <param name="Source">The consumer's outbound decision, or null if it is not managed.</param>
/// <param name="Destination">The provider's inbound decision, or null if it is not managed.</param>
public readonly record struct EdgeVerdict(VerdictKind Kind, EndVerdict? Source, EndVerdict? Destination);
