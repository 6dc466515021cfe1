using Bulkhead.Contracts.Agent;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Documents;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Bulkhead.Controller.Tests.Agents;

public sealed class PolicyStreamTests
{
    /// <summary>Fences storefront: the web servers reach its database, and nobody else does.</summary>
    internal static PolicyDocument Fence { get; } = new()
    {
        Rulesets = [new() { Name = "shop", Scopes = [new() { Selector = "app=shop" }], Rules = [new() { From = "role=web", To = "role=db", Services = ["tcp/3306"] }] }],
        Modes = [new() { Selector = "app=shop", Inbound = "full" }],
    };

    [Fact]
    public async Task A_change_reaches_exactly_the_hosts_whose_policy_it_changes()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PairAsync(controller, admin, "web", "10.0.0.1", ("app", "shop"), ("role", "web"));
        using var db = await PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        using var other = await PairAsync(controller, admin, "other", "10.0.0.3", ("app", "other"));
        using var webStream = await web.OpenAsync();
        using var dbStream = await db.OpenAsync();
        using var otherStream = await other.OpenAsync();
        var first = await dbStream.NextAsync();
        await webStream.NextAsync();
        await otherStream.NextAsync();
        Assert.Equal((Mode.Visibility, 0), (first!.Inbound, first.Entries.Count));

        var revision = await ProvisionAsync(admin, Fence);
        Assert.Equal(2, revision.Rollout!.Affected);
        var fenced = (await dbStream.NextAsync())!;
        Assert.Equal(Mode.Full, fenced.Inbound);
        var entry = Assert.Single(fenced.Entries);
        Assert.Equal((Direction.Inbound, Contracts.Agent.Action.Allow, 1L, 3306u), (entry.Direction, entry.Action, entry.Rule, entry.Ports[0].First));
        Assert.Equal([10, 0, 0, 1], Assert.Single(Assert.Single(fenced.PeerSets).Members).Address.ToByteArray());
        Assert.True(fenced.Generation.Number > first.Generation.Number);
        Assert.NotNull(await webStream.NextAsync());
        Assert.True(otherStream.IsQuiet);

