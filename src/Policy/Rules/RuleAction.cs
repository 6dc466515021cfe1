namespace Bulkhead.Policy.Rules;

/// <summary>What a rule does; in the order in which the tiers decide.</summary>
public enum RuleAction
{
    /// <summary>Blocks, whatever is allowed.</summary>
    OverrideDeny,

    /// <summary>Allows.</summary>
    Allow,

    /// <summary>Blocks what no rule allows.</summary>
    Deny,
}

/// <summary>The side of a connection that a host policy judges.</summary>
public enum Direction
{
    /// <summary>As the provider: connections that come to the host.</summary>
    Inbound,

    /// <summary>As the consumer: connections that the host makes.</summary>
    Outbound,
}

/// <summary>How far one direction of a workload is enforced; a higher value is stricter.</summary>
public enum EnforcementMode
{
    /// <summary>Verdicts are computed and reported; nothing is blocked.</summary>
    Visibility,

    /// <summary>Deny rules block; the default allows.</summary>
    Selective,

    /// <summary>Only what a rule allows passes.</summary>
    Full,
}

/// <summary>The modes of a workload's two directions.</summary>
public readonly record struct Modes(EnforcementMode Inbound, EnforcementMode Outbound)
{
    /// <summary>The mode of a direction.</summary>
    public EnforcementMode this[Direction direction] => direction == Direction.Inbound ? Inbound : Outbound;

    /// <summary>The stricter of two in each direction.</summary>
    public static Modes Stricter(Modes a, Modes b) =>
        new((EnforcementMode)Math.Max((int)a.Inbound, (int)b.Inbound), (EnforcementMode)Math.Max((int)a.Outbound, (int)b.Outbound));
}

/// <summary>The identity of a rule: positive, never reused. Within a tier the lowest decides.</summary>
public readonly record struct RuleId(long Value) : IComparable<RuleId>
{
    /// <inheritdoc/>
    public int CompareTo(RuleId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
