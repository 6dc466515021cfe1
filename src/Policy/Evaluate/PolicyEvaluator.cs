using System.Collections.Concurrent;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>Judges connections at both ends by the very host policies that are enforced. Safe for use by many threads.</summary>
public sealed class PolicyEvaluator(CompiledPolicy compiled)
{
    private readonly ConcurrentDictionary<WorkloadId, HostEvaluator> _hosts = new();
    private readonly ConcurrentDictionary<string, PeerMembership> _peers = new(StringComparer.Ordinal);

    /// <summary>What is judged by.</summary>
    public CompiledPolicy Compiled { get; } = compiled;

    /// <summary>The evaluator of a managed workload's host policy, or null.</summary>
    public HostEvaluator? Host(WorkloadId id) =>
        Compiled.Hosts.TryGetValue(id, out var policy) ? _hosts.GetOrAdd(id, (_, p) => new(p, Membership), policy) : null;

    /// <summary>Judges a connection at its managed ends and combines what they decide.</summary>
    public Verdict Judge(Connection connection)
    {
        var source = Host(connection.Space, connection.Source)?.Decide(
            Direction.Outbound, connection.Source, connection.Destination, connection.Protocol, connection.Port, connection.Consumer);
        var destination = Host(connection.Space, connection.Destination)?.Decide(
            Direction.Inbound, connection.Destination, connection.Source, connection.Protocol, connection.Port, connection.Provider);
        return Verdict.Combine(source, destination);
    }

    /// <summary>Hosts compiled together share the peer sets of one name.</summary>
    private PeerMembership Membership(PeerSet set) => _peers.GetOrAdd(set.Name, static (_, s) => new(s.Members), set);

    private HostEvaluator? Host(AddressSpace space, IpAddress address) =>
        Compiled.Workloads.Holder(new(space, address)) is { } workload ? Host(workload.Id) : null;
}
