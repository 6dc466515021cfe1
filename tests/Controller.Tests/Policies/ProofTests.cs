using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Tests.Policies;

public sealed class ProofTests
{
    private static readonly PolicyDocument s_policy = new()
    {
        Rulesets =
        [
            new()
            {
                Name = "shop",
                Scopes = [new() { Selector = "app=shop" }],
                Rules =
                [
                    new() { From = "role=web", To = "role=db", Services = ["tcp/3306"] },
                    new() { From = "role=web", To = "role=db", Services = ["tcp/3306"], Reason = "twice" },
                ],
            },
        ],
        Assertions =
        [
            new() { Name = "web-reaches-db", Must = new() { From = "app=shop,role=web", To = "app=shop,role=db", Services = ["tcp/3306"] } },
            new() { Name = "no-dev-to-prod", Never = new() { From = "env=dev", To = "env=prod" } },
        ],
    };

    [Fact]
    public async Task Each_edit_says_which_assertions_it_breaks_and_a_connection_that_shows_it()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        var status = await editor.PutAsync<DraftStatus>("policy/draft", s_policy);
        var broken = Assert.Single(status.Diagnostics, d => d.Code == "assertion-violated");
        Assert.Equal(("assertions[no-dev-to-prod]", "error"), (broken.Path, broken.Severity));

        var assertions = (await editor.GetAsync<IReadOnlyList<AssertionView>>("policy/draft/assertions")).ToDictionary(a => a.Name);
        Assert.Equal(("must", AssertionState.Held, null), (assertions["web-reaches-db"].Kind, assertions["web-reaches-db"].State, assertions["web-reaches-db"].Counterexample));
        var violated = assertions["no-dev-to-prod"];
        Assert.Equal(("never", AssertionState.Violated), (violated.Kind, violated.State));
        Assert.Contains("env=dev", violated.Counterexample, StringComparison.Ordinal);
        Assert.Contains(violated.DecidedBy, rule => rule is 1 or 2);
        await editor.RefusedAsync(HttpMethod.Post, "policy/provision", new Provision("try", status.DraftVersion, []), 422, "invalid");

        // The rule in one compartment per environment: nothing crosses any more.
        var mended = s_policy with { Rulesets = [s_policy.Rulesets[0] with { Scopes = [new() { Selector = "app=shop", Per = ["env"] }] }], Assertions = [s_policy.Assertions[1]] };
        Assert.DoesNotContain((await editor.PutAsync<DraftStatus>("policy/draft", mended)).Diagnostics, d => d.Code == "assertion-violated");
        Assert.Equal(AssertionState.Held, Assert.Single(await editor.GetAsync<IReadOnlyList<AssertionView>>("policy/draft/assertions")).State);
    }

    [Fact]
    public async Task What_a_helper_lets_be_agreed_upon_is_no_rules_doing_and_told_as_that()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        var ftp = new PolicyDocument
        {
            Services = [new() { Name = "ftp", Ports = ["tcp/21"], Helper = "ftp" }],
            Rulesets = [new() { Name = "files", Scopes = [new() { Selector = "all" }], Rules = [new() { From = "env=prod", To = "role=ftp", Services = ["ftp"] }] }],
            Assertions = [new() { Name = "a", Never = new() { From = "role=ftp", To = "env=prod", Services = ["tcp/3306"] } }, new() { Name = "b", Never = new() { From = "role=ftp", To = "env=prod", Services = ["tcp/3306"] }, Helpers = "accept" }],
        };
        Assert.Equal("warning", Assert.Single((await editor.PutAsync<DraftStatus>("policy/draft", ftp)).Diagnostics, d => d.Code == "assertion-unproven").Severity);

        var assertions = await editor.GetAsync<IReadOnlyList<AssertionView>>("policy/draft/assertions");
        Assert.Equal([("a", AssertionState.Unproven), ("b", AssertionState.Held)], assertions.Select(a => (a.Name, a.State)));
        var effects = (await editor.GetAsync<DraftEffects>("policy/draft/effects")).InFull.Effects;
        Assert.Equal("env=prod → role=ftp on tcp/21", Assert.Single(effects, effect => !effect.AgreedUpon).Connections);
        Assert.All(effects.Where(effect => effect.AgreedUpon), effect => Assert.True(effect.Allows && effect.Connections.EndsWith("tcp/1024-65535", StringComparison.Ordinal), effect.Message));
        Assert.NotEqual(1, effects.Count);
    }

    [Fact]
    public async Task Rules_that_do_nothing_and_what_a_draft_opens_are_told()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        await editor.PutAsync<DraftStatus>("policy/draft", s_policy with { Assertions = [] });
        var health = await editor.GetAsync<RuleHealthView>("policy/draft/health?since=1h");
        Assert.Contains(health.Findings, f => f.Code == "redundant" && f.Rule == 2);
        Assert.Contains(health.Findings, f => f.Code == "no-live-workload");
        Assert.Contains(health.Findings, f => f.Code == "never-used");
        await editor.RefusedAsync(HttpMethod.Get, "policy/draft/health?since=soon", null, 422, "invalid");

        var effects = await editor.GetAsync<DraftEffects>("policy/draft/effects");
        var opened = Assert.Single(effects.InFull.Effects);
        Assert.True(opened.Allows && effects.InFull.IsComplete && opened.Connections.Contains("tcp/3306", StringComparison.Ordinal), opened.Connections);
        Assert.Empty(effects.InForce.Effects);
    }
}
