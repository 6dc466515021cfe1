using Bulkhead.Contracts.Agent;

namespace Bulkhead.Controller.Tests.Agents;

public sealed class RulesTests
{
    [Fact]
    public async Task A_host_is_told_who_answers_for_its_own_rules_and_for_no_others()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1", ("app", "shop"), ("role", "web"));
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        using var other = await PolicyStreamTests.PairAsync(controller, admin, "other", "10.0.0.3", ("app", "mail"), ("role", "web"));
        await PolicyStreamTests.ProvisionAsync(admin, PolicyStreamTests.Fence with
        {
            Rulesets =
            [
                new()
                {
                    Name = "shop",
                    Scopes = [new() { Selector = "app=shop" }],
                    Rules = [new() { From = "role=web", To = "role=db", Services = ["tcp/3306"], Action = "deny", Owner = "dba", Reason = "migrated", Ticket = "CHG-1" }],
                },
            ],
        });
        var request = new RuleRequest { Rules = { 1, 2, 999 } };
        await Eventually.HasAsync(async () => (await db.SendAsync(request)).Rules is [var rule] && rule.Equals(new RuleInfo { Rule = 1, Ruleset = "shop", Owner = "dba", Reason = "migrated", Ticket = "CHG-1" }) ? "told" : null, "db is told");
        Assert.Empty((await other.SendAsync(request)).Rules);
        var refused = await Assert.ThrowsAsync<RefusedByController>(() => db.SendAsync(new RuleRequest { Rules = { Enumerable.Range(1, 101).Select(id => (long)id) } }));
        Assert.Equal(400, refused.Status);
    }
}
