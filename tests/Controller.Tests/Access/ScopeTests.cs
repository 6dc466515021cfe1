using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Tests.Access;

/// <summary>What grants with a scope reach, at every kind of thing that can be changed.</summary>
public sealed class ScopeTests
{
    private static readonly Dictionary<string, string> s_shop = new() { ["app"] = "shop", ["role"] = "web" };
    private static readonly Dictionary<string, string> s_pay = new() { ["app"] = "pay" };

    [Fact]
    public async Task Workloads_outside_the_scope_cannot_be_made_labelled_admitted_quarantined_or_removed_nor_moved_across_its_edge()
    {
        await using var controller = await WithWorkloadsAsync();
        using var editor = await controller.ClientAsync(AccessRole.PolicyEditor, "app=shop");
        using var manager = await controller.ClientAsync(AccessRole.AgentManager, "app=shop");
        using var responder = await controller.ClientAsync(AccessRole.Responder, "app=shop");

        await editor.PostAsync<LabelEditResult>("workloads/labels", Edit("shop", "env", "prod"));
        await editor.RefusedAsync(HttpMethod.Post, "workloads/labels", Edit("pay", "env", "prod"), 403, "outside-scope");
        await editor.RefusedAsync(HttpMethod.Post, "workloads/labels", Edit("shop", "app", "pay"), 403, "outside-scope");
        await editor.RefusedAsync(HttpMethod.Post, "workloads/labels", Edit("pay", "app", "shop"), 403, "outside-scope");
        await editor.RefusedAsync(HttpMethod.Put, "label-keys", new LabelKeys([], ["tier"]), 403, "outside-scope");

        using var owner = await controller.ClientAsync();
        await PairAsync(controller, owner, "till", s_shop, "10.0.0.11");
        await PairAsync(controller, owner, "bank", s_pay, "10.0.0.12");
        await responder.PostAsync<WorkloadView>("workloads/till/quarantine", new SetQuarantine(true, "seen beaconing"));
        await responder.RefusedAsync(HttpMethod.Post, "workloads/bank/quarantine", new SetQuarantine(true, "seen beaconing"), 403, "outside-scope");
        await manager.PostAsync<WorkloadView>("workloads/till/admit", new { });
        await manager.RefusedAsync(HttpMethod.Post, "workloads/bank/admit", new { }, 403, "outside-scope");
        await manager.RefusedAsync(HttpMethod.Delete, "workloads/bank", null, 403, "outside-scope");
        await manager.DeleteAsync("workloads/till");
    }

    [Fact]
    public async Task What_is_known_by_address_only_lies_in_no_scope()
    {
        await using var controller = await WithWorkloadsAsync();
        using var editor = await controller.ClientAsync(new(AccessRole.PolicyEditor, "app=shop"), new Grant(AccessRole.AgentManager, "app=shop"), new Grant(AccessRole.Responder, "app=shop"));
        using var wide = await controller.ClientAsync(AccessRole.PolicyEditor);
        var refusal = await editor.RefusedAsync(HttpMethod.Post, "workloads", new CreateWorkload("victim", s_shop, ["10.0.0.9"]), 403, "outside-scope");
        Assert.StartsWith("victim, known by address only, lies outside", refusal.Title, StringComparison.Ordinal);
        await editor.RefusedAsync(HttpMethod.Post, "workloads/shop/quarantine", new SetQuarantine(true, "seen beaconing"), 403, "outside-scope");
        await editor.RefusedAsync(HttpMethod.Delete, "workloads/shop", null, 403, "outside-scope");
        await wide.PostAsync<WorkloadView>("workloads", new CreateWorkload("printer", s_shop, ["10.0.0.9"]));
    }

    [Fact]
    public async Task A_key_of_a_scope_takes_up_no_workload_outside_it_and_is_for_no_network_wider_than_the_private_ones()
    {
        await using var controller = await WithWorkloadsAsync();
        using var owner = await controller.ClientAsync();
        using var manager = await controller.ClientAsync(AccessRole.AgentManager, "app=shop");
        foreach (var network in (string[])["0.0.0.0/0", "0.0.0.0/7", "::/0", "2000::/3"])
        {
            await manager.RefusedAsync(HttpMethod.Post, "pairing-keys", Key(s_shop) with { Networks = [network] }, 403, "outside-scope");
        }

        await PairAsync(controller, owner, "till", s_shop, "10.0.0.11");
        await PairAsync(controller, owner, "bank", s_pay, "10.0.0.12");
        var key = await manager.PostAsync<CreatedPairingKey>("pairing-keys", Key(s_shop));
        var before = await owner.GetAsync<WorkloadDetail>("workloads/bank");
        await Assert.ThrowsAsync<RefusedByController>(() => TestAgent.PairAsync(controller, key.Secret, "bank", "10.0.0.12"));
        var after = await owner.GetAsync<WorkloadDetail>("workloads/bank");
        Assert.Equal((before.Workload.Version, 0), (after.Workload.Version, after.Workload.Problems.Count));
        Assert.Contains((await owner.GetAsync<Page<AuditEntryView>>("audit")).Items, entry => entry.Action == "pairing.refused");
        using var again = await TestAgent.PairAsync(controller, key.Secret, "till", "10.0.0.11");
    }

