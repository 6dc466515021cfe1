using Bulkhead.Contracts.Agent;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Policies;
using Bulkhead.Controller.Tests.Agents;

namespace Bulkhead.Controller.Tests.Storage;

/// <summary>Two controllers on one store.</summary>
public sealed class ReplicaTests
{
    [Fact]
    public async Task Each_controller_serves_agents_and_edits_and_follows_the_other()
    {
        await using var first = await TestController.StartAsync();
        await using var second = await TestController.JoinAsync(first);
        using var atFirst = await first.ClientAsync();
        using var atSecond = await second.ClientAsync();
        using var web = await PolicyStreamTests.PairAsync(first, atFirst, "web", "10.0.0.1", ("app", "shop"), ("role", "web"));
        using var db = await PolicyStreamTests.PairAsync(second, atSecond, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        using var webStream = await web.OpenAsync();
        using var dbStream = await db.OpenAsync();
        Assert.NotNull(await webStream.NextAsync());
        Assert.NotNull(await dbStream.NextAsync());

        await PolicyStreamTests.ProvisionAsync(atFirst, PolicyStreamTests.Fence, AdminSessions.WouldLockOut);
        Assert.Equal(Mode.Full, (await dbStream.NextAsync())!.Inbound);
        Assert.Equal(Mode.Full, (await webStream.NextAsync())!.Inbound);
        await PolicyStreamTests.ProvisionAsync(atSecond, PolicyStreamTests.Fence with { Modes = [new() { Selector = "app=shop", Inbound = "selective" }] });
        Assert.Equal(Mode.Selective, (await webStream.NextAsync())!.Inbound);
        Assert.Equal([1L, 2L], (await atFirst.GetAsync<List<RevisionView>>("policy/revisions")).Select(revision => revision.Number).Order());
    }

    [Fact]
    public async Task Of_two_controllers_one_takes_back_what_was_provisioned_for_a_time()
    {
        var clock = new FakeClock();
        await using var first = await TestController.StartAsync(clock);
        await using var second = await TestController.JoinAsync(first);
        using var atFirst = await first.ClientAsync();
        using var atSecond = await second.ClientAsync();
        await PolicyStreamTests.ProvisionAsync(atFirst, PolicyStreamTests.Fence);
        // Connected while the clock is right: its certificate is not from the future.
        await atSecond.GetAsync<DraftStatus>("policy/draft/changes");
        for (var revision = 2L; revision <= 6; revision += 2)
        {
            var draft = await atFirst.PutAsync<DraftStatus>("policy/draft", new Policy.Documents.PolicyDocument());
            await atFirst.PostAsync<RevisionView>("policy/provision", new Provision("try", draft.DraftVersion, [], null, 60));
            await Eventually.IsAsync(() => second.Live.Current.Provisioned.Trial is not null, "the second knows of it");
            clock.Advance(TimeSpan.FromMinutes(1));
            await Eventually.IsAsync(() => first.Live.Current.Provisioned.Number == revision + 1 && second.Live.Current.Provisioned.Number == revision + 1, "it is taken back at both");
        }

        // What both had begun is through once both have made an edit.
        await atFirst.PostAsync<WorkloadView>("workloads", new CreateWorkload("a", new Dictionary<string, string>(), ["10.0.0.8"]));
        await atSecond.PostAsync<WorkloadView>("workloads", new CreateWorkload("b", new Dictionary<string, string>(), ["10.0.0.9"]));
        Assert.Equal(7, (await atSecond.GetAsync<List<RevisionView>>("policy/revisions")).Count);
        Assert.Equal(3, (await atSecond.GetAsync<Page<AuditEntryView>>("audit?limit=200")).Items.Count(entry => entry.Action == "policy.trial-reverted"));
    }

    /// <summary>Both write at the same time; nothing is lost, and both come to the same.</summary>
    [Fact]
    public async Task Edits_at_both_at_once_end_in_one_order()
    {
        await using var first = await TestController.StartAsync();
        await using var second = await TestController.JoinAsync(first);
        using var atFirst = await first.ClientAsync();
        using var atSecond = await second.ClientAsync();

        await Task.WhenAll(((ApiClient[])[atFirst, atSecond]).SelectMany((client, at) => Enumerable.Range(0, 4).Select(async writer =>
        {
            for (var i = 0; i < 10; i++)
            {
                await client.PostAsync<WorkloadView>("workloads", new CreateWorkload($"w{at}-{writer}-{i}", new Dictionary<string, string> { ["app"] = "shop" }, [$"10.{at}.{writer}.{i}"]));
            }
        })));

        await Eventually.IsAsync(() => first.Live.Current.Sequence == second.Live.Current.Sequence, "both are at the same change");
        var (one, other) = (first.Live.Current, second.Live.Current);
        Assert.Equal(80, one.Entries.Count);
        Assert.Equal(one.Entries.Keys.Order(), other.Entries.Keys.Order());
        Assert.Equal(one.Settings, other.Settings);
        Assert.Equal(one.Enforced.Hosts.Count, other.Enforced.Hosts.Count);
        Assert.All(one.Enforced.Hosts, pair => Assert.True(pair.Value.EnforcesSameAs(other.Enforced.Hosts[pair.Key])));
        Assert.Equal(0, Hosting.ControllerProcess.Command(first.Folder, "verify-audit"));
    }

    [Fact]
    public async Task An_agent_that_changes_controllers_is_never_sent_back()
    {
        await using var first = await TestController.StartAsync();
        await using var second = await TestController.JoinAsync(first);
        using var admin = await first.ClientAsync();
        using var agent = await PolicyStreamTests.PairAsync(first, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        await Eventually.IsAsync(() => second.Live.Current.Sequence == first.Live.Current.Sequence, "the second knows the agent");
        using var there = agent.At(second);
        ulong last = 0;
        foreach (var mode in (string[])["full", "selective", "full"])
        {
            // A change that is not the agent's moves the generation, at each controller to a different view of when its policy last changed.
            await admin.PostAsync<WorkloadView>("workloads", new CreateWorkload($"peer-{last}", new Dictionary<string, string> { ["app"] = "else" }, [$"10.9.0.{last}"]));
            await PolicyStreamTests.ProvisionAsync(admin, PolicyStreamTests.Fence with { Modes = [new() { Selector = "app=shop", Inbound = mode }] }, AdminSessions.WouldLockOut);
            await Eventually.IsAsync(() => second.Live.Current.Sequence == first.Live.Current.Sequence, "the second followed");
            foreach (var at in (TestAgent[])[agent, there, agent])
            {
                using var stream = await at.OpenAsync();
                var policy = (await stream.NextAsync())!;
                Assert.True(policy.Generation.Number >= last, $"{policy.Generation.Number} after {last}");
                Assert.Equal(mode, policy.Inbound.ToString().ToLowerInvariant());
                last = policy.Generation.Number;
            }
        }
    }

    [Fact]
    public async Task An_agent_connected_to_one_is_connected_for_the_other_and_its_clone_is_refused_there()
    {
        await using var first = await TestController.StartAsync();
        await using var second = await TestController.JoinAsync(first);
        using var admin = await first.ClientAsync();
        using var atSecond = await second.ClientAsync();
        using var agent = await PolicyStreamTests.PairAsync(first, admin, "web", "10.0.0.1", ("app", "shop"));
        using (var stream = await agent.OpenAsync())
        {
            var policy = await stream.NextAsync();
            await agent.SendAsync(new StateReport(agent.Report("10.0.0.1")) { Applied = policy!.Generation });
            await Eventually.HasAsync(async () => (await atSecond.GetAsync<WorkloadDetail>("workloads/web")).Workload is { Sync: SyncState.Synced } seen ? seen : null, "the second sees it in sync");
            Assert.False(second.Get<AgentDirectory>().IsGone(new(agent.Workload)));

            using var clone = agent.CopyAt(second, "127.0.0.2");
            Assert.Equal("clone", (await Assert.ThrowsAsync<RefusedByController>(clone.OpenAsync)).Code);

            // The agent itself may move.
            using var moved = agent.At(second);
            using var there = await moved.OpenAsync();
            Assert.NotNull(await there.NextAsync());
        }

        await Eventually.HasAsync(async () => (await admin.GetAsync<WorkloadDetail>("workloads/web")).Workload is { Sync: SyncState.Offline } seen ? seen : null, "the first sees it gone");
    }

    /// <summary>Flows stay with the controller that received them, and with them the sessions that a move to full would cut.</summary>
    [Fact]
    public async Task A_move_to_full_is_held_up_while_another_controller_may_have_seen_sessions()
    {
        await using var first = await TestController.StartAsync();
        await using var second = await TestController.JoinAsync(first);
        using var admin = await first.ClientAsync();
        using var agent = await PolicyStreamTests.PairAsync(first, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        await Eventually.IsAsync(() => first.Get<AgentDirectory>().OtherControllers == 1, "the first knows of the second");
        var draft = await admin.PutAsync<DraftStatus>("policy/draft", PolicyStreamTests.Fence);
        var refusal = await admin.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("test", draft.DraftVersion, []), 409, "acknowledge");
        Assert.Equal(AdminSessions.WouldLockOut, Assert.Single(refusal.Diagnostics).Code);
        await admin.PostAsync<RevisionView>("policy/provision", new Provision("test", draft.DraftVersion, [AdminSessions.WouldLockOut]));
    }

    [Fact]
    public async Task A_controller_with_another_authority_is_refused()
    {
        await using var first = await TestController.StartAsync();
        var folder = Directory.CreateTempSubdirectory("bulkhead-controller-test-");
        try
        {
            File.Copy(Path.Combine(first.Folder, "database"), Path.Combine(folder.FullName, "database"));
            Assert.Equal(1, Hosting.ControllerProcess.Command(folder.FullName, "run", "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_controller_that_stands_still_is_dead_and_lives_again_when_it_moves()
    {
        var clock = new FakeClock();
        var (self, other) = (Guid.NewGuid(), Guid.NewGuid());
        var others = new OtherControllers(self, clock);
        // Its clock says anything.
        var row = new Controller.Storage.Rows.ControllerRow { Id = other, LastSeen = clock.GetUtcNow().AddDays(-300) };
        Assert.Empty(others.Gone([row]));
        clock.Advance(OtherControllers.Silence - TimeSpan.FromSeconds(1));
        Assert.Empty(others.Gone([row]));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([other], others.Gone([row]));
        row.LastSeen += TimeSpan.FromSeconds(2);
        Assert.Empty(others.Gone([row]));
        Assert.Equal([other], others.Gone([]));
    }
}
