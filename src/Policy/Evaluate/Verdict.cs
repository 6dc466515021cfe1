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
    internal static VerdictKind Combine(EndVerdict source, EndVerdict destination) =>
        Blocks(source) || Blocks(destination) ? VerdictKind.Blocked
        : WouldBlock(source) || WouldBlock(destination) ? VerdictKind.PotentiallyBlocked
        : (!source.IsMade && !destination.IsMade) || IsUnknown(source) || IsUnknown(destination) ? VerdictKind.Unknown
        : VerdictKind.Allowed;

    private static EndVerdict Brief(EndDecision? end) => end is null ? default : new(end.Mode, end.Outcome, end.InFull, end.By, end.Rule);

    private static bool Blocks(EndVerdict end) => end.IsMade && end.Outcome == Outcome.Block;

    private static bool WouldBlock(EndVerdict end) => end.IsMade && end.InFull == Outcome.Block && end.Mode != EnforcementMode.Full;

    private static bool IsUnknown(EndVerdict end) => end.IsMade && (end.Outcome == Outcome.Unknown || end.InFull == Outcome.Unknown);
}

/// <summary>What one end decides, without the rules that would have decided otherwise; see <see cref="EndDecision"/>. 16 bytes, since there are many.</summary>
public readonly record struct EndVerdict
{
    private readonly long _rule;
    private readonly byte _mode;
    private readonly byte _outcome;
    private readonly byte _inFull;
    private readonly byte _by;

    /// <summary>A decision.</summary>
    public EndVerdict(EnforcementMode mode, Outcome outcome, Outcome inFull, DecidedBy by, RuleId? rule) =>
        (_mode, _outcome, _inFull, _by, _rule) = ((byte)mode, (byte)outcome, (byte)inFull, (byte)((byte)by + 1), rule?.Value ?? 0);

    /// <summary>The mode in force.</summary>
    public EnforcementMode Mode => (EnforcementMode)_mode;

    /// <summary>In the mode in force.</summary>
    public Outcome Outcome => (Outcome)_outcome;

    /// <summary>The outcome if the mode were full, other things equal.</summary>
    public Outcome InFull => (Outcome)_inFull;

    /// <summary>What decided.</summary>
    public DecidedBy By => (DecidedBy)(_by - 1);

    /// <summary>The deciding rule; null unless <see cref="DecidedBy.Rule"/>.</summary>
    public RuleId? Rule => _rule == 0 ? null : new(_rule);

    /// <summary>Whether anything was decided: the default value stands for an end that nobody manages.</summary>
    internal bool IsMade => _by != 0;
}

/// <summary>The verdict on one of many connections.</summary>
public record struct EdgeVerdict
{
    private EndVerdict _source;
    private EndVerdict _destination;

    /// <summary>Combined.</summary>
    public readonly VerdictKind Kind => Verdict.Combine(_source, _destination);

    /// <summary>The consumer's outbound decision, or null if it is not managed.</summary>
    public readonly EndVerdict? Source => _source.IsMade ? _source : null;

    /// <summary>The provider's inbound decision, or null if it is not managed.</summary>
    public readonly EndVerdict? Destination => _destination.IsMade ? _destination : null;

    /// <summary>Puts in what the end of a direction decides.</summary>
    internal void Decide(Direction direction, EndVerdict end)
    {
        if (direction == Direction.Outbound)
        {
            _source = end;
        }
        else
        {
            _destination = end;
        }
    }
}
