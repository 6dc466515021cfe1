using Bulkhead.Bench.Harness;
using Bulkhead.Contracts.Rest;
using Bulkhead.Lab;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Dataplane;

/// <summary>Two hosts of a lab with agents, which have their policy from the controller, joined by a veth pair besides the lab's bridge.</summary>
/// <param name="Pair">The veth pair.</param>
/// <param name="Agents">The agents' processes.</param>
internal sealed record AgentPair(VethPair Pair, IReadOnlyList<int> Agents)
{
    private static readonly TimeSpan SyncedWithin = TimeSpan.FromSeconds(60);

    /// <summary>The lab.</summary>
    public static LabOptions Lab { get; } = new("bench-pair") { File = Path.Combine(AppContext.BaseDirectory, "two-hosts.yaml") };

    /// <summary>Joins the hosts, and provisions the policy of a traffic.</summary>
    public static async Task<AgentPair> PrepareAsync(Stage stage, ControllerRest rest, Traffic traffic, CancellationToken cancel)
    {
        var pair = await VethPair.JoinAsync(stage.Lab["client"].Network, stage.Lab["server"].Network, cancel);
        var draft = await rest.SendAsync<DraftStatus>(HttpMethod.Put, "policy/draft", EntryPolicy.Document(traffic), cancel);
        await rest.SendAsync<RevisionView>(HttpMethod.Post, "policy/provision", new Provision("Benchmark", draft.DraftVersion, []), cancel);
        await stage.AllSyncedAsync(SyncedWithin, cancel);
        return new(pair, [.. stage.Lab.Status().Select(host => host.Agent.Pid ?? throw new BenchException($"the agent on {host.Name} is not running"))]);
    }
}