    [Fact]
    public async Task Pairing_keys_give_only_labels_within_the_scope()
    {
        await using var controller = await WithWorkloadsAsync();
        using var owner = await controller.ClientAsync();
        using var manager = await controller.ClientAsync(AccessRole.AgentManager, "app=shop");
        var made = await manager.PostAsync<CreatedPairingKey>("pairing-keys", Key(s_shop));
        await manager.RefusedAsync(HttpMethod.Post, "pairing-keys", Key(s_pay), 403, "outside-scope");
        await manager.RefusedAsync(HttpMethod.Post, "pairing-keys", Key([]), 403, "outside-scope");
        var others = await owner.PostAsync<CreatedPairingKey>("pairing-keys", Key(s_pay));
        await manager.RefusedAsync(HttpMethod.Delete, $"pairing-keys/{others.Key.Id}", null, 403, "outside-scope");
        await manager.DeleteAsync($"pairing-keys/{made.Key.Id}");
    }

    [Fact]
    public async Task Rulesets_and_modes_within_the_scope_can_be_drafted_and_nothing_else()
    {
        await using var controller = await WithWorkloadsAsync();
        using var owner = await controller.ClientAsync();
        using var editor = await controller.ClientAsync(AccessRole.PolicyEditor, "app=shop");
        await editor.PutAsync<RulesetDocument>("policy/draft/rulesets/shop", Ruleset("shop", "app=shop,env=prod"));
        await editor.PutAsync<List<ModeDocument>>("policy/draft/modes", new[] { new ModeDocument { Selector = "app=shop", Inbound = "full" } });
        foreach (var scope in (string[])["all", "env=prod", "app=shop|pay", "app!=pay"])
        {
            await editor.RefusedAsync(HttpMethod.Put, "policy/draft/rulesets/wide", Ruleset("wide", scope), 403, "outside-scope");
        }

        await editor.RefusedAsync(HttpMethod.Put, "policy/draft/rulesets/shop", Ruleset("shop", "app=pay"), 403, "outside-scope");
        await editor.RefusedAsync(HttpMethod.Put, "policy/draft/modes", new[] { new ModeDocument { Selector = "app=pay", Inbound = "full" } }, 403, "outside-scope");
        await editor.RefusedAsync(HttpMethod.Put, "policy/draft/services/web", new ServiceDocument { Name = "web", Ports = ["tcp/80"] }, 403, "outside-scope");
        await editor.RefusedAsync(HttpMethod.Put, "policy/draft/fail-safe", new[] { new FailSafeDocument { Network = "admins", Ports = ["tcp/22"] } }, 422, "invalid");

        await owner.PutAsync<RulesetDocument>("policy/draft/rulesets/pay", Ruleset("pay", "app=pay"));
        await editor.RefusedAsync(HttpMethod.Put, "policy/draft/rulesets/pay", Ruleset("pay", "app=shop"), 403, "outside-scope");
        await editor.RefusedAsync(HttpMethod.Delete, "policy/draft/rulesets/pay", null, 403, "outside-scope");
        await editor.RefusedAsync(HttpMethod.Put, "policy/draft", new PolicyDocument(), 403, "outside-scope");
        await editor.RefusedAsync(HttpMethod.Post, "policy/draft/discard", null, 403, "outside-scope");
        await editor.DeleteAsync("policy/draft/rulesets/shop");
    }

    [Fact]
    public async Task Who_provisions_within_a_scope_provisions_and_restores_no_change_outside_it()
    {
        await using var controller = await WithWorkloadsAsync();
        using var owner = await controller.ClientAsync();
        using var provisioner = await controller.ClientAsync(AccessRole.Provisioner, "app=shop");
        await owner.PutAsync<RulesetDocument>("policy/draft/rulesets/pay", Ruleset("pay", "app=pay"));
        var refusal = await provisioner.RefusedAsync(HttpMethod.Post, "policy/provision", await ProvisionAsync(owner), 403, "outside-scope");
        Assert.Contains("ruleset pay", refusal.Title, StringComparison.Ordinal);
        await owner.PostAsync<RevisionView>("policy/provision", await ProvisionAsync(owner));

        await owner.PutAsync<RulesetDocument>("policy/draft/rulesets/shop", Ruleset("shop", "app=shop"));
        await provisioner.PostAsync<RevisionView>("policy/provision", await ProvisionAsync(owner));
        await provisioner.PostAsync<RevisionView>("policy/revisions/1/restore", new RestoreRevision("back", null));
        await owner.PutAsync<RulesetDocument>("policy/draft/rulesets/pay", Ruleset("pay", "app=pay,env=prod"));
        await provisioner.RefusedAsync(HttpMethod.Post, "policy/revisions/2/restore", new RestoreRevision("again", null), 403, "outside-scope");
    }

