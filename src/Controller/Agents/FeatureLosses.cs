using System.Collections.Concurrent;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Controller.Agents;

/// <summary>
/// Notices that a host can no longer decide what its policy needs: rules that it enforced it now goes without, which nobody edited. Shown as a problem
/// of the workload until its agent can again, or its policy leaves nothing out any more. Thread-safe.
/// </summary>
public sealed class FeatureLosses(AgentDirectory directory, PolicyTargets targets, LiveState live)
{
    private const string Code = "features-lost";
    private readonly ConcurrentDictionary<WorkloadId, EquatableArray<string>> _lost = new();

    /// <summary>Takes what an agent reports that it can decide, before the policy is compiled for it.</summary>
    /// <returns>A sentence if it lost more than it had lost before; else null.</returns>
    public string? Note(WorkloadEntry entry, IReadOnlyCollection<string> reported)
    {
        var id = entry.Workload.Id;
        var snapshot = live.Current;
        var held = _lost.GetValueOrDefault(id);
        if (held.Count > 0 && !snapshot.Enforced.LeftOut.Any(left => left.Host == id))
        {
            held = [];
        }

        var lost = (targets.Find(id)?.RequiredFeatures ?? []).Concat(held).Except(reported).Distinct().Order(StringComparer.Ordinal).ToEquatableArray();
        if (lost.Count == 0)
        {
            _lost.TryRemove(id, out _);
            directory.Clear(id, Code);
            return null;
        }

        foreach (var removed in _lost.Keys.Where(known => !snapshot.Entries.ContainsKey(known)))
        {
            _lost.TryRemove(removed, out _);
        }

        _lost[id] = lost;
        var sentence = $"The host cannot decide {string.Join(", ", lost)}, which its policy needs: rules that need it are not enforced there as written.";
        directory.Flag(id, Diagnostic.Error(Code, "features", $"{sentence} Update its agent, or look there at what 'bulkhead-agent check' says."));
        return lost.Except(held).Any() ? sentence : null;
    }
}
