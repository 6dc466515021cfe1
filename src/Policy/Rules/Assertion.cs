using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Rules;

/// <summary>Whether an assertion forbids or demands.</summary>
public enum AssertionKind
{
    /// <summary>The policy must not allow any of the connections.</summary>
    Never,

    /// <summary>The policy must allow all of the connections.</summary>
    Must,
}

/// <summary>A checked statement about the policy itself.</summary>
/// <param name="Name">Unique.</param>
/// <param name="Kind">Never or must.</param>
/// <param name="From">The consumers; at most one end is a network.</param>
/// <param name="To">The providers.</param>
/// <param name="Services">By name; never empty.</param>
/// <param name="FromProcess">The process that connects, or null for any.</param>
/// <param name="Users">Directory groups of the connecting user, sorted; empty for any user.</param>
public sealed record Assertion(
    string Name,
    AssertionKind Kind,
    RuleEnd From,
    RuleEnd To,
    EquatableArray<Service> Services,
    ProcessCondition? FromProcess,
    EquatableArray<string> Users)
{
    /// <summary>Whether a never puts up with what helpers let be agreed upon, of which no rule says what it will be.</summary>
    public bool AcceptsHelpers { get; init; }
}

/// <summary>A declaration that all workloads that a selector chooses, existing or not, have their addresses in some networks.</summary>
/// <param name="Selector">Which workloads.</param>
/// <param name="Networks">By name; never empty.</param>
public sealed record LabelPlan(Selector Selector, EquatableArray<Network> Networks)
{
    /// <summary>The selector as it was written, by which the plan is found.</summary>
    public string Written { get; init; } = "";
}
