using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Compile;

/// <summary>Compiles a policy into one host policy per managed workload, each end holding only what it can decide.</summary>
public static class PolicyCompiler
{
    /// <summary>A lattice is rebuilt when it holds this many label sets more than twice the number of workloads.</summary>
    internal const int CompactAbove = 10_000;

    /// <summary>Compiles; equal input gives equal output.</summary>
    public static CompiledPolicy Compile(PolicyModel policy, WorkloadIndex workloads, CompileSettings settings) =>
        new(PolicyChange.Make(Nothing(), policy, workloads, settings).After);

    /// <summary>A policy without rules for no workloads.</summary>
    internal static PolicyState Nothing() => new()
    {
        Lattice = new(),
        Policy = PolicyModel.Empty,
        Workloads = WorkloadIndex.Empty,
        Settings = new(default, DateTimeOffset.MinValue, []),
    };
}
