using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Tests.Agents;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Tests.Policies;

/// <summary>Provisioning that takes two people.</summary>
public sealed class ApprovalTests
{
    private static readonly Grant s_provisioner = new(AccessRole.Provisioner, null);
    private static readonly PolicyDocument s_opened = PolicyStreamTests.Fence with { Modes = [new() { Selector = "app=shop", Inbound = "selective" }] };

    [Fact]
    public async Task What_takes_two_people_is_provisioned_once_another_has_approved_exactly_that()
    {
        await using var world = await World.StartAsync("app=shop");
        var draft = await world.DraftAsync(PolicyStreamTests.Fence);
        Assert.Equal(["ruleset shop", "the mode of app=shop"], (await world.Ann.GetAsync<ProvisionPlan>("policy/draft/plan")).NeedApproval);
        var refusal = await world.Ann.RefusedAsync(HttpMethod.Post, "policy/provision", draft, 409, "needs-approval");
        Assert.Contains("bulkhead approvals request", refusal.Detail, StringComparison.Ordinal);

        var asked = await world.Ann.PostAsync<ApprovalView>("policy/approvals", new RequestApproval("fence the shop", draft.DraftVersion));
        Assert.Equal((1, ApprovalState.Waiting, 0, "ann"), (asked.Number, asked.State, asked.BaseRevision, asked.RequestedBy));
        Assert.Equal(["ruleset", "modes"], asked.Changes.Select(change => change.Kind));
        refusal = await world.Ann.RefusedAsync(HttpMethod.Post, "policy/provision", draft, 409, "needs-approval");
        Assert.Contains("bulkhead approvals approve 1", refusal.Detail, StringComparison.Ordinal);

        Assert.Equal(ApprovalState.Approved, (await world.Ben.PostAsync<ApprovalView>("policy/approvals/1/approve", null)).State);
        var revision = await world.Ann.PostAsync<RevisionView>("policy/provision", draft);
        Assert.Equal((asked.Hash, "ann", "ben"), (revision.Hash, revision.Author, revision.ApprovedBy));
        var used = Assert.Single(await world.Ann.GetAsync<List<ApprovalView>>("policy/approvals"));
        Assert.Equal((ApprovalState.Used, 1), (used.State, used.Revision));
        await world.Ben.RefusedAsync(HttpMethod.Post, "policy/approvals/1/approve", null, 409, "approval-used");
        await world.Ben.RefusedAsync(HttpMethod.Delete, "policy/approvals/1", null, 409, "approval-used");
        Assert.Equal(
            ["policy.approval-request", "policy.approve", "policy.approved", "policy.provision", "settings.approval"],
            (await world.AuditAsync()).Select(entry => entry.Action).Where(action => action.StartsWith("policy.appro", StringComparison.Ordinal) || action is "policy.provision" or "settings.approval").Order(StringComparer.Ordinal));

        // It was for that base alone: the same content later takes two people again.
        await world.DraftAsync(new());
        var opened = await world.ApprovedAsync();
        await world.Ann.PostAsync<RevisionView>("policy/provision", opened);
        await world.Ann.RefusedAsync(HttpMethod.Post, "policy/provision", await world.DraftAsync(PolicyStreamTests.Fence), 409, "needs-approval");
    }

