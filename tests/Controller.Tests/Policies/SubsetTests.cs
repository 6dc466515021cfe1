using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Tests.Policies;

/// <summary>Provisioning some of the draft's changes.</summary>
public sealed class SubsetTests
{
    private static readonly PolicyDocument s_draft = new()
    {
        Services = [new() { Name = "mariadb", Ports = ["tcp/3306"] }, new() { Name = "stray", Ports = ["tcp/9"] }],
        Rulesets =
        [
            new() { Name = "shop", Scopes = [new() { Selector = "app=shop" }], Rules = [new() { From = "role=web", To = "role=db", Services = ["mariadb"] }] },
            new() { Name = "pay", Scopes = [new() { Selector = "app=pay" }], Rules = [new() { From = "role=web", To = "role=db", Services = ["tcp/1"] }] },
        ],
        Modes = [new() { Selector = "app=shop", Inbound = "full" }, new() { Selector = "app=pay", Inbound = "full" }],
    };

    [Fact]
    public async Task Named_changes_become_a_revision_with_what_they_refer_to_and_the_rest_stays_in_the_draft()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        using var owner = await controller.ClientAsync();
        var draft = await editor.PutAsync<DraftStatus>("policy/draft", s_draft);
        var plan = await editor.GetAsync<ProvisionPlan>("policy/draft/plan?only=ruleset/shop&only=modes/app%3Dshop");
        Assert.Equal((0, draft.DraftVersion), (plan.BaseRevision, plan.DraftVersion));
        Assert.Equal(["ruleset/shop", "service/mariadb", "modes/"], plan.Changes.Select(Name));
        Assert.Equal([new("service/mariadb", "ruleset/shop")], plan.Carried);
        Assert.Equal(["ruleset/pay", "service/stray", "modes/"], plan.Left.Select(Name));
        Assert.All(plan.Effects.Effects, effect => Assert.Contains("app=shop", effect.Connections, StringComparison.Ordinal));
        Assert.NotEmpty(plan.Effects.Effects);
        Assert.Empty(await editor.GetAsync<List<RevisionView>>("policy/revisions"));

        var revision = await editor.PostAsync<RevisionView>("policy/provision", new Provision("shop alone", draft.DraftVersion, [], ["ruleset/shop", "modes/app=shop"]));
        Assert.Equal(plan.Changes.Select(Name), revision.Changes.Select(Name));
        var enforced = await editor.GetAsync<PolicyDocument>("policy/revisions/1/policy");
        Assert.Equal(("shop", "app=shop", "mariadb"), (Assert.Single(enforced.Rulesets).Name, Assert.Single(enforced.Modes).Selector, Assert.Single(enforced.Services).Name));
        Assert.Equal(["ruleset/pay", "service/stray", "modes/"], (await editor.GetAsync<DraftStatus>("policy/draft/changes")).Changes.Select(Name));
        var audited = Assert.Single((await owner.GetAsync<Page<AuditEntryView>>("audit")).Items, entry => entry.Action == "policy.provision-part");
        Assert.Contains("service/mariadb came along", audited.Detail, StringComparison.Ordinal);
        Assert.Contains("stay in the draft: ruleset/pay", audited.Detail, StringComparison.Ordinal);

        await editor.PostAsync<RevisionView>("policy/provision", new Provision("the rest", draft.DraftVersion, []));
        Assert.Equal(PolicyJson.Canonical(await editor.GetAsync<PolicyDocument>("policy/draft")), PolicyJson.Canonical(await editor.GetAsync<PolicyDocument>("policy/revisions/2/policy")));
    }

    [Fact]
    public async Task What_is_not_changed_or_does_not_stand_by_itself_is_refused_with_every_problem()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        await Agents.PolicyStreamTests.ProvisionAsync(editor, s_draft);
        var without = s_draft with { Services = [], Rulesets = [s_draft.Rulesets[1] with { Rules = [] }] };
        var draft = await editor.PutAsync<DraftStatus>("policy/draft", without);

        var unknown = await editor.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("why", draft.DraftVersion, [], ["ruleset/shpo", "networks"]), 422, "invalid");
        Assert.Equal(["only[0] not-changed", "only[1] not-changed"], unknown.Diagnostics.Select(d => $"{d.Path} {d.Code}"));
        var alone = await editor.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("why", draft.DraftVersion, [], ["service"]), 422, "not-by-itself");
        Assert.Contains(alone.Diagnostics, d => d is { Code: "unknown-service", Path: "rulesets[shop].rules[0].services[0]" });
        Assert.Equal(alone.Diagnostics, (await editor.RefusedAsync(HttpMethod.Get, "policy/draft/plan?only=service", null, 422, "not-by-itself")).Diagnostics);
        await editor.RefusedAsync(HttpMethod.Post, "policy/provision", $$"""{"note":"why","draftVersion":{{draft.DraftVersion}},"acknowledge":[],"only":[null]}""", 422, "invalid");

        var revision = await editor.PostAsync<RevisionView>("policy/provision", new Provision("why", draft.DraftVersion, [], ["service", "ruleset/shop"]));
        Assert.Equal(["ruleset/shop", "service/mariadb", "service/stray"], revision.Changes.Select(Name));
        Assert.Equal(["ruleset/pay"], (await editor.GetAsync<DraftStatus>("policy/draft/changes")).Changes.Select(Name));
    }

    [Fact]
    public async Task Who_provisions_within_a_scope_takes_their_own_out_of_a_draft_with_others_changes()
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        using var provisioner = await controller.ClientAsync(AccessRole.Provisioner, "app=shop");
        var draft = await owner.PutAsync<DraftStatus>("policy/draft", s_draft with { Services = [], Rulesets = [s_draft.Rulesets[0] with { Rules = [new() { From = "role=web", To = "role=db", Services = ["tcp/3306"] }] }, s_draft.Rulesets[1]] });
        await provisioner.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("ours", draft.DraftVersion, []), 403, "outside-scope");
        await provisioner.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("ours", draft.DraftVersion, [], ["ruleset/shop", "modes"]), 403, "outside-scope");
        await provisioner.PostAsync<RevisionView>("policy/provision", new Provision("ours", draft.DraftVersion, [], ["ruleset/shop", "modes/app=shop"]));

        draft = await owner.PutAsync<DraftStatus>("policy/draft", s_draft);
        var carried = await provisioner.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("ours", draft.DraftVersion, [], ["ruleset/shop"]), 403, "outside-scope");
        Assert.Contains("service mariadb", carried.Title, StringComparison.Ordinal);
    }

    private static string Name(PolicyChange change) => $"{change.Kind}/{change.Name}";
}
