using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Tests.Agents;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Tests.Policies;

public sealed class ProvisionTests
{
    [Fact]
    public async Task Provisioning_needs_a_note_the_draft_that_was_seen_and_something_to_provision()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        await editor.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("why", 0, []), 409, "nothing-to-provision");
        var draft = await editor.PutAsync<DraftStatus>("policy/draft", PolicyStreamTests.Fence);
        await editor.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision(" ", draft.DraftVersion, []), 422, "invalid");
        await editor.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("why", draft.DraftVersion - 1, []), 409, "draft-changed");
        Assert.Empty(await editor.GetAsync<List<RevisionView>>("policy/revisions"));

        var revision = await editor.PostAsync<RevisionView>("policy/provision", new Provision("why", draft.DraftVersion, []));
        Assert.Equal((1, 0, "why", "key:test-PolicyEditor"), (revision.Number, revision.Parent, revision.Note, revision.Author));
        Assert.Equal(["ruleset", "modes"], revision.Changes.Select(c => c.Kind));
        Assert.Empty((await editor.GetAsync<DraftStatus>("policy/draft/changes")).Changes);
    }

    [Fact]
    public async Task Restoring_makes_a_new_revision_with_the_old_content_and_the_draft_follows()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        var first = await PolicyStreamTests.ProvisionAsync(editor, PolicyStreamTests.Fence);
        var second = await PolicyStreamTests.ProvisionAsync(editor, new PolicyDocument());
        Assert.NotEqual(first.Hash, second.Hash);
        await editor.PutAsync<ServiceDocument>("policy/draft/services/stray", new ServiceDocument { Ports = ["tcp/9"] });

        var third = await editor.PostAsync<RevisionView>("policy/revisions/1/restore", new RestoreRevision("back"));
        Assert.Equal((3, 2, 1, first.Hash), (third.Number, third.Parent, third.RestoredFrom, third.Hash));
        Assert.Empty((await editor.GetAsync<DraftStatus>("policy/draft/changes")).Changes);
        Assert.Empty((await editor.GetAsync<PolicyDocument>("policy/draft")).Services);
        Assert.Equal([3, 2, 1], (await editor.GetAsync<List<RevisionView>>("policy/revisions")).Select(r => r.Number));
        Assert.Empty((await editor.GetAsync<PolicyDocument>("policy/revisions/2/policy")).Rulesets);
        Assert.Equal(1, Assert.Single((await editor.GetAsync<PolicyDocument>("policy/revisions/3/policy")).Rulesets).Rules[0].Id);
        await editor.RefusedAsync(HttpMethod.Post, "policy/revisions/9/restore", new RestoreRevision("back"), 404, "not-found");
        await editor.RefusedAsync(HttpMethod.Post, "policy/revisions/3/restore", new RestoreRevision("again"), 409, "nothing-to-provision");
    }

    [Fact]
    public async Task Discarding_makes_the_draft_the_newest_revision_again()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        await PolicyStreamTests.ProvisionAsync(editor, PolicyStreamTests.Fence);
        await editor.PutAsync<DraftStatus>("policy/draft", new PolicyDocument());
        Assert.Empty((await editor.PostAsync<DraftStatus>("policy/draft/discard", null)).Changes);
        Assert.Single((await editor.GetAsync<PolicyDocument>("policy/draft")).Rulesets);
    }

    [Fact]
    public async Task A_rule_that_some_host_would_go_without_must_be_acknowledged()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1", ("app", "shop"), ("role", "web"));
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        var draft = await admin.PutAsync<DraftStatus>("policy/draft", With(new RuleDocument { From = "role=web", To = "role=db", Services = ["tcp/3306"], FromProcess = new() { Path = "/usr/bin/app" } }));
        Assert.Contains(draft.Diagnostics, d => d.Code == "left-out");
        var problem = await admin.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("why", draft.DraftVersion, []), 409, "acknowledge");
        Assert.Contains(problem.Diagnostics, d => d.Message.Contains("web", StringComparison.Ordinal));
        await admin.PostAsync<RevisionView>("policy/provision", new Provision("why", draft.DraftVersion, ["left-out"]));
    }

    [Fact]
    public async Task A_deny_that_some_host_cannot_decide_stops_provisioning_and_labelling_into_it()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        var deny = With(new RuleDocument { From = "all", To = "role=db", Within = "to", Services = ["mariadb"], Action = "deny" }) with
        {
            Services = [new() { Name = "mariadb", Ports = ["tcp/3306"], Process = new() { Unit = "mariadb.service" } }],
        };
        var draft = await admin.PutAsync<DraftStatus>("policy/draft", deny);
        var problem = await admin.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("why", draft.DraftVersion, []), 422, "invalid");
        Assert.Contains(problem.Diagnostics, d => d.Code == "unenforceable-deny");
        Assert.Empty(await admin.GetAsync<List<RevisionView>>("policy/revisions"));

        await LabelAsync("other");
        await admin.PostAsync<RevisionView>("policy/provision", new Provision("why", draft.DraftVersion, []));
        problem = await admin.RefusedAsync(HttpMethod.Post, "workloads/labels", Edit("db"), 422, "invalid");
        Assert.Contains(problem.Diagnostics, d => d.Code == "unenforceable-deny");
        Assert.Equal("other", (await admin.GetAsync<WorkloadDetail>("workloads/db")).Workload.Labels["role"]);

        Task LabelAsync(string role) => admin.PostAsync<LabelEditResult>("workloads/labels", Edit(role));
        static EditLabels Edit(string role) => new([new("db", new Dictionary<string, string> { ["role"] = role }, [], null)], false);
    }

    [Fact]
    public async Task An_assertion_that_fails_stops_provisioning()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        var policy = PolicyStreamTests.Fence with { Assertions = [new() { Name = "nothing", Never = new() { From = "all", To = "all" } }] };
        var draft = await editor.PutAsync<DraftStatus>("policy/draft", policy);
        var refusal = await editor.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("why", draft.DraftVersion, []), 422, "invalid");
        Assert.Contains(refusal.Diagnostics, d => d is { Code: "assertion-violated", Path: "assertions[nothing]" });
        Assert.Empty(await editor.GetAsync<List<RevisionView>>("policy/revisions"));

        await PolicyStreamTests.ProvisionAsync(editor, policy with { Assertions = [new() { Name = "nothing", Never = new() { From = "role=nobody", To = "role=nothing" } }] });
    }

    [Fact]
    public async Task A_rule_that_expires_is_taken_from_the_hosts_and_audited()
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var admin = await controller.ClientAsync();
        using var web = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1", ("app", "shop"), ("role", "web"));
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        await PolicyStreamTests.ProvisionAsync(admin, With(new RuleDocument { From = "role=web", To = "role=db", Services = ["tcp/22"], Expires = clock.GetUtcNow().AddHours(1) }));
        using var stream = await db.OpenAsync();
        Assert.Single((await stream.NextAsync())!.Entries);
        clock.Advance(TimeSpan.FromMinutes(59));
        Assert.True(stream.IsQuiet);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty((await stream.NextAsync())!.Entries);
        Assert.Contains((await admin.GetAsync<Page<AuditEntryView>>("audit")).Items, e => e.Action == "policy.expire" && e.Subject == "rule 1");
    }

    [Fact]
    public async Task A_move_to_full_that_cuts_a_seen_administrator_is_held_up_until_allowed_or_accepted()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        await db.SendAsync(Inbound("10.0.0.2", "10.9.0.1", 22));
        var fence = PolicyStreamTests.Fence;
        var draft = await admin.PutAsync<DraftStatus>("policy/draft", fence);
        var problem = await admin.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("why", draft.DraftVersion, []), 409, "acknowledge");
        Assert.Equal("would-lock-out", Assert.Single(problem.Diagnostics).Code);
        Assert.Contains("10.9.0.1 administered db on tcp/22", problem.Diagnostics[0].Message, StringComparison.Ordinal);

        var safe = fence with { Networks = [new() { Name = "admins", Addresses = ["10.9.0.0/24"] }], FailSafe = [new() { Network = "admins", Ports = ["tcp/22"] }] };
        await PolicyStreamTests.ProvisionAsync(admin, safe);
        await PolicyStreamTests.ProvisionAsync(admin, new PolicyDocument());
        draft = await admin.PutAsync<DraftStatus>("policy/draft", fence);
        await admin.PostAsync<RevisionView>("policy/provision", new Provision("why", draft.DraftVersion, ["would-lock-out"]));
        Assert.Contains((await admin.GetAsync<Page<AuditEntryView>>("audit")).Items, e => e.Action == "policy.acknowledge" && e.Detail.StartsWith("would-lock-out", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_listens_tells_administration_at_another_port_from_other_traffic()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        var seen = Inbound("10.0.0.2", "10.9.0.1", 2222);
        seen.Flows.Add(new Contracts.Agent.FlowSummary(seen.Flows[0]) { Port = 8080, Process = 0 });
        seen.Processes.Add(new Contracts.Agent.ProcessInfo { Path = "/usr/sbin/sshd", Name = "sshd", User = "root" });
        seen.Flows[0].Process = (uint)seen.Processes.Count;
        await db.SendAsync(seen);

        var draft = await admin.PutAsync<DraftStatus>("policy/draft", PolicyStreamTests.Fence);
        var problem = await admin.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("why", draft.DraftVersion, []), 409, "acknowledge");
        Assert.Contains("10.9.0.1 administered db on tcp/2222", Assert.Single(problem.Diagnostics).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Somebody_who_is_signed_in_at_another_port_is_not_cut_either()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        var report = db.Report("10.0.0.2");
        report.Sessions.Add(new Contracts.Agent.UserSession
        {
            User = "alice", Kind = "ssh", Port = 2222, Remote = Google.Protobuf.ByteString.CopyFrom(10, 9, 0, 1),
        });
        report.Sessions.Add(new Contracts.Agent.UserSession { User = "root", Kind = "console", Line = "tty1" });
        await db.SendAsync(report);

        var draft = await admin.PutAsync<DraftStatus>("policy/draft", PolicyStreamTests.Fence);
        var problem = await admin.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("why", draft.DraftVersion, []), 409, "acknowledge");
        Assert.Contains("10.9.0.1 administered db on tcp/2222", Assert.Single(problem.Diagnostics).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restoring_a_revision_that_would_cut_an_administrator_today_is_held_up_like_provisioning_it()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        await PolicyStreamTests.ProvisionAsync(admin, PolicyStreamTests.Fence);
        await PolicyStreamTests.ProvisionAsync(admin, new PolicyDocument());
        await db.SendAsync(Inbound("10.0.0.2", "10.9.0.1", 22));

        var problem = await admin.RefusedAsync(HttpMethod.Post, "policy/revisions/1/restore", new RestoreRevision("back"), 409, "acknowledge");
        Assert.Equal("would-lock-out", Assert.Single(problem.Diagnostics).Code);
        Assert.Equal(2, (await admin.GetAsync<List<RevisionView>>("policy/revisions")).Count);
        Assert.Empty((await admin.GetAsync<PolicyDocument>("policy/draft")).Rulesets);

        var restored = await admin.PostAsync<RevisionView>("policy/revisions/1/restore", new RestoreRevision("back", ["would-lock-out"]));
        Assert.Equal(1, restored.RestoredFrom);
        Assert.Contains((await admin.GetAsync<Page<AuditEntryView>>("audit")).Items, e => e.Action == "policy.acknowledge" && e.Subject == "revision 3");
    }

    [Fact]
    public async Task A_label_that_moves_a_host_to_full_and_cuts_a_seen_administrator_is_held_up_until_accepted()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("role", "db"));
        await PolicyStreamTests.ProvisionAsync(admin, PolicyStreamTests.Fence);
        await db.SendAsync(Inbound("10.0.0.2", "10.9.0.1", 22));

        foreach (var dryRun in new[] { true, false })
        {
            var problem = await admin.RefusedAsync(HttpMethod.Post, "workloads/labels", Fencing(dryRun), 409, "acknowledge");
            Assert.Equal("would-lock-out", Assert.Single(problem.Diagnostics).Code);
        }

        var edited = await admin.PostAsync<LabelEditResult>("workloads/labels", Fencing(false) with { Acknowledge = ["would-lock-out"] });
        Assert.Equal(["db"], edited.EnforcingHostsAffected);
        Assert.Contains((await admin.GetAsync<Page<AuditEntryView>>("audit")).Items, e => e.Action == "workload.labels-acknowledge" && e.Detail.StartsWith("would-lock-out", StringComparison.Ordinal));

        static EditLabels Fencing(bool dryRun) => new([new("db", new Dictionary<string, string> { ["app"] = "shop" }, [], null)], dryRun);
    }

    [Fact]
    public async Task A_label_that_leaves_a_host_without_a_rule_is_held_up_until_accepted()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("role", "db"));
        await PolicyStreamTests.ProvisionAsync(admin, With(new RuleDocument { From = "role=web", To = "role=db", Services = ["mariadb"] }) with
        {
            Services = [new() { Name = "mariadb", Ports = ["tcp/3306"], Process = new() { Unit = "mariadb.service" } }],
        });
        var edit = new EditLabels([new("db", new Dictionary<string, string> { ["app"] = "shop" }, [], null)], false);
        var problem = await admin.RefusedAsync(HttpMethod.Post, "workloads/labels", edit, 409, "acknowledge");
        Assert.Equal("left-out", Assert.Single(problem.Diagnostics).Code);
        Assert.True((await admin.PostAsync<LabelEditResult>("workloads/labels", edit with { Acknowledge = ["left-out"] })).Applied);
    }

    [Fact]
    public async Task Restoring_a_revision_keeps_the_draft_that_it_replaces_in_the_audit_log()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        await PolicyStreamTests.ProvisionAsync(admin, PolicyStreamTests.Fence);
        await PolicyStreamTests.ProvisionAsync(admin, new PolicyDocument());
        await admin.PutAsync<DraftStatus>("policy/draft", new PolicyDocument { Networks = [new() { Name = "unsaved-work", Addresses = ["10.9.0.0/24"] }] });
        await admin.PostAsync<RevisionView>("policy/revisions/1/restore", new RestoreRevision("back"));
        await using var database = await controller.Ledger.ReadAsync(CancellationToken.None);
        Assert.Contains(database.Audit, row => row.Action == "policy.draft" && row.Before != null && row.Before.Contains("unsaved-work"));
    }

    private static Contracts.Agent.FlowBatch Inbound(string host, string from, uint port)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        return new()
        {
            SpoolEpoch = 1,
            Sequence = 1,
            SentUnixMs = now,
            WindowUnixMs = now - 10_000,
            WindowMs = 10_000,
            Flows =
            {
                new Contracts.Agent.FlowSummary
                {
                    Direction = Contracts.Agent.Direction.Inbound,
                    LocalAddress = Address(host),
                    RemoteAddress = Address(from),
                    Protocol = 6,
                    Port = port,
                    Outcome = Contracts.Agent.Outcome.Passed,
                    Connections = 1,
                    LastMs = 1000,
                },
            },
        };
    }

    private static Google.Protobuf.ByteString Address(string text) =>
        Google.Protobuf.ByteString.CopyFrom(Bulkhead.Policy.Addresses.IpAddress.Parse(text).ToBytes());

    private static PolicyDocument With(RuleDocument rule) => new() { Rulesets = [new() { Name = "shop", Scopes = [new() { Selector = "app=shop" }], Rules = [rule] }] };
}
