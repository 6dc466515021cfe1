using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Controller.Workloads;

/// <summary>Workloads as REST shows them.</summary>
public sealed class WorkloadViews(AgentDirectory directory, AgentStatus status)
{
    /// <summary>One workload in a snapshot.</summary>
    public WorkloadView Of(WorkloadEntry entry, LiveSnapshot snapshot)
    {
        var workload = entry.Workload;
        var modes = snapshot.Enforced.Hosts.TryGetValue(workload.Id, out var policy) ? policy.Modes : default;
        return new(
            workload.Id.Value,
            workload.Name,
            workload.Managed,
            StoredText.ToDictionary(workload.Labels),
            [.. workload.Addresses.Select(address => address.ToString())],
            ToName(modes.Inbound),
            ToName(modes.Outbound),
            workload.Quarantined,
            status.Of(entry),
            status.Applied(entry)?.ToString(),
            directory.Observation(workload.Id)?.LastSeen,
            [.. status.ProblemsOf(entry, snapshot).Select(Problems.ToView)],
            entry.Version);
    }

    private static ModeName ToName(EnforcementMode mode) => mode switch
    {
        EnforcementMode.Full => ModeName.Full,
        EnforcementMode.Selective => ModeName.Selective,
        _ => ModeName.Visibility,
    };
}