    [Fact]
    public async Task A_request_shows_what_it_asks_for_whatever_the_draft_says_by_now()
    {
        await using var world = await World.StartAsync("app=shop");
        await world.Ann.RefusedAsync(HttpMethod.Get, "policy/approvals/1/plan", null, 404, "not-found");
        var draft = await world.DraftAsync(PolicyStreamTests.Fence);
        var planned = await world.Ann.GetAsync<ProvisionPlan>("policy/draft/plan");
        var asked = await world.Ann.PostAsync<ApprovalView>("policy/approvals", new RequestApproval("fence", draft.DraftVersion, ["ruleset/shop"]));
        await world.DraftAsync(new());
        var kept = await world.Ben.GetAsync<PolicyDocument>("policy/approvals/1/policy");
        Assert.Equal(asked.Hash, Bulkhead.Controller.Policies.Revisions.HashOf(kept));
        var plan = await world.Ben.GetAsync<ProvisionPlan>("policy/approvals/1/plan");
        Assert.Equal(["ruleset shop"], plan.Changes.Select(change => $"{change.Kind} {change.Name}"));
        Assert.Equal(["ruleset shop"], plan.NeedApproval);
        Assert.Equal(planned.Changes[0].Details, plan.Changes[0].Details);
        Assert.Contains(plan.Changes[0].Details, detail => detail.EndsWith("allow role=web to role=db on tcp/3306", StringComparison.Ordinal));
        Assert.Empty(plan.Effects.Effects);

        await world.Machine.PutAsync<ApprovalSetting>("settings/approval", new ApprovalSetting([]));
        await PolicyStreamTests.ProvisionAsync(world.Machine, s_opened);
        await world.Ben.RefusedAsync(HttpMethod.Get, "policy/approvals/1/plan", null, 409, "approval-void");
        Assert.Equal(asked.Hash, Bulkhead.Controller.Policies.Revisions.HashOf(await world.Ben.GetAsync<PolicyDocument>("policy/approvals/1/policy")));

        // A restore is compared with the revision in force.
        await PolicyStreamTests.ProvisionAsync(world.Machine, PolicyStreamTests.Fence);
        await world.Machine.PutAsync<ApprovalSetting>("settings/approval", new ApprovalSetting(["all"]));
        await world.Ann.PostAsync<ApprovalView>("policy/approvals", new RequestApproval("back", 0, Restore: 1));
        plan = await world.Ben.GetAsync<ProvisionPlan>("policy/approvals/2/plan");
        Assert.Equal((2L, 0), (plan.BaseRevision, plan.Left.Count));
        Assert.Contains(plan.Changes, change => change.Kind == "modes" && change.Details.Contains("added app=shop: inbound selective, outbound visibility"));
        Assert.NotEmpty(plan.Effects.Effects);
    }

    [Fact]
    public async Task Nobody_approves_what_they_asked_for_nor_does_a_key_of_theirs_or_of_nobody()
    {
        await using var world = await World.StartAsync("all");
        var draft = await world.DraftAsync(PolicyStreamTests.Fence);
        var key = await world.Ann.PostAsync<CreatedApiKey>("api-keys", new CreateApiKey("own", [s_provisioner], DateTimeOffset.UtcNow.AddDays(1)));
        using var annsKey = world.Controller.Anonymous();
        annsKey.Authorize(key.Secret);
        foreach (var (asker, number) in new[] { (world.Ann, 1), (annsKey, 2) })
        {
            await asker.PostAsync<ApprovalView>("policy/approvals", new RequestApproval("fence", draft.DraftVersion));
            await world.Ann.RefusedAsync(HttpMethod.Post, $"policy/approvals/{number}/approve", null, 403, "same-person");
            await annsKey.RefusedAsync(HttpMethod.Post, $"policy/approvals/{number}/approve", null, 403, "same-person");
            await world.Machine.RefusedAsync(HttpMethod.Post, $"policy/approvals/{number}/approve", null, 403, "no-person");
        }

        Assert.Equal(["ann/key:own", "ann"], (await world.Ann.GetAsync<List<ApprovalView>>("policy/approvals")).Select(request => request.RequestedBy));
        await world.Ann.RefusedAsync(HttpMethod.Post, "policy/provision", draft, 409, "needs-approval");
        await world.Ben.PostAsync<ApprovalView>("policy/approvals/2/approve", null);
        await annsKey.PostAsync<RevisionView>("policy/provision", draft);
    }

    [Fact]
    public async Task A_request_is_void_once_the_draft_says_something_else_or_another_revision_is_in_force()
    {
        await using var world = await World.StartAsync("app=shop");
        var draft = await world.DraftAsync(PolicyStreamTests.Fence);
        await world.Ann.PostAsync<ApprovalView>("policy/approvals", new RequestApproval("fence", draft.DraftVersion));
        await world.Ann.RefusedAsync(HttpMethod.Post, "policy/approvals", new RequestApproval("fence", draft.DraftVersion - 1), 409, "draft-changed");
        await world.DraftAsync(s_opened);
        Assert.Equal(ApprovalState.Void, Assert.Single(await world.Ann.GetAsync<List<ApprovalView>>("policy/approvals")).State);
        await world.Ben.RefusedAsync(HttpMethod.Post, "policy/approvals/1/approve", null, 409, "approval-void");

        // Approved, and then the draft changes.
        var approved = await world.ApprovedAsync();
        var changed = await world.DraftAsync(PolicyStreamTests.Fence);
        await world.Ann.RefusedAsync(HttpMethod.Post, "policy/provision", changed, 409, "needs-approval");
        // Approved, and then something that takes nobody else is provisioned.
        approved = await world.DraftAsync(s_opened with { Rulesets = [.. s_opened.Rulesets, new() { Name = "pay", Scopes = [new() { Selector = "app=pay" }] }] });
        approved = approved with { Only = ["ruleset/shop", "modes"] };
        await world.Ann.PostAsync<ApprovalView>("policy/approvals", new RequestApproval("part", approved.DraftVersion, approved.Only));
        await world.Ben.PostAsync<ApprovalView>("policy/approvals/3/approve", null);
        await world.Ann.PostAsync<RevisionView>("policy/provision", approved with { Only = ["ruleset/pay"] });
        await world.Ann.RefusedAsync(HttpMethod.Post, "policy/provision", approved, 409, "needs-approval");
        Assert.All(await world.Ann.GetAsync<List<ApprovalView>>("policy/approvals"), request => Assert.Equal(ApprovalState.Void, request.State));
    }

