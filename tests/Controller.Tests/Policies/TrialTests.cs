using Bulkhead.Contracts.Agent;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Tests.Agents;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Tests.Policies;

/// <summary>Provisioning for a time.</summary>
public sealed class TrialTests
{
    private const int Hour = 3600;

    /// <summary>Fenced, and the web servers no longer reach the database.</summary>
    private static readonly PolicyDocument s_shut = PolicyStreamTests.Fence with { Rulesets = [PolicyStreamTests.Fence.Rulesets[0] with { Rules = [] }] };

    [Fact]
    public async Task It_reverts_by_itself_when_its_time_is_over_and_the_draft_keeps_what_was_tried()
    {
        var clock = new FakeClock();
        await using var world = await World.StartAsync(clock);
        using var stream = await world.Db.OpenAsync();
        Assert.Single((await stream.NextAsync())!.Entries);
        var revision = await world.TryAsync(s_shut);
        Assert.Equal((TrialState.Running, clock.GetUtcNow().AddHours(1), false), (revision.Trial!.State, revision.Trial.Until, revision.Trial.RevertOnBlock));
        Assert.Empty((await stream.NextAsync())!.Entries);

        clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal(2, (await world.RevisionsAsync()).Count);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Single((await stream.NextAsync())!.Entries);
        var revisions = await world.RevisionsAsync();
        Assert.Equal((3, 1, "system"), (revisions[0].Number, revisions[0].RestoredFrom, revisions[0].Author));
        Assert.Equal(revisions[2].Hash, revisions[0].Hash);
        Assert.Equal((TrialState.Reverted, "Its time was over and nobody had confirmed it. Revision 3 has the policy before it."), (revisions[1].Trial!.State, revisions[1].Trial!.Ended));
        Assert.Equal(["ruleset"], (await world.Admin.GetAsync<DraftStatus>("policy/draft/changes")).Changes.Select(change => change.Kind));
        Assert.Single(await world.AuditAsync("policy.trial-reverted"));
    }

    [Fact]
    public async Task Confirmed_it_stays_whatever_the_time()
    {
        var clock = new FakeClock();
        await using var world = await World.StartAsync(clock);
        await world.TryAsync(s_shut);
        using var elsewhere = await world.Controller.ClientAsync(AccessRole.Provisioner, "app=pay");
        await elsewhere.RefusedAsync(HttpMethod.Post, "policy/revisions/2/confirm", null, 403, "outside-scope");
        await world.Admin.RefusedAsync(HttpMethod.Post, "policy/revisions/1/confirm", null, 409, "no-trial");
        await world.Admin.RefusedAsync(HttpMethod.Post, "policy/revisions/9/confirm", null, 404, "not-found");
        Assert.Equal(TrialState.Confirmed, (await world.Admin.PostAsync<RevisionView>("policy/revisions/2/confirm", null)).Trial!.State);
        await world.Admin.RefusedAsync(HttpMethod.Post, "policy/revisions/2/confirm", null, 409, "no-trial");
        Assert.Null(world.Controller.Live.Current.Provisioned.Trial);
        clock.Advance(TimeSpan.FromHours(2));
        await world.SettleAsync();
        Assert.Equal(2, (await world.RevisionsAsync()).Count);
        Assert.Single(await world.AuditAsync("policy.trial-confirmed"));
    }

