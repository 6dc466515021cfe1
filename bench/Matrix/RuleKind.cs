namespace Bulkhead.Bench.Matrix;

/// <summary>What a round is about; everything else is drawn as well.</summary>
internal enum RuleKind
{
    /// <summary>Allow, both ends in one scope, perhaps split into compartments.</summary>
    IntraScope,

    /// <summary>Allow, one end in the scope.</summary>
    ExtraScope,

    /// <summary>Allow, one end a network.</summary>
    Network,

    /// <summary>Deny.</summary>
    Deny,

    /// <summary>Override-deny.</summary>
    OverrideDeny,

    /// <summary>Selectors with label groups, with <c>is not</c> and with <c>exists</c>.</summary>
    Selectors,

    /// <summary>A host in quarantine, and responders.</summary>
    Quarantine,

    /// <summary>The fail-safe list.</summary>
    FailSafe,

    /// <summary>Modes that differ by selector and direction.</summary>
    Modes,

    /// <summary>The unit that serves: allow, deny and override-deny, as in all that follow.</summary>
    UnitInbound,

    /// <summary>The unit that connects.</summary>
    UnitOutbound,

    /// <summary>The executable that serves.</summary>
    ExecutableInbound,

    /// <summary>The executable that connects.</summary>
    ExecutableOutbound,

    /// <summary>The directory groups of who connects.</summary>
    User,

    /// <summary>Multicast and broadcast, judged at each host alone.</summary>
    Groupcast,

    /// <summary>First segments of TCP that do, and do not, begin a connection.</summary>
    Segments,
}

/// <summary>What kinds have in common.</summary>
internal static class RuleKinds
{
    /// <summary>Whether rules ask whose the provider's socket is.</summary>
    public static bool AsksForProvider(this RuleKind kind) => kind is RuleKind.UnitInbound or RuleKind.ExecutableInbound;

    /// <summary>Whether rules ask whose the consumer's socket is.</summary>
    public static bool AsksForConsumer(this RuleKind kind) => kind is RuleKind.UnitOutbound or RuleKind.ExecutableOutbound or RuleKind.User;

    /// <summary>Whether rules ask whose a socket is.</summary>
    public static bool AsksForSockets(this RuleKind kind) => kind.AsksForProvider() || kind.AsksForConsumer();
}
