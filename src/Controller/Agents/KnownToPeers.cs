using Bulkhead.Controller.Storage;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Mode = Bulkhead.Contracts.Agent.Mode;
using PeerKnowledge = Bulkhead.Contracts.Agent.PeerKnowledge;

namespace Bulkhead.Controller.Agents;

/// <summary>
/// Tells a host whether its peers' rules know its addresses, so that its services start only then. Hosts that are away, or enforce nothing, are not
/// waited for: the first get the newest policy before anything else, and the second let everybody pass. Thread-safe.
/// </summary>
public sealed class KnownToPeers(AgentDirectory directory, AgentStatus status, PolicyTargets targets, TimeProvider time)
{
    private const int Named = 5;
    private static readonly TimeSpan s_fresh = TimeSpan.FromMilliseconds(250);

    private volatile Straggling? _straggling;

    /// <summary>What a workload's peers know of it, as a snapshot has it.</summary>
    public PeerKnowledge Of(WorkloadId workload, LiveSnapshot snapshot)
    {
        if (!snapshot.Entries.TryGetValue(workload, out var entry) || !entry.Workload.Admitted)
        {
            return new();
        }

        var addresses = AddressesOf(entry.Workload).Distinct().ToList();
        var names = StragglersOf(snapshot)
            .Where(other => other.Entry.Workload.Id != workload && addresses.Any(address => Names(other.Target, address)))
            .Select(other => other.Entry.Workload.Name)
            .Order(StringComparer.Ordinal)
            .ToList();
        return new() { Counted = addresses.Count > 0, Behind = (uint)names.Count, Names = { names.Take(Named) } };
    }

    /// <summary>Hosts that have yet to enforce what they are meant to; looked for anew when that changes, else four times a second at most.</summary>
    private IReadOnlyList<Straggler> StragglersOf(LiveSnapshot snapshot)
    {
        if (_straggling is { } known && ReferenceEquals(known.Enforced, snapshot.Enforced) && time.GetElapsedTime(known.At) < s_fresh)
        {
            return known.Hosts;
        }

        var hosts = (
            from entry in snapshot.Entries.Values
            where entry.Agent is not null && directory.IsConnected(entry.Workload.Id) && !status.HasApplied(entry) && Enforces(entry.Workload.Id)
            let target = targets.Find(entry.Workload.Id)
            where target is not null
            select new Straggler(entry, target)).ToList();
        _straggling = new(snapshot.Enforced, time.GetTimestamp(), hosts);
        return hosts;
    }

    /// <summary>One that has not reported yet may.</summary>
    private bool Enforces(WorkloadId workload) =>
        directory.Observation(workload)?.Report is not { Inbound: Mode.Visibility, Outbound: Mode.Visibility };

    private static IEnumerable<IpAddress> AddressesOf(Workload workload) =>
        workload.Addresses.Concat(workload.Sources).Concat(workload.Published.Select(publication => publication.Address)).Select(address => address.Address);

    private static bool Names(HostPolicy policy, IpAddress address) =>
        policy.PeerSets.Any(set => set.Packed.Hosts(address.IsV6).Contains(address) || set.Packed.Nets(address.IsV6).Contains(address));

    private sealed record Straggler(WorkloadEntry Entry, HostPolicy Target);

    private sealed record Straggling(CompiledPolicy Enforced, long At, IReadOnlyList<Straggler> Hosts);
}
