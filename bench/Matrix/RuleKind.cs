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
}