    [Fact]
    public async Task Labels_that_change_what_hosts_enforce_take_the_permission_to_provision()
    {
        await using var controller = await WithWorkloadsAsync();
        using var owner = await controller.ClientAsync();
        var key = await TestController.PairingKeyAsync(owner, labels: ("app", "shop"));
        using var host = await TestAgent.PairAsync(controller, key.Secret, "host", "10.0.0.20");
        await owner.PutAsync<List<ModeDocument>>("policy/draft/modes", new[] { new ModeDocument { Selector = "env=prod", Inbound = "full" } });
        await owner.PostAsync<RevisionView>("policy/provision", await ProvisionAsync(owner));
        using var editor = await controller.ClientAsync(AccessRole.PolicyEditor);
        using var both = await controller.ClientAsync(new(AccessRole.PolicyEditor, null), new Grant(AccessRole.Provisioner, "app=shop"));

        var dry = await editor.PostAsync<LabelEditResult>("workloads/labels", Edit("host", "env", "prod") with { DryRun = true });
        Assert.Equal(["host"], dry.EnforcingHostsAffected);
        await editor.RefusedAsync(HttpMethod.Post, "workloads/labels", Edit("host", "env", "prod"), 403, "not-permitted");
        await editor.PostAsync<LabelEditResult>("workloads/labels", Edit("host", "env", "dev"));
        await both.PostAsync<LabelEditResult>("workloads/labels", Edit("host", "env", "prod"));
        // It would open what it also moves out of the scope.
        var away = new EditLabels([new("host", new Dictionary<string, string> { ["app"] = "pay", ["env"] = "dev" }, [], null)], false, null);
        await both.RefusedAsync(HttpMethod.Post, "workloads/labels", away, 403, "not-permitted");
    }

    [Fact]
    public async Task A_label_key_that_a_scope_speaks_of_stays()
    {
        await using var controller = await WithWorkloadsAsync();
        using var owner = await controller.ClientAsync();
        await owner.PutAsync<LabelKeys>("label-keys", new LabelKeys([], ["tier", "team"]));
        await owner.PostAsync<AccountPassword>("accounts", new CreateAccount("ann", [new(AccessRole.Responder, "tier=front")]));
        var problem = await owner.RefusedAsync(HttpMethod.Put, "label-keys", new LabelKeys([], ["team"]), 422, "invalid");
        Assert.Equal(("label-key-in-use", "The account ann has a grant for tier=front. Change it first."), (Assert.Single(problem.Diagnostics).Code, problem.Diagnostics[0].Message));
        await owner.PutAsync<LabelKeys>("label-keys", new LabelKeys([], ["tier"]));
    }

    private static async Task PairAsync(TestController controller, ApiClient owner, string name, Dictionary<string, string> labels, string address)
    {
        var key = await owner.PostAsync<CreatedPairingKey>("pairing-keys", Key(labels));
        using var agent = await TestAgent.PairAsync(controller, key.Secret, name, address);
    }

    private static EditLabels Edit(string workload, string key, string value) => new([new(workload, new Dictionary<string, string> { [key] = value }, [], null)], false, null);

    private static CreatePairingKey Key(Dictionary<string, string> labels) => new("hosts", labels, ["10.0.0.0/8"], null, DateTimeOffset.UtcNow.AddDays(1), true);

    private static RulesetDocument Ruleset(string name, string scope) => new()
    {
        Name = name,
        Scopes = [new() { Selector = scope }],
        Rules = [new() { From = "role=web", To = "role=web", Services = ["tcp/80"] }],
    };

    private static async Task<Provision> ProvisionAsync(ApiClient client) => new("why", (await client.GetAsync<DraftStatus>("policy/draft/changes")).DraftVersion, ["left-out"]);

    private static async Task<TestController> WithWorkloadsAsync()
    {
        var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        await owner.PostAsync<WorkloadView>("workloads", new CreateWorkload("shop", s_shop, ["10.0.0.1"]));
        await owner.PostAsync<WorkloadView>("workloads", new CreateWorkload("pay", s_pay, ["10.0.0.2"]));
        return controller;
    }
}