    [Fact]
    public async Task An_approval_counts_only_while_both_may_still_provision_it()
    {
        await using var world = await World.StartAsync("app=shop");
        var draft = await world.DraftAsync(PolicyStreamTests.Fence);
        await world.ApprovedAsync();
        foreach (var person in (string[])["ann", "ben"])
        {
            await world.Machine.PutAsync<AccountView>($"accounts/{person}/grants", new SetGrants([new(AccessRole.Provisioner, "app=pay"), new(AccessRole.PolicyEditor, null)]));
            await world.Machine.RefusedAsync(HttpMethod.Post, "policy/provision", draft, 409, "needs-approval");
            await world.Machine.PutAsync<AccountView>($"accounts/{person}/grants", new SetGrants([s_provisioner]));
        }

        await world.Machine.PostAsync<AccountPassword>("accounts/ben/reset-password", null);
        await world.Machine.RefusedAsync(HttpMethod.Post, "policy/provision", draft, 409, "needs-approval");
        using var cid = await world.Controller.PersonAsync(world.Machine, "cid", new Grant(AccessRole.Provisioner, "app=pay"));
        await cid.RefusedAsync(HttpMethod.Post, "policy/approvals/1/approve", null, 403, "outside-scope");
        await cid.RefusedAsync(HttpMethod.Post, "policy/approvals", new RequestApproval("fence", draft.DraftVersion), 403, "outside-scope");
        using var dan = await world.Controller.PersonAsync(world.Machine, "dan", new Grant(AccessRole.Provisioner, "app=shop"));
        await dan.PostAsync<ApprovalView>("policy/approvals/1/approve", null);
        Assert.Equal("dan", (await world.Machine.PostAsync<RevisionView>("policy/provision", draft)).ApprovedBy);
    }

