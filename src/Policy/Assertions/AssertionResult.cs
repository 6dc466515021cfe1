using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Assertions;

/// <summary>What became of an assertion.</summary>
public enum AssertionStatus
{
    /// <summary>It holds for every workload that could exist.</summary>
    Held,

    /// <summary>No rule allows what it forbids, for any workload that could exist; but connections that a helper expects might pass.</summary>
    Unproven,

    /// <summary>It fails only if a workload of which no plan speaks has some address, and no live workload does.</summary>
    Conditional,

    /// <summary>It fails.</summary>
    Violated,

    /// <summary>The search was given up at its bound. Not a proof of anything; stops provisioning as a violation does.</summary>
    Undecided,
}

/// <summary>A real workload whose end a <c>never</c> relies on, and which does not enforce it yet.</summary>
/// <param name="Workload">Its id.</param>
/// <param name="Name">For people.</param>
/// <param name="Direction">The direction that is not in full.</param>
/// <param name="Mode">The mode that the direction is in; null if the workload is not managed.</param>
public sealed record NotYetEnforced(WorkloadId Workload, string Name, Direction Direction, EnforcementMode? Mode);

/// <summary>What became of an assertion, and why.</summary>
/// <param name="Assertion">The assertion.</param>
/// <param name="Status">Whether it holds.</param>
/// <param name="Counterexample">A connection that shows that it does not; null if it is held, unproven or undecided.</param>
/// <param name="Message">A sentence for people.</param>
/// <param name="NotYetEnforcedCount">How many directions of real workloads are denied by the letter, but not yet enforced; 0 for a <c>must</c>.</param>
/// <param name="NotYetEnforced">The first of them, by workload id.</param>
public sealed record AssertionResult(
    Assertion Assertion,
    AssertionStatus Status,
    Counterexample? Counterexample,
    string Message,
    int NotYetEnforcedCount,
    EquatableArray<NotYetEnforced> NotYetEnforced)
{
    /// <summary>Whether it must stop provisioning.</summary>
    public bool StopsProvisioning => Status is AssertionStatus.Violated or AssertionStatus.Undecided;

    /// <summary>As a problem of the policy; null if it holds.</summary>
    public Diagnostic? ToDiagnostic() => Status switch
    {
        AssertionStatus.Held => null,
        AssertionStatus.Unproven => Diagnostic.Warning("assertion-unproven", $"assertions[{Assertion.Name}]", Message),
        AssertionStatus.Conditional => Diagnostic.Warning("assertion-conditional", $"assertions[{Assertion.Name}]", Message),
        AssertionStatus.Violated => Diagnostic.Error("assertion-violated", $"assertions[{Assertion.Name}]", Message),
        _ => Diagnostic.Error("assertion-undecided", $"assertions[{Assertion.Name}]", Message),
    };
}
