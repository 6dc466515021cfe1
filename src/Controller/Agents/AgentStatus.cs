using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Controller.Agents;

/// <summary>How far each host has come with what it is meant to enforce.</summary>
public sealed class AgentStatus(AgentDirectory directory, PolicyTargets targets)
{
    /// <summary>The state of a workload's agent and policy.</summary>
    public SyncState Of(WorkloadEntry entry) =>
        entry.Agent is null ? SyncState.None
        : !entry.Workload.Admitted ? SyncState.Pending
        : !directory.IsConnected(entry.Workload.Id) ? SyncState.Offline
        : Reported(entry).Any() ? SyncState.Error
        : HasApplied(entry) ? SyncState.Synced
        : SyncState.Syncing;

    /// <summary>Whether a host has acknowledged the newest policy meant for it.</summary>
    public bool HasApplied(WorkloadEntry entry) =>
        targets.Find(entry.Workload.Id) is { } target && Applied(entry) is { } applied && applied.Epoch == target.Generation.Epoch && applied.Number >= target.Generation.Number;

    /// <summary>What a host enforces, as it last reported; null if it never did.</summary>
    public Generation? Applied(WorkloadEntry entry) =>
        directory.Observation(entry.Workload.Id)?.Report.Applied is { } applied ? new(applied.Epoch, applied.Number) : null;

    /// <summary>Everything wrong with a workload: what its agent reports, and what the controller found.</summary>
    public IEnumerable<Diagnostic> ProblemsOf(WorkloadEntry entry, LiveSnapshot snapshot) =>
        Reported(entry).Concat(directory.Findings(entry.Workload.Id, id => snapshot.Workloads.Find(id)?.Name ?? id.ToString()));

    /// <summary>What its agent reports.</summary>
    public IEnumerable<Diagnostic> Reported(WorkloadEntry entry) =>
        (directory.Observation(entry.Workload.Id)?.Report.Problems ?? []).Select(failure =>
            Diagnostic.Error(failure.Code, "agent", failure.Remedy.Length == 0 ? failure.Message : $"{failure.Message} {failure.Remedy}"));
}