    [Fact]
    public async Task What_is_provisioned_meanwhile_is_never_undone_and_whoever_does_it_accepts_that()
    {
        var clock = new FakeClock();
        await using var world = await World.StartAsync(clock);
        await world.TryAsync(s_shut);
        var draft = await world.Admin.PutAsync<DraftStatus>("policy/draft", s_shut with { Services = [new() { Name = "more", Ports = ["tcp/9"] }] });
        Assert.Contains((await world.Admin.GetAsync<ProvisionPlan>("policy/draft/plan")).Diagnostics, d => d.Code == "ends-trial");
        var refusal = await world.Admin.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("more", draft.DraftVersion, []), 409, "acknowledge");
        Assert.Equal("ends-trial", Assert.Single(refusal.Diagnostics).Code);
        await world.Admin.PostAsync<RevisionView>("policy/provision", new Provision("more", draft.DraftVersion, ["ends-trial"]));
        clock.Advance(TimeSpan.FromHours(2));
        await world.SettleAsync();
        var revisions = await world.RevisionsAsync();
        Assert.Equal((3, TrialState.Superseded), (revisions.Count, revisions[1].Trial!.State));
        Assert.EndsWith("provisioned revision 3 meanwhile: it does not revert by itself any more, and nothing is undone.", revisions[1].Trial!.Ended, StringComparison.Ordinal);
        Assert.Single(await world.AuditAsync("policy.trial-superseded"));
    }

    [Fact]
    public async Task Going_back_by_hand_takes_no_acknowledgement()
    {
        await using var world = await World.StartAsync(new());
        await world.TryAsync(s_shut);
        await world.Admin.PostAsync<RevisionView>("policy/revisions/1/restore", new RestoreRevision("enough"));
        Assert.Equal(TrialState.Reverted, (await world.RevisionsAsync())[1].Trial!.State);
    }

    [Fact]
    public async Task It_reverts_after_a_restart_too_and_to_nothing_if_it_was_the_first()
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var admin = await controller.ClientAsync();
        var draft = await admin.PutAsync<DraftStatus>("policy/draft", PolicyStreamTests.Fence);
        await admin.PostAsync<RevisionView>("policy/provision", new Provision("try", draft.DraftVersion, [], null, Hour));
        await controller.RestartAsync();
        Assert.NotNull(controller.Live.Current.Provisioned.Trial);
        clock.Advance(TimeSpan.FromHours(1));
        await Eventually.IsAsync(() => controller.Live.Current.Provisioned.Number == 2, "it is reverted");
        Assert.Empty(controller.Live.Current.Provisioned.Document.Rulesets);
        Assert.Null(controller.Live.Current.Provisioned.Trial);
    }

    [Fact]
    public async Task A_block_that_the_policy_before_would_have_let_pass_reverts_it_at_once_if_that_was_asked_for()
    {
        var clock = new FakeClock();
        await using var world = await World.StartAsync(clock);
        foreach (var asked in (bool[])[false, true])
        {
            await world.TryAsync(s_shut, asked);
            clock.Advance(TimeSpan.FromMinutes(5));
            await world.BlockedAsync("10.0.0.1", 3306);
            Assert.Equal(asked, world.Controller.Live.Current.Provisioned.Trial is null);
            if (!asked)
            {
                await world.Admin.PostAsync<RevisionView>("policy/revisions/1/restore", new RestoreRevision("again"));
            }
        }

        var tried = (await world.RevisionsAsync())[1].Trial!;
        Assert.Equal(TrialState.Reverted, tried.State);
        Assert.StartsWith("db blocked web to db on tcp/3306, which the policy before it would have let pass.", tried.Ended, StringComparison.Ordinal);

        // Once more: nothing is left to revert.
        await world.BlockedAsync("10.0.0.1", 3306);
        Assert.Equal(5, (await world.RevisionsAsync()).Count);
    }

    [Fact]
    public async Task A_block_at_the_consumer_counts_too()
    {
        var clock = new FakeClock();
        await using var world = await World.StartAsync(clock);
        var both = new[] { new ModeDocument { Selector = "app=shop", Inbound = "full", Outbound = "full" } };
        await PolicyStreamTests.ProvisionAsync(world.Admin, PolicyStreamTests.Fence with { Modes = both });
        await world.TryAsync(s_shut with { Modes = both }, onBlock: true);
        clock.Advance(TimeSpan.FromMinutes(5));
        await world.Web.SendAsync(Blocked("10.0.0.1", "10.0.0.2", 3306, Direction.Outbound, new() { Path = "/usr/bin/curl", Name = "curl", User = "root" }));
        Assert.StartsWith("web blocked web to db on tcp/3306", (await world.RevisionsAsync())[1].Trial!.Ended, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Blocks_that_were_to_be_expected_revert_nothing()
    {
        var clock = new FakeClock();
        await using var world = await World.StartAsync(clock);
        await world.TryAsync(s_shut, onBlock: true);
        clock.Advance(TimeSpan.FromMinutes(5));
        await world.BlockedAsync("10.9.9.9", 3306);
        await world.BlockedAsync("10.0.0.1", 22);
        await world.BlockedAsync("10.0.0.1", 3306, decidedBy: Bulkhead.Controller.Storage.Flows.BlockedBy.Quarantine);
        await world.BlockedAsync("10.0.0.1", 3306, decidedBy: Bulkhead.Controller.Storage.Flows.BlockedBy.Invalid);
        await world.BlockedAsync("10.0.0.1", 3306, age: TimeSpan.FromMinutes(6));
        // Somebody tries ports of the database.
        var scanned = Blocked("10.0.0.2", "10.0.0.1", 3306);
        scanned.Scans.Add(new ScanSummary { Direction = Direction.Inbound, Source = Address("10.0.0.1"), Targets = 100, Addresses = 1, Connections = 100, Blocked = 100, FirstPort = 3300, LastPort = 3399, FirstMs = 1, LastMs = 1000, Samples = { scanned.Flows[0] } });
        scanned.Flows.Clear();
        await world.SendAsync(scanned);
        Assert.NotNull(world.Controller.Live.Current.Provisioned.Trial);
        await world.BlockedAsync("10.0.0.1", 3306);
        Assert.Null(world.Controller.Live.Current.Provisioned.Trial);
    }

    [Theory]
    [InlineData(false, "Its time was over and nobody had confirmed it.")]
    [InlineData(true, "db blocked web to db on tcp/3307, which the policy before it would have let pass.")]
    public async Task What_cannot_be_reverted_stays_says_why_and_is_tried_until_it_can(bool block, string why)
    {
        var clock = new FakeClock();
        await using var world = await World.StartAsync(clock);
        var open = new RulesetDocument { Name = "open", Scopes = [new() { Selector = "all" }], Rules = [new() { From = "role=web", To = "role=db", Services = ["tcp/3307"] }] };
        var modes = new[] { new ModeDocument { Selector = "role=db", Inbound = "full" } };
        var deny = new RuleDocument { From = "all", To = "role=db", Within = "to", Services = ["mariadb"], Action = "deny" };
        var before = new PolicyDocument
        {
            Services = [new() { Name = "mariadb", Ports = ["tcp/3306"], Process = new() { Unit = "mariadb.service" } }],
            Rulesets = [open, new() { Name = "other", Scopes = [new() { Selector = "app=other" }], Rules = [deny] }],
            Modes = modes,
        };
        await PolicyStreamTests.ProvisionAsync(world.Admin, before);
        await world.TryAsync(new() { Rulesets = [open with { Rules = [] }], Modes = modes }, block);
        // Meanwhile a host comes under that deny which cannot decide it.
        await LabelAsync("other");
        clock.Advance(block ? TimeSpan.FromMinutes(5) : TimeSpan.FromHours(1));
        if (block)
        {
            await world.BlockedAsync("10.0.0.1", 3307);
        }

        var trial = await Eventually.HasAsync(async () => (await world.RevisionsAsync())[0].Trial is { Problem: not null } stuck ? stuck : null, "it says that it is stuck");
        Assert.StartsWith("rulesets[other].rules", trial.Problem, StringComparison.Ordinal);
        await LabelAsync("shop");
        clock.Advance(TimeSpan.FromMinutes(2));
        await Eventually.IsAsync(() => world.Controller.Live.Current.Provisioned.Number == 4, "it is reverted");
        Assert.Single(await world.AuditAsync("policy.trial-stuck"));
        Assert.Equal($"{why} Revision 4 has the policy before it.", (await world.RevisionsAsync())[1].Trial!.Ended);

        Task LabelAsync(string app) => world.Admin.PostAsync<LabelEditResult>("workloads/labels", new EditLabels([new("db", new Dictionary<string, string> { ["app"] = app }, [], null)], false));
    }

    /// <summary>What is wrong whether or not it reverts is no reason to stay: a deny that a host lost the means to decide, and an assertion that fails in both.</summary>
    [Fact]
    public async Task What_is_wrong_before_and_after_does_not_stop_it()
    {
        var clock = new FakeClock();
        await using var world = await World.StartAsync(clock);
        await world.ReportAsync(Bulkhead.Policy.Compile.Features.UnitInbound);
        var before = PolicyStreamTests.Fence with
        {
            Services = [new() { Name = "mariadb", Ports = ["tcp/3306"], Process = new() { Unit = "mariadb.service" } }],
            Rulesets =
            [
                .. PolicyStreamTests.Fence.Rulesets,
                new() { Name = "other", Scopes = [new() { Selector = "app=shop" }], Rules = [new() { From = "all", To = "role=db", Within = "to", Services = ["mariadb"], Action = "deny" }] },
            ],
            Assertions = [new() { Name = "open for ever", Must = new() { From = "app=shop,role=web", To = "app=shop,role=db", Services = ["tcp/3307"] } }],
        };
        before = before with { Rulesets = [before.Rulesets[0] with { Rules = [before.Rulesets[0].Rules[0], new() { From = "role=web", To = "role=db", Services = ["tcp/3307"], Expires = clock.GetUtcNow().AddMinutes(30) }] }, before.Rulesets[1]] };
        await PolicyStreamTests.ProvisionAsync(world.Admin, before);
        var numbered = await world.Admin.GetAsync<PolicyDocument>("policy/draft");
        await world.TryAsync(numbered with { Services = [.. numbered.Services, new() { Name = "more", Ports = ["tcp/9"] }] });
        await world.ReportAsync();
        await world.ReportAsync();
        clock.Advance(TimeSpan.FromHours(1));
        await Eventually.IsAsync(() => world.Controller.Live.Current.Provisioned.Number == 4, "it is reverted");
        var enforced = world.Controller.Live.Current.Enforced;
        Assert.Contains(enforced.Diagnostics, d => d.Code == "unenforceable-deny");
        Assert.True(Assert.Single(Bulkhead.Policy.Assertions.AssertionChecker.Check(enforced.Policy, clock.GetUtcNow(), enforced.Workloads)).StopsProvisioning);
        Assert.Equal(TrialState.Reverted, (await world.RevisionsAsync())[1].Trial!.State);
    }

    [Theory]
    [InlineData(59, false, "forSeconds")]
    [InlineData(30 * 86_400 + 1, false, "forSeconds")]
    [InlineData(null, true, "revertOnBlock")]
    public async Task Times_that_make_no_sense_are_refused(int? seconds, bool onBlock, string path)
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        var draft = await admin.PutAsync<DraftStatus>("policy/draft", PolicyStreamTests.Fence);
        var problem = await admin.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("why", draft.DraftVersion, [], null, seconds, onBlock), 422, "invalid");
        Assert.Equal(path, Assert.Single(problem.Diagnostics).Path);
    }

    /// <summary>What a host tells that blocked somebody just now.</summary>
    private static FlowBatch Blocked(string local, string remote, uint port, Direction direction = Direction.Inbound, ProcessInfo? process = null)
    {
        var batch = new FlowBatch
        {
            SpoolEpoch = 1,
            Sequence = 1,
            SentUnixMs = 1_000_000,
            WindowUnixMs = 990_000,
            WindowMs = 10_000,
            Flows =
            {
                new FlowSummary
                {
                    Direction = direction,
                    LocalAddress = Address(local),
                    RemoteAddress = Address(remote),
                    Protocol = 6,
                    Port = port,
                    Outcome = Outcome.Blocked,
                    Connections = 1,
                    FirstMs = 1,
                    LastMs = 1000,
                },
            },
        };
        if (process is not null)
        {
            batch.Processes.Add(process);
            batch.Flows[0].Process = 1;
        }

        return batch;
    }

    private static Google.Protobuf.ByteString Address(string text) => Google.Protobuf.ByteString.CopyFrom(Bulkhead.Policy.Addresses.IpAddress.Parse(text).ToBytes());

    /// <summary>A fenced database, and a web server that reaches it: revision 1.</summary>
    private sealed record World(TestController Controller, ApiClient Admin, TestAgent Web, TestAgent Db) : IAsyncDisposable
    {
        private ulong _sequence;

        public static async Task<World> StartAsync(FakeClock clock)
        {
            var controller = await TestController.StartAsync(clock);
            var admin = await controller.ClientAsync();
            var web = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1", ("app", "shop"), ("role", "web"));
            var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
            await PolicyStreamTests.ProvisionAsync(admin, PolicyStreamTests.Fence);
            return new(controller, admin, web, db);
        }

        public async Task<RevisionView> TryAsync(PolicyDocument document, bool onBlock = false)
        {
            var draft = await Admin.PutAsync<DraftStatus>("policy/draft", document);
            return await Admin.PostAsync<RevisionView>("policy/provision", new Provision("try", draft.DraftVersion, [], null, Hour, onBlock));
        }

        public Task<List<RevisionView>> RevisionsAsync() => Admin.GetAsync<List<RevisionView>>("policy/revisions");

        public async Task<IEnumerable<AuditEntryView>> AuditAsync(string action) => (await Admin.GetAsync<Page<AuditEntryView>>("audit?limit=200")).Items.Where(entry => entry.Action == action);

        /// <summary>Once an edit is through, so is all that was begun before it.</summary>
        public Task SettleAsync() => Admin.PostAsync<WorkloadView>("workloads", new CreateWorkload("late", new Dictionary<string, string>(), ["10.0.0.99"]));

        /// <summary>The database's host tells that it blocked somebody.</summary>
        public Task BlockedAsync(string from, uint port, long decidedBy = 0, TimeSpan age = default)
        {
            var batch = Blocked("10.0.0.2", from, port);
            (batch.AgeMs, batch.Flows[0].DecidedBy) = ((ulong)age.TotalMilliseconds, decidedBy);
            return SendAsync(batch);
        }

        /// <summary>The database's host tells something.</summary>
        public Task SendAsync(FlowBatch batch)
        {
            batch.Sequence = ++_sequence;
            return Db.SendAsync(batch);
        }

        /// <summary>The database's agent tells what it can.</summary>
        public Task ReportAsync(params string[] features)
        {
            var report = Db.Report("10.0.0.2");
            report.Agent.Features.AddRange(features);
            return Db.SendAsync(report);
        }

        public async ValueTask DisposeAsync()
        {
            Web.Dispose();
            Db.Dispose();
            Admin.Dispose();
            await Controller.DisposeAsync();
        }
    }
}
