using System.Collections.Immutable;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Controller.Agents;

/// <summary>
/// What each host is meant to enforce. A host keeps the generation with which its policy last changed, so that a change elsewhere sends it nothing.
/// Thread-safe.
/// </summary>
public sealed class PolicyTargets
{
    private volatile ImmutableDictionary<WorkloadId, HostPolicy> _targets = ImmutableDictionary<WorkloadId, HostPolicy>.Empty;

    /// <summary>What a host is meant to enforce; null if it is unknown or unmanaged. The same object until it changes.</summary>
    public HostPolicy? Find(WorkloadId workload) => _targets.GetValueOrDefault(workload);

    /// <summary>Takes over a snapshot's host policies.</summary>
    /// <returns>The hosts whose policy changed, and those that are gone.</returns>
    public IReadOnlyList<WorkloadId> Advance(LiveSnapshot snapshot)
    {
        var before = _targets;
        var changed = new List<WorkloadId>();
        var targets = ImmutableDictionary.CreateBuilder<WorkloadId, HostPolicy>();
        foreach (var (id, policy) in snapshot.Enforced.Hosts)
        {
            var same = before.TryGetValue(id, out var held) && held.Generation.Epoch == policy.Generation.Epoch && held.EnforcesSameAs(policy);
            targets.Add(id, same ? held! : policy);
            if (!same)
            {
                changed.Add(id);
            }
        }

        _targets = targets.ToImmutable();
        changed.AddRange(before.Keys.Where(id => !snapshot.Enforced.Hosts.ContainsKey(id)));
        return changed;
    }
}