        // A web server more: only the database's peer set grows.
        using var web2 = await PairAsync(controller, admin, "web2", "10.0.0.4", ("app", "shop"), ("role", "web"));
        Assert.Equal(2, Assert.Single((await dbStream.NextAsync())!.PeerSets).Members.Count);
        Assert.True(webStream.IsQuiet);
        Assert.True(otherStream.IsQuiet);
    }

    [Fact]
    public async Task Members_that_join_or_leave_are_sent_alone_to_who_asks_for_that_and_all_else_whole()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PairAsync(controller, admin, "web", "10.0.0.1", ("app", "shop"), ("role", "web"));
        using var db = await PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        using var stream = await db.OpenAsync(deltas: true);
        Assert.NotNull(await stream.NextAsync());
        await ProvisionAsync(admin, Fence);
        var fenced = (await stream.NextAsync())!;

        using var web2 = await PairAsync(controller, admin, "web2", "10.0.0.4", ("app", "shop"), ("role", "web"));

        var delta = (await stream.NextMessageAsync())!.Delta;
        Assert.Equal(fenced.Generation, delta.From);
        Assert.Equal(fenced.Generation.Epoch, delta.To.Epoch);
        Assert.True(delta.To.Number > delta.From.Number);
        var change = Assert.Single(delta.PeerSets);
        Assert.Equal((fenced.PeerSets[0].Name, 0), (change.Name, change.Removed.Count));
        Assert.Equal([10, 0, 0, 4], Assert.Single(change.Added).Address.ToByteArray());
        Assert.Equal(Policy.Compile.PeerSetDigest.Of(((string[])["10.0.0.1", "10.0.0.4"]).Select(text => IpPrefix.Host(IpAddress.Parse(text)))), change.Digest);

        await ProvisionAsync(admin, Fence with { Modes = [new() { Selector = "app=shop", Inbound = "selective" }] });
        var whole = (await stream.NextAsync())!;
        Assert.Equal((Mode.Selective, 2), (whole.Inbound, Assert.Single(whole.PeerSets).Members.Count));
    }

    [Fact]
    public async Task Every_policy_proves_its_epoch_with_the_CAs_key()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var agent = await PairAsync(controller, admin, "web", "10.0.0.1");
        using var stream = await agent.OpenAsync();
        var policy = (await stream.NextAsync())!;
        Assert.Equal(policy.Generation.Epoch, policy.EpochProof.Epoch);
        using var key = controller.Authority.Certificate.GetECDsaPublicKey()!;
        Assert.True(key.VerifyData(
            Encoding.UTF8.GetBytes($"bulkhead-epoch:{policy.Generation.Epoch}"), policy.EpochProof.Signature.ToByteArray(), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
    }

    [Fact]
    public async Task The_state_of_a_host_goes_from_offline_over_syncing_to_synced_and_the_rollout_with_it()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var db = await PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        Assert.Equal(["db"], (await ProvisionAsync(admin, Fence)).Rollout!.Offline);
        var stream = await db.OpenAsync();
        var policy = (await stream.NextAsync())!;
        Assert.Equal(SyncState.Syncing, await SyncAsync());
        Assert.Equal(["db"], (await RolloutAsync()).Waiting);

        var report = db.Report("10.0.0.2");
        report.Applied = policy.Generation;
        await db.SendAsync(report);
        Assert.Equal(SyncState.Synced, await SyncAsync());
        Assert.Equal(1, (await RolloutAsync()).Applied);

        report.Applied = null;
        report.Problems.Add(new Failure { Code = "feature-missing", Message = "The policy needs what this agent lacks.", Remedy = "Upgrade." });
        await db.SendAsync(report);
        Assert.Equal(SyncState.Error, await SyncAsync());
        Assert.Equal(["db"], (await RolloutAsync()).Failed);

        stream.Dispose();
        await Eventually.HasAsync(async () => await SyncAsync() == SyncState.Offline ? "offline" : null, "the agent is shown offline");

        async Task<SyncState> SyncAsync() => (await admin.GetAsync<WorkloadDetail>("workloads/db")).Workload.Sync;
        async Task<RolloutView> RolloutAsync() => (await admin.GetAsync<RevisionView>("policy/revisions/1")).Rollout!;
    }

    [Fact]
    public async Task A_slow_agent_gets_only_the_newest_policy_and_holds_nobody_up()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var db = await PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        using var stream = await db.OpenAsync();
        for (var i = 0; i < 20; i++)
        {
            await ProvisionAsync(admin, Fence with { Modes = [new() { Selector = "app=shop", Inbound = i % 2 == 0 ? "selective" : "full" }] });
        }

        // Read only now: whatever was superseded while nobody read may be missing, the last may not.
        HostPolicy? newest;
        var target = controller.Live.Current.Settings.Generation.Number;
        var before = 0UL;
        do
        {
            newest = await stream.NextAsync();
            Assert.True(newest!.Generation.Number > before, "generations only grow");
            before = newest.Generation.Number;
        }
        while (newest.Generation.Number < target);
        Assert.Equal(Mode.Full, newest.Inbound);
    }

    [Fact]
    public async Task Removing_a_workload_ends_its_stream_and_voids_its_certificate_at_once()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var agent = await PairAsync(controller, admin, "web", "10.0.0.1");
        using var stream = await agent.OpenAsync();
        await stream.NextAsync();
        await admin.DeleteAsync("workloads/web");
        Assert.Null(await stream.NextAsync());
        Assert.Equal("revoked", (await Assert.ThrowsAsync<RefusedByController>(agent.OpenAsync)).Code);
        Assert.Equal("revoked", (await Assert.ThrowsAsync<RefusedByController>(() => agent.RenewAsync(controller))).Code);
    }

    [Fact]
    public async Task A_newer_stream_of_the_same_host_replaces_the_older_one()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var agent = await PairAsync(controller, admin, "web", "10.0.0.1");
        using var first = await agent.OpenAsync();
        await first.NextAsync();
        using var second = await agent.OpenAsync();
        await second.NextAsync();
        Assert.Null(await first.NextAsync());
        Assert.Equal(1, (await admin.GetAsync<StatusView>("status")).Connected);
    }

    [Fact]
    public async Task A_workload_that_waits_for_admission_is_in_nobodys_policy()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var db = await PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        await ProvisionAsync(admin, Fence);
        using var stream = await db.OpenAsync();
        Assert.Empty(Assert.Single((await stream.NextAsync())!.PeerSets).Members);
        var key = await TestController.PairingKeyAsync(admin, autoAdmit: false, labels: [("app", "shop"), ("role", "web")]);
        using var web = await TestAgent.PairAsync(controller, key.Secret, "web", "10.0.0.1");
        Assert.Equal(SyncState.Pending, (await admin.GetAsync<WorkloadDetail>("workloads/web")).Workload.Sync);
        Assert.True(stream.IsQuiet);
        await admin.PostAsync<WorkloadView>("workloads/web/admit", null);
        Assert.Single(Assert.Single((await stream.NextAsync())!.PeerSets).Members);
    }

    internal static async Task<TestAgent> PairAsync(TestController controller, ApiClient admin, string name, string address, params (string Key, string Value)[] labels) =>
        await TestAgent.PairAsync(controller, (await TestController.PairingKeyAsync(admin, labels: labels)).Secret, name, address);

    internal static async Task<RevisionView> ProvisionAsync(ApiClient client, PolicyDocument document, params string[] acknowledge)
    {
        var draft = await client.PutAsync<DraftStatus>("policy/draft", document);
        return await client.PostAsync<RevisionView>("policy/provision", new Provision("test", draft.DraftVersion, acknowledge));
    }
}
