using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Rules;

/// <summary>A checked policy: what one revision, or the draft, says. Everything in it is in canonical order.</summary>
public sealed record PolicyModel
{
    /// <summary>By name.</summary>
    public EquatableArray<Ruleset> Rulesets { get; init; }

    /// <summary>Mode assignments; the strictest match wins.</summary>
    public EquatableArray<ModeAssignment> Modes { get; init; }

    /// <summary>Inbound connections that policy cannot cut.</summary>
    public EquatableArray<FailSafe> FailSafe { get; init; }

    /// <summary>The network that may reach quarantined workloads, or null.</summary>
    public Network? Responders { get; init; }

    /// <summary>Where workloads have their addresses; by selector text.</summary>
    public EquatableArray<LabelPlan> Plans { get; init; }

    /// <summary>Statements to prove; by name.</summary>
    public EquatableArray<Assertion> Assertions { get; init; }

    /// <summary>No rules, everything in visibility.</summary>
    public static PolicyModel Empty { get; } = new();

    /// <summary>The modes that assignments give to labels.</summary>
    public Modes ModesOf(LabelSet labels)
    {
        var modes = default(Modes);
        foreach (var assignment in Modes)
        {
            if (assignment.Selector.Matches(labels))
            {
                modes = Rules.Modes.Stricter(modes, assignment.Modes);
            }
        }

        return modes;
    }
}

/// <summary>Modes for the workloads that a selector chooses.</summary>
public sealed record ModeAssignment(Selector Selector, Modes Modes)
{
    /// <summary>The selector as it was written, by which the assignment is found.</summary>
    public string Written { get; init; } = "";
}

/// <summary>Ports that a network may always reach.</summary>
/// <param name="Network">From where.</param>
/// <param name="Ports">Sorted and distinct.</param>
public sealed record FailSafe(Network Network, EquatableArray<PortMatch> Ports);
