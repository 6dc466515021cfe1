using System.Net;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Tests.Agents;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Tests.Policies;

public sealed class DraftTests
{
    [Fact]
    public async Task New_rules_get_ids_that_are_never_given_twice()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        var rule = new RuleDocument { From = "role=web", To = "role=db", Services = ["tcp/3306"] };
        var written = await editor.PutAsync<RulesetDocument>("policy/draft/rulesets/shop", Ruleset(rule, rule));
        Assert.Equal([1, 2], written.Rules.Select(r => r.Id));
        await editor.DeleteAsync("policy/draft/rulesets/shop");
        await controller.RestartAsync();
        using var again = await controller.EditorAsync();
        written = await again.PutAsync<RulesetDocument>("policy/draft/rulesets/shop", Ruleset(rule));
        Assert.Equal([3], written.Rules.Select(r => r.Id));
        written = await again.PutAsync<RulesetDocument>("policy/draft/rulesets/shop", Ruleset(written.Rules[0] with { Reason = "kept" }, rule));
        Assert.Equal([3, 4], written.Rules.Select(r => r.Id));
    }

    [Fact]
    public async Task An_object_can_be_renamed_but_not_onto_another()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        await editor.PutAsync<ServiceDocument>("policy/draft/services/a", new ServiceDocument { Name = "a", Ports = ["tcp/1"] });
        await editor.PutAsync<ServiceDocument>("policy/draft/services/b", new ServiceDocument { Ports = ["tcp/2"] });
        await editor.PutAsync<ServiceDocument>("policy/draft/services/a", new ServiceDocument { Name = "c", Ports = ["tcp/1"] });
        Assert.Equal(["b", "c"], (await editor.GetAsync<PolicyDocument>("policy/draft")).Services.Select(s => s.Name));
        await editor.RefusedAsync(HttpMethod.Put, "policy/draft/services/c", new ServiceDocument { Name = "b", Ports = ["tcp/1"] }, 422, "invalid");
        await editor.RefusedAsync(HttpMethod.Delete, "policy/draft/services/zzz", null, 404, "not-found");
    }

    [Fact]
    public async Task An_edit_of_a_draft_that_changed_meanwhile_is_refused()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        using var read = await editor.SendAsync(HttpMethod.Get, "policy/draft", null);
        var seen = read.Headers.ETag!.Tag;
        using var first = await editor.SendAsync(HttpMethod.Put, "policy/draft", PolicyStreamTests.Fence, seen);
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        using var second = await editor.SendAsync(HttpMethod.Put, "policy/draft", new PolicyDocument(), seen);
        Assert.Equal(HttpStatusCode.Conflict, second.StatusCode);
        using var third = await editor.SendAsync(HttpMethod.Put, "policy/draft", new PolicyDocument(), first.Headers.ETag!.Tag);
        Assert.Equal(HttpStatusCode.OK, third.StatusCode);
    }

    [Theory]
    [InlineData("""{"rulesets":[{"name":"x"}]}""", "no-scope")]
    [InlineData("""{"rulesets":[{"name":"x","scopes":[{"selector":""}]}]}""", "empty-selector")]
    [InlineData("""{"rulesets":[{"name":"x","scopes":[{"selector":"colour=red"}]}]}""", "unknown-label-key")]
    [InlineData("""{"rulesets":[{"name":"x","scopes":[{"selector":"all"}],"rules":[{"id":99,"from":"all","to":"all","services":["any"]}]}]}""", "unknown-rule-id")]
    [InlineData("""{"networks":[{"name":"x","addresses":["10.0.0.1/8"]}]}""", "host-bits-set")]
    [InlineData("""{"networks":[{"name":"x","addresses":["10.0.0.0/8","10.1.0.0/16"]}]}""", "overlap")]
    [InlineData("""{"modes":[{"selector":"all","inbound":"paranoid"}]}""", "bad-mode")]
    [InlineData("""{"services":[{"name":"x","ports":[]}]}""", "no-ports")]
    [InlineData("""{"rulesets":[null]}""", "null-entry")]
    [InlineData("""{"rulesets":null}""", "bad-json")]
    [InlineData("""{"rulesetz":[]}""", "bad-json")]
    [InlineData("""{"rulesets":[{"name":"x","scopes":[{"selector":"all"}],"rules":[{"from":"all","to":"all","services":["any"],"expires":"soon"}]}]}""", "bad-json")]
    [InlineData("""{"rulesets":[""", "bad-json")]
    public async Task A_malformed_policy_is_refused_with_its_place_and_changes_nothing(string body, string code)
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        await editor.PutAsync<DraftStatus>("policy/draft", PolicyStreamTests.Fence);
        var problem = await editor.RefusedAsync(HttpMethod.Put, "policy/draft", body, 422, "invalid");
        Assert.Contains(problem.Diagnostics, d => d.Code == code && d.Path.Length > 0 && d.Message.Length > 10);
        Assert.Equal("shop", Assert.Single((await editor.GetAsync<PolicyDocument>("policy/draft")).Rulesets).Name);
        Assert.Equal(1, (await editor.GetAsync<DraftStatus>("policy/draft/changes")).DraftVersion);
    }

    [Fact]
    public async Task Label_keys_in_use_cannot_be_removed()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        await editor.PutAsync<LabelKeys>("label-keys", new LabelKeys([], ["owner", "tier"]));
        await editor.PutAsync<DraftStatus>("policy/draft", new PolicyDocument { Modes = [new() { Selector = "tier=gold", Inbound = "full" }] });
        await editor.PostAsync<WorkloadView>("workloads", new CreateWorkload("w", new Dictionary<string, string> { ["owner"] = "ann" }, ["10.0.0.1"]));
        var problem = await editor.RefusedAsync(HttpMethod.Put, "label-keys", new LabelKeys([], []), 422, "invalid");
        Assert.Equal(2, problem.Diagnostics.Count(d => d.Code == "label-key-in-use"));
        await editor.RefusedAsync(HttpMethod.Put, "label-keys", new LabelKeys([], ["owner", "tier", "Bad Key"]), 422, "invalid");
        Assert.Equal(["owner", "tier"], (await editor.GetAsync<LabelKeys>("label-keys")).Declared);
    }

    private static RulesetDocument Ruleset(params RuleDocument[] rules) => new() { Name = "shop", Scopes = [new() { Selector = "app=shop" }], Rules = rules };
}
