using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Tests.Agents;

namespace Bulkhead.Controller.Tests.Workloads;

public sealed class WorkloadTests
{
    private static readonly Dictionary<string, string> s_none = [];

    [Fact]
    public async Task Lists_are_paged_filtered_and_searched()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        for (var i = 0; i < 5; i++)
        {
            await editor.PostAsync<WorkloadView>("workloads", new CreateWorkload($"w{i}", new Dictionary<string, string> { ["role"] = i % 2 == 0 ? "web" : "db" }, [$"10.0.0.{i}"]));
        }

        var names = new List<string>();
        for (string? after = ""; after is not null;)
        {
            var page = await editor.GetAsync<Page<WorkloadView>>($"workloads?limit=2{(after.Length == 0 ? "" : $"&after={after}")}");
            Assert.Equal(5, page.Total);
            names.AddRange(page.Items.Select(w => w.Name));
            after = page.Next;
        }

        Assert.Equal(["w0", "w1", "w2", "w3", "w4"], names);
        Assert.Equal(["w0", "w2", "w4"], (await editor.GetAsync<Page<WorkloadView>>("workloads?select=role%3Dweb")).Items.Select(w => w.Name));
        Assert.Equal(["w3"], (await editor.GetAsync<Page<WorkloadView>>("workloads?q=10.0.0.3")).Items.Select(w => w.Name));
        var problem = await editor.RefusedAsync(HttpMethod.Get, "workloads?select=colour%3Dred&limit=0&after=*", null, 422, "invalid");
        Assert.Equal(["unknown-label-key", "bad-limit", "bad-cursor"], problem.Diagnostics.Select(d => d.Code));
    }

    [Fact]
    public async Task An_address_has_one_holder()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        await editor.PostAsync<WorkloadView>("workloads", new CreateWorkload("a", s_none, ["10.0.0.1"]));
        var problem = await editor.RefusedAsync(HttpMethod.Post, "workloads", new CreateWorkload("b", s_none, ["10.0.0.1", "10.0.0.0/24", "::ffff:10.0.0.1"]), 422, "invalid");
        Assert.Equal(["address-held", "bad-address", "address-held"], problem.Diagnostics.Select(d => d.Code));
        Assert.Single((await editor.GetAsync<Page<WorkloadView>>("workloads")).Items);
    }

    [Fact]
    public async Task A_name_that_two_workloads_have_must_be_told_apart_by_id()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        var first = await editor.PostAsync<WorkloadView>("workloads", new CreateWorkload("a", s_none, ["10.0.0.1"]));
        await editor.PostAsync<WorkloadView>("workloads", new CreateWorkload("a", s_none, ["10.0.0.2"]));
        await editor.RefusedAsync(HttpMethod.Get, "workloads/a", null, 409, "ambiguous-name");
        Assert.Equal(["10.0.0.1"], (await editor.GetAsync<WorkloadDetail>($"workloads/{first.Id}")).Workload.Addresses);
        await editor.RefusedAsync(HttpMethod.Get, "workloads/zzz", null, 404, "not-found");
    }

    [Fact]
    public async Task A_label_edit_can_be_tried_then_acts_at_once_and_can_be_undone_from_the_audit_log()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1", ("app", "shop"));
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        await PolicyStreamTests.ProvisionAsync(admin, PolicyStreamTests.Fence);
        using var stream = await db.OpenAsync();
        await stream.NextAsync();

        var edit = new LabelEdit("web", new Dictionary<string, string> { ["role"] = "web" }, [], 1);
        var tried = await admin.PostAsync<LabelEditResult>("workloads/labels", new EditLabels([edit], true));
        Assert.Equal((false, "web"), (tried.Applied, tried.Changed[0].Labels["role"]));
        Assert.Equal(["db", "web"], tried.EnforcingHostsAffected);
        Assert.True(stream.IsQuiet);
        Assert.False((await admin.GetAsync<WorkloadDetail>("workloads/web")).Workload.Labels.ContainsKey("role"));

        Assert.True((await admin.PostAsync<LabelEditResult>("workloads/labels", new EditLabels([edit], false))).Applied);
        Assert.Single(Assert.Single((await stream.NextAsync())!.PeerSets).Members);
        await admin.RefusedAsync(HttpMethod.Post, "workloads/labels", new EditLabels([edit], false), 409, "changed-meanwhile");
        var audit = (await admin.GetAsync<Page<AuditEntryView>>("audit")).Items.First(e => e.Action == "workload.labels");
        Assert.Equal("Labels changed from app=shop to app=shop,role=web.", audit.Detail);
    }

    [Fact]
    public async Task A_bad_label_edit_edits_nothing()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        await editor.PostAsync<WorkloadView>("workloads", new CreateWorkload("a", s_none, ["10.0.0.1"]));
        var problem = await editor.RefusedAsync(HttpMethod.Post, "workloads/labels", new EditLabels(
        [
            new("a", new Dictionary<string, string> { ["role"] = "web" }, [], null),
            new("zzz", new Dictionary<string, string> { ["colour"] = "red" }, [], null),
            new("a", s_none, [], null),
        ], false), 422, "invalid");
        Assert.Equal(["unknown-label-key", "not-found", "repeated-workload"], problem.Diagnostics.Select(d => d.Code));
        Assert.Empty((await editor.GetAsync<WorkloadDetail>("workloads/a")).Workload.Labels);
    }

    [Fact]
    public async Task Quarantine_is_told_to_the_host_and_to_its_peers_and_needs_a_reason()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1");
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2");
        using var webStream = await web.OpenAsync();
        using var dbStream = await db.OpenAsync();
        await webStream.NextAsync();
        await dbStream.NextAsync();
        await admin.RefusedAsync(HttpMethod.Post, "workloads/web/quarantine", new SetQuarantine(true, ""), 422, "invalid");
        Assert.True((await admin.PostAsync<WorkloadView>("workloads/web/quarantine", new SetQuarantine(true, "breach"))).Quarantined);
        Assert.True((await webStream.NextAsync())!.Quarantined);
        Assert.Equal([10, 0, 0, 1], Assert.Single((await dbStream.NextAsync())!.QuarantinedPeers).Address.ToByteArray());
        Assert.All((await admin.GetAsync<WorkloadDetail>("workloads/web")).Policy, s => Assert.StartsWith("In quarantine", s.Sentence, StringComparison.Ordinal));
        await admin.PostAsync<WorkloadView>("workloads/web/quarantine", new SetQuarantine(false, "over"));
        Assert.False((await webStream.NextAsync())!.Quarantined);
    }

    [Fact]
    public async Task A_hosts_policy_reads_as_sentences_in_the_order_in_which_it_decides()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        await PolicyStreamTests.ProvisionAsync(admin, PolicyStreamTests.Fence);
        var policy = (await admin.GetAsync<WorkloadDetail>("workloads/db")).Policy;
        Assert.Equal(
            [
                "inbound: Established connections, loopback, neighbour discovery, DHCP and the controller always pass.",
                "inbound: role=web of app=shop may reach this host on tcp/3306.",
                "inbound: Everything else is blocked (full).",
                "outbound: Established connections, loopback, neighbour discovery, DHCP and the controller always pass.",
                "outbound: Everything passes, and is reported (visibility).",
            ],
            policy.Select(s => $"{s.Direction}: {s.Sentence}"));
        Assert.Equal((1, "shop"), (policy[1].RuleId, policy[1].Ruleset));
    }
}
