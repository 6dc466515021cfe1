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

/// <summary>A policy compiled for all workloads: a value that evaluation, enforcement and analysis share.</summary>
public sealed class CompiledPolicy
{
    internal CompiledPolicy(
        PolicyModel policy,
        WorkloadIndex workloads,
        IReadOnlyDictionary<WorkloadId, HostPolicy> hosts,
        IReadOnlyList<Diagnostic> diagnostics,
        IReadOnlyList<LeftOut> leftOut,
        DateTimeOffset? nextExpiry) =>
        (Policy, Workloads, Hosts, Diagnostics, LeftOut, NextExpiry) = (policy, workloads, hosts, diagnostics, leftOut, nextExpiry);

    /// <summary>What was compiled.</summary>
    public PolicyModel Policy { get; }

    /// <summary>For whom.</summary>
    public WorkloadIndex Workloads { get; }

    /// <summary>The host policy of each managed workload.</summary>
    public IReadOnlyDictionary<WorkloadId, HostPolicy> Hosts { get; }

    /// <summary>Errors, which must stop provisioning, and warnings; in a canonical order.</summary>
    public IReadOnlyList<Diagnostic> Diagnostics { get; }

    /// <summary>Allows and skipped denies that hosts go without; by rule, host and direction.</summary>
    public IReadOnlyList<LeftOut> LeftOut { get; }

    /// <summary>When the next rule expires and the policy must be compiled again, or null.</summary>
    public DateTimeOffset? NextExpiry { get; }
}
