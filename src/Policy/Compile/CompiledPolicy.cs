using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Compile;

/// <summary>What a compilation needs besides policy and workloads.</summary>
/// <param name="Generation">Given to every host policy.</param>
/// <param name="Now">Rules that have expired by then do not apply.</param>
/// <param name="Controllers">Where agents reach the controller.</param>
public sealed record CompileSettings(Generation Generation, DateTimeOffset Now, EquatableArray<ControllerEndpoint> Controllers);

/// <summary>A rule that a host goes without.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Host">The managed workload that lacks it, or the source that a provider does not open to.</param>
/// <param name="Direction">The direction in which it is missing.</param>
/// <param name="Reason">A sentence.</param>
public sealed record LeftOut(RuleId Rule, WorkloadId Host, Direction Direction, string Reason);

/// <summary>A policy compiled for all workloads: an immutable value that evaluation, enforcement and analysis share. Thread-safe.</summary>
public sealed class CompiledPolicy
{
    private readonly HostPolicies _hosts;
    private readonly Lazy<IReadOnlyList<Diagnostic>> _diagnostics;
    private readonly Lazy<IReadOnlyList<LeftOut>> _leftOut;

    internal CompiledPolicy(PolicyState state)
    {
        State = state;
        _hosts = new(state);
        _diagnostics = new(() => PolicyFindings.Diagnostics(state));
        _leftOut = new(() => PolicyFindings.LeftOut(state));
    }

    /// <summary>What was compiled.</summary>
    public PolicyModel Policy => State.Policy;

    /// <summary>For whom.</summary>
    public WorkloadIndex Workloads => State.Workloads;

    /// <summary>The host policy of each managed workload, made when it is asked for.</summary>
    public IReadOnlyDictionary<WorkloadId, HostPolicy> Hosts => _hosts;

    /// <summary>Errors, which must stop provisioning, and warnings; in a canonical order. Found when first asked for.</summary>
    public IReadOnlyList<Diagnostic> Diagnostics => _diagnostics.Value;

    /// <summary>Allows and skipped denies that hosts go without; by rule, host and direction. Found when first asked for.</summary>
    public IReadOnlyList<LeftOut> LeftOut => _leftOut.Value;

    /// <summary>When the next rule expires and the policy must be compiled again, or null.</summary>
    public DateTimeOffset? NextExpiry => State.NextExpiry;

    internal PolicyState State { get; }

    /// <summary>The digest of what all hosts enforce.</summary>
    public PolicyDigest Digest() => PolicyDigest.Of(State);

    /// <summary>
    /// Compiles another policy, other workloads or both, at the cost of what differs. The outcome equals that of a compile from scratch.
    /// </summary>
    public PolicyStep Advance(PolicyModel policy, WorkloadIndex workloads, CompileSettings settings)
    {
        // Groups and label sets that nobody uses any more stay in the lattice; once they are the greater part, a new one is built.
        var basis = State.Lattice.LabelSetCount > PolicyCompiler.CompactAbove + (2 * workloads.Count) ? PolicyCompiler.Nothing() : State;
        var (after, delta) = PolicyChange.Make(basis, policy, workloads, settings);
        return new(new(after), ReferenceEquals(basis, State) ? delta : PolicyDelta.Whole(State, after));
    }
}
