using Bulkhead.Bench.Agents;
using Bulkhead.Bench.Harness;
using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Agents;

namespace Bulkhead.Bench.Dataplane;

/// <summary>
/// Two agents joined by a veth pair, of which the client's lets out just this program on some ports and just a directory group of its user on the others, so
/// that its eBPF programs stamp every socket of the load.
/// </summary>
/// <param name="Pair">The veth pair.</param>
/// <param name="Client">The agent at the end that connects.</param>
/// <param name="Server">The agent at the end that serves.</param>
/// <param name="Cgroup">Where the load has to be for the client's agent to see it.</param>
internal sealed record OwnerPair(VethPair Pair, AgentUnderTest Client, AgentUnderTest Server, OwnCgroup Cgroup) : IAsyncDisposable
{
    /// <summary>The agents' processes.</summary>
    public IReadOnlyList<int> Agents => [Client.Pid, Server.Pid];

    /// <summary>Starts the agents and gives them the policy of a traffic.</summary>
    public static async Task<OwnerPair> PrepareAsync(NamedNamespaces namespaces, Traffic traffic, CancellationToken cancel)
    {
        var cgroup = OwnCgroup.Create();
        var client = await AgentUnderTest.StartAsync(namespaces, "owners-c", cancel, cgroup.Path);
        var server = await AgentUnderTest.StartAsync(namespaces, "owners-s", cancel);
        var pair = await VethPair.JoinAsync(client.Network, server.Network, cancel);
        var (atClient, atServer) = EntryPolicy.Compile(traffic, new(Environment.ProcessPath!, "root"));
        await EnforceAsync(client, atClient, cancel);
        await EnforceAsync(server, atServer, cancel);
        return new(pair, client, server, cgroup);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
        Cgroup.Dispose();
    }

    private static async Task EnforceAsync(AgentUnderTest agent, Bulkhead.Policy.Compile.HostPolicy policy, CancellationToken cancel)
    {
        agent.Controller.Push(HostPolicyEncoder.Encode(policy, new EpochProof()));
        await agent.ReportsAsync(report => report.Applied?.Number == policy.Generation.Number, "the policy is applied", cancel);
    }
}
