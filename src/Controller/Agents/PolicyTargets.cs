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
    private CompiledPolicy? _enforced;

    /// <summary>What a host is meant to enforce; null if it is unknown or unmanaged. The same object until it changes.</summary>
    public HostPolicy? Find(WorkloadId workload) => _targets.GetValueOrDefault(workload);

    /// <summary>Takes over a snapshot's host policies, at the cost of those that may have changed; callers take turns.</summary>
    /// <returns>The hosts whose policy changed, and those that are gone.</returns>
    public IReadOnlyList<WorkloadId> Advance(LiveSnapshot snapshot)
    {
        if (ReferenceEquals(_enforced, snapshot.Enforced))
        {
            return [];
        }

        var before = _targets;
        var targets = before.ToBuilder();
        var candidates = snapshot.Delta is { } delta && _enforced is { } enforced && delta.IsFrom(enforced)
            ? delta.Hosts.Concat(delta.Moved).Concat(delta.Removed)
            : snapshot.Enforced.Hosts.Keys.Concat(before.Keys);
        var changed = new List<WorkloadId>();
        foreach (var id in candidates.Distinct())
        {
            var held = before.GetValueOrDefault(id);
            if (!snapshot.Enforced.Hosts.TryGetValue(id, out var policy))
            {
                if (targets.Remove(id))
                {
                    changed.Add(id);
                }
            }
            else if (held is null || held.Generation.Epoch != policy.Generation.Epoch || !held.EnforcesSameAs(policy))
            {
                targets[id] = policy;
                changed.Add(id);
            }
        }

        _enforced = snapshot.Enforced;
        _targets = targets.ToImmutable();
        return changed;
    }
}
