using Bulkhead.Contracts.Agent;

namespace Bulkhead.Controller.Tests.Agents;

/// <summary>When a new host's services may start: its peers enforce policies that know it.</summary>
public sealed class KnownToPeersTests
{
    [Fact]
    public async Task A_new_host_waits_for_connected_peers_that_enforce_and_whose_policy_names_it_and_for_no_others()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        using var away = await PolicyStreamTests.PairAsync(controller, admin, "away", "10.0.0.5", ("app", "shop"), ("role", "db"));
        using var other = await PolicyStreamTests.PairAsync(controller, admin, "other", "10.0.0.3", ("app", "other"));
        await PolicyStreamTests.ProvisionAsync(admin, PolicyStreamTests.Fence);
        using var dbStream = await db.OpenAsync();
        using var otherStream = await other.OpenAsync();
        var old = (await dbStream.NextAsync())!.Generation;
        await otherStream.NextAsync();
        await AppliedAsync(db, "10.0.0.2", old, Mode.Full);
        await AppliedAsync(other, "10.0.0.3", null, Mode.Full);

        using var web = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1", ("app", "shop"), ("role", "web"));
        using var webStream = await web.OpenAsync();
        await webStream.NextAsync();
        var news = (await dbStream.NextAsync())!.Generation;

        Assert.Equal((true, 1u, "db"), await AskAsync());
        await AppliedAsync(db, "10.0.0.2", news, Mode.Full);
        await KnownAsync();
        Assert.Null((await web.SendAsync(web.Report("10.0.0.1"))).Peers);

        // A peer that enforces nothing lets the host in as it is.
        await AppliedAsync(db, "10.0.0.2", old, Mode.Full);
        await Eventually.HasAsync(async () => (await AskAsync()).Item2 == 1 ? "behind" : null, "the database is behind");
        await AppliedAsync(db, "10.0.0.2", old, Mode.Visibility);
        await KnownAsync();

        Task KnownAsync() => Eventually.HasAsync(async () => await AskAsync() == (true, 0u, "") ? "known" : null, "peers know the host");

        async Task<(bool, uint, string)> AskAsync()
        {
            var report = web.Report("10.0.0.1");
            report.AsksPeers = true;
            var peers = (await web.SendAsync(report)).Peers;
            return (peers.Counted, peers.Behind, string.Join(' ', peers.Names));
        }
    }

    [Fact]
    public async Task Who_is_not_admitted_is_known_to_nobody()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        var key = await TestController.PairingKeyAsync(admin, autoAdmit: false);
        using var agent = await TestAgent.PairAsync(controller, key.Secret, "stranger", "10.0.0.9");
        var report = agent.Report("10.0.0.9");
        report.AsksPeers = true;
        Assert.Equal(new PeerKnowledge(), (await agent.SendAsync(report)).Peers);
    }

    private static Task AppliedAsync(TestAgent agent, string address, Generation? generation, Mode inbound)
    {
        var report = agent.Report(address);
        (report.Applied, report.Inbound, report.Outbound) = (generation, inbound, Mode.Visibility);
        return agent.SendAsync(report);
    }
}
