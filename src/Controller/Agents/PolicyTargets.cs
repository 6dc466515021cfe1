using System.Collections.Immutable;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Controller.Agents;

/// <summary>
/// What each host is meant to enforce. A host keeps the generation with which its policy last changed, so that a change elsewhere sends it nothing.
/// Which one that is depends on when this controller followed which change; <see cref="Newest"/> does not. Thread-safe.
/// </summary>
public sealed class PolicyTargets
{
    private volatile Held _held = new(ImmutableDictionary<WorkloadId, HostPolicy>.Empty, default);
    private CompiledPolicy? _enforced;

    private sealed record Held(ImmutableDictionary<WorkloadId, HostPolicy> Targets, Generation Newest);

    /// <summary>What a host is meant to enforce; null if it is unknown or unmanaged. The same object until it changes.</summary>
    public HostPolicy? Find(WorkloadId workload) => _held.Targets.GetValueOrDefault(workload);

    /// <summary>
    /// The same, and as of the newest generation: what a host is sent first, since another controller on the store may have given it this policy with a
    /// later number than this one did, and a host never goes back.
    /// </summary>
    public (HostPolicy Target, HostPolicy AsOfNow)? Newest(WorkloadId workload)
    {
        var held = _held;
        return held.Targets.GetValueOrDefault(workload) is { } target ? (target, target with { Generation = held.Newest }) : null;
    }

    /// <summary>Takes over a snapshot's host policies, at the cost of those that may have changed; callers take turns.</summary>
    /// <returns>The hosts whose policy changed, and those that are gone.</returns>
    public IReadOnlyList<WorkloadId> Advance(LiveSnapshot snapshot)
    {
        if (ReferenceEquals(_enforced, snapshot.Enforced))
        {
            return [];
        }

        var before = _held.Targets;
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
        _held = new(targets.ToImmutable(), snapshot.Settings.Generation);
        return changed;
    }
}