    [Fact]
    public async Task A_reset_password_takes_back_what_its_account_asked_for_and_approved()
    {
        await using var world = await World.StartAsync("app=shop");
        using var cid = await world.Controller.PersonAsync(world.Machine, "cid", s_provisioner);
        var draft = await world.DraftAsync(PolicyStreamTests.Fence);
        await world.ApprovedAsync();
        await world.Machine.PostAsync<AccountPassword>("accounts/cid/reset-password", null);
        await world.Ben.PostAsync<ApprovalView>("policy/approvals", new RequestApproval("mine", draft.DraftVersion));
        await world.Machine.PostAsync<AccountPassword>("accounts/ben/reset-password", null);
        // What ben asked for is gone; what he approved waits again, whatever becomes of his password.
        var left = Assert.Single(await world.Ann.GetAsync<List<ApprovalView>>("policy/approvals"));
        Assert.Equal((1, ApprovalState.Waiting, null), (left.Number, left.State, left.ApprovedBy));
        Assert.Equal(
            ["request 1: The approval was withdrawn when the password of ben was reset.", "request 2: The request was withdrawn when the password of ben was reset."],
            (await world.AuditAsync()).Where(entry => entry.Action == "policy.approval-withdraw").Select(entry => $"{entry.Subject}: {entry.Detail}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Restoring_takes_two_people_too_and_withdrawn_is_withdrawn()
    {
        await using var world = await World.StartAsync();
        await PolicyStreamTests.ProvisionAsync(world.Machine, PolicyStreamTests.Fence);
        await PolicyStreamTests.ProvisionAsync(world.Machine, s_opened);
        await world.Machine.PutAsync<ApprovalSetting>("settings/approval", new ApprovalSetting(["env=prod", "app=shop"]));
        await world.Ann.RefusedAsync(HttpMethod.Post, "policy/revisions/1/restore", new RestoreRevision("back"), 409, "needs-approval");
        await world.Ann.PostAsync<ApprovalView>("policy/approvals", new RequestApproval("back", 0, Restore: 1));
        await world.Ben.PostAsync<ApprovalView>("policy/approvals/1/approve", null);
        await world.Ben.DeleteAsync("policy/approvals/1");
        await world.Ann.RefusedAsync(HttpMethod.Post, "policy/revisions/1/restore", new RestoreRevision("back"), 409, "needs-approval");
        await world.Ann.PostAsync<ApprovalView>("policy/approvals", new RequestApproval("back", 0, Restore: 1));
        await world.Ben.PostAsync<ApprovalView>("policy/approvals/2/approve", null);
        Assert.Equal((1, "ben"), await world.Ann.PostAsync<RevisionView>("policy/revisions/1/restore", new RestoreRevision("back")) is var restored ? (restored.RestoredFrom, restored.ApprovedBy) : default);
        await world.Ann.RefusedAsync(HttpMethod.Post, "policy/approvals", new RequestApproval("back", 0, Restore: 9), 404, "not-found");
    }

    [Fact]
    public async Task What_was_asked_for_already_is_not_asked_for_again_and_what_makes_no_sense_is_refused()
    {
        await using var world = await World.StartAsync("app=shop");
        var draft = await world.DraftAsync(PolicyStreamTests.Fence);
        Assert.Equal("only", Assert.Single((await world.Ann.RefusedAsync(HttpMethod.Post, "policy/approvals", new RequestApproval("why", draft.DraftVersion, ["modes"], 1), 422, "invalid")).Diagnostics).Path);
        Assert.Equal("too-many-parts", Assert.Single((await world.Ann.RefusedAsync(
            HttpMethod.Post, "policy/approvals", new RequestApproval("why", draft.DraftVersion, [.. Enumerable.Repeat("modes", 1001)]), 422, "invalid")).Diagnostics).Code);
        foreach (var (asker, only, number) in new (ApiClient, string[], int)[]
        {
            (world.Ann, ["modes", " modes", "modes"], 1), (world.Ann, ["modes"], 1), (world.Ben, ["modes"], 2), (world.Ann, [], 3), (world.Ann, ["modes"], 1), (world.Ann, [], 3),
        })
        {
            var asked = await asker.PostAsync<ApprovalView>("policy/approvals", new RequestApproval("why", draft.DraftVersion, only));
            Assert.Equal((number, ApprovalState.Waiting, only.Length > 0 ? "modes" : ""), (asked.Number, asked.State, string.Join(' ', asked.Only)));
        }

        // What was approved is asked for anew.
        await world.Ben.PostAsync<ApprovalView>("policy/approvals/1/approve", null);
        Assert.Equal(4, (await world.Ann.PostAsync<ApprovalView>("policy/approvals", new RequestApproval("why", draft.DraftVersion, ["modes"]))).Number);
        Assert.Equal(4, (await world.AuditAsync()).Count(entry => entry.Action == "policy.approval-request"));
    }

    [Theory]
    // scope         ruleset's scope    rule's far end    concerned
    [InlineData("env=prod", "env=prod,app=shop", "", true)]
    [InlineData("env=prod", "app=shop", "", true)]
    [InlineData("env=prod", "env=dev", "", false)]
    [InlineData("env=prod", "env!=prod", "", false)]
    [InlineData("env=prod", "env=dev", "app=shop", true)]
    [InlineData("env=prod", "env=dev", "env=test", false)]
    [InlineData("all", "env=dev", "", true)]
    public async Task A_ruleset_takes_two_people_if_a_workload_of_the_scope_could_be_an_end_of_its_rules(string scope, string rulesets, string far, bool concerned)
    {
        await using var world = await World.StartAsync(scope);
        var rule = far.Length == 0 ? new RuleDocument { From = "role=web", To = "role=db", Services = ["tcp/1"] } : new RuleDocument { From = far, To = "role=db", Services = ["tcp/1"], Within = "to" };
        var draft = await world.DraftAsync(new() { Rulesets = [new() { Name = "one", Scopes = [new() { Selector = rulesets }], Rules = [rule] }] });
        Assert.Equal(concerned ? ["ruleset one"] : [], (await world.Ann.GetAsync<ProvisionPlan>("policy/draft/plan")).NeedApproval);
        if (concerned)
        {
            await world.Ann.RefusedAsync(HttpMethod.Post, "policy/provision", draft, 409, "needs-approval");
        }
        else
        {
            await world.Ann.RefusedAsync(HttpMethod.Post, "policy/approvals", new RequestApproval("why", draft.DraftVersion), 409, "needs-no-approval");
            await world.Ann.PostAsync<RevisionView>("policy/provision", draft);
        }
    }

    [Theory]
    [InlineData("network:lan", "role=db")]
    [InlineData("role=web", "network:lan")]
    public async Task An_end_of_addresses_may_be_anybodys(string from, string to)
    {
        await using var world = await World.StartAsync();
        var lan = new PolicyDocument { Networks = [new() { Name = "lan", Addresses = ["192.0.2.0/24"] }] };
        await PolicyStreamTests.ProvisionAsync(world.Machine, lan);
        await world.Machine.PutAsync<ApprovalSetting>("settings/approval", new ApprovalSetting(["env=prod"]));
        var draft = await world.DraftAsync(lan with { Rulesets = [new() { Name = "one", Scopes = [new() { Selector = "env=dev" }], Rules = [new() { From = from, To = to, Services = ["tcp/1"] }] }] });
        Assert.Equal(["ruleset one"], (await world.Ann.GetAsync<ProvisionPlan>("policy/draft/plan")).NeedApproval);
        await world.Ann.RefusedAsync(HttpMethod.Post, "policy/provision", draft, 409, "needs-approval");
    }

    [Fact]
    public async Task Owners_say_what_takes_two_people_and_a_label_key_that_it_speaks_of_stays()
    {
        await using var world = await World.StartAsync();
        await world.Machine.PutAsync<LabelKeys>("label-keys", new LabelKeys([], ["tier"]));
        await world.Ann.RefusedAsync(HttpMethod.Put, "settings/approval", new ApprovalSetting([]), 403, "not-permitted");
        var problem = await world.Machine.RefusedAsync(HttpMethod.Put, "settings/approval", """{"scopes":["team=a",null,"app=shop,app=pay"]}""", 422, "invalid");
        Assert.Equal(["scopes[0]", "scopes[1]", "scopes[2]"], problem.Diagnostics.Select(d => d.Path));
        Assert.Equal(["app=shop", "tier=front"], (await world.Machine.PutAsync<ApprovalSetting>("settings/approval", new ApprovalSetting(["tier=front", "app=shop", "app=shop"]))).Scopes);
        Assert.Equal(["app=shop", "tier=front"], (await world.Ann.GetAsync<ApprovalSetting>("settings/approval")).Scopes);
        var used = await world.Machine.RefusedAsync(HttpMethod.Put, "label-keys", new LabelKeys([], []), 422, "invalid");
        Assert.Contains("the approval setting", Assert.Single(used.Diagnostics).Message, StringComparison.Ordinal);
        Assert.Equal("A second person approves provisioning for app=shop or tier=front; before, for nothing.", Assert.Single(await world.AuditAsync(), entry => entry.Action == "settings.approval").Detail);
    }

    /// <summary>A controller with two provisioners, and a key of nobody that may do everything.</summary>
    private sealed record World(TestController Controller, ApiClient Machine, ApiClient Ann, ApiClient Ben) : IAsyncDisposable
    {
        public static async Task<World> StartAsync(params string[] scopes)
        {
            var controller = await TestController.StartAsync();
            var machine = await controller.ClientAsync();
            if (scopes.Length > 0)
            {
                await machine.PutAsync<ApprovalSetting>("settings/approval", new ApprovalSetting(scopes));
            }

            return new(controller, machine, await controller.PersonAsync(machine, "ann", s_provisioner), await controller.PersonAsync(machine, "ben", s_provisioner));
        }

        public async Task<Provision> DraftAsync(PolicyDocument document) => new("why", (await Machine.PutAsync<DraftStatus>("policy/draft", document)).DraftVersion, []);

        /// <summary>The draft as it is, asked for by one and approved by the other.</summary>
        public async Task<Provision> ApprovedAsync()
        {
            var version = (await Ann.GetAsync<DraftStatus>("policy/draft/changes")).DraftVersion;
            var asked = await Ann.PostAsync<ApprovalView>("policy/approvals", new RequestApproval("why", version));
            await Ben.PostAsync<ApprovalView>($"policy/approvals/{asked.Number}/approve", null);
            return new("why", version, []);
        }

        public async Task<IReadOnlyList<AuditEntryView>> AuditAsync() => (await Machine.GetAsync<Page<AuditEntryView>>("audit?limit=200")).Items;

        public async ValueTask DisposeAsync()
        {
            Machine.Dispose();
            Ann.Dispose();
            Ben.Dispose();
            await Controller.DisposeAsync();
        }
    }
}
