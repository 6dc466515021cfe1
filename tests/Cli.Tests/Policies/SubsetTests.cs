using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Tests.Policies;

/// <summary>Some changes of the draft: looked at, then provisioned.</summary>
public sealed class SubsetTests
{
    private const string Two = """
        services: [{name: https, ports: [tcp/443]}]
        rulesets:
          - {name: shop, scopes: [{selector: app=shop}], rules: [{from: all, to: role=web, services: [https], within: to}]}
          - {name: pay, scopes: [{selector: app=pay}], rules: [{from: role=web, to: role=db, services: [tcp/1]}]}
        modes: [{selector: app=shop, inbound: full}]
        """;

    [Fact]
    public async Task A_plan_names_what_comes_along_and_what_stays_and_changes_nothing()
    {
        await using var controller = await RunningController.SignedInAsync();
        await controller.RunAsync(ExitCode.Ok, "draft", "apply", controller.Person.File("two.yaml", Two));
        await controller.RunAsync(ExitCode.Usage, "provision", "--yes");
        var shown = (await controller.RunAsync(ExitCode.Ok, "provision", "--only", "ruleset/shop", "--only", "modes/app=shop", "--plan")).Output;
        Assert.All(
            ["service/https comes along: ruleset/shop needs it.", "These changes stay in the draft: ruleset/pay", "Between all workloads that could exist", "Judged 0 edges"],
            said => Assert.Contains(said, shown, StringComparison.Ordinal));
        var plan = (await controller.RunAsync(ExitCode.Ok, "provision", "--only", "ruleset/shop", "--plan", "--output", "json")).Json<ProvisionPlan>();
        Assert.Equal([new("service/https", "ruleset/shop")], plan.Carried);
        Assert.Empty((await controller.RunAsync(ExitCode.Ok, "revisions", "list", "--output", "json")).Json<RevisionView[]>());

        await controller.RunAsync(ExitCode.Ok, "provision", "--only", "ruleset/shop", "--note", "shop first", "--yes");
        var left = (await controller.RunAsync(ExitCode.Ok, "draft", "changes", "--output", "json")).Json<DraftStatus>().Changes;
        Assert.Equal(["ruleset pay", "modes "], left.Select(change => $"{change.Kind} {change.Name}"));
        var refused = await controller.RunAsync(ExitCode.Refused, "provision", "--only", "ruleset/shop", "--note", "again", "--yes");
        Assert.Contains("The draft changes no 'ruleset/shop'", refused.Error, StringComparison.Ordinal);
    }
}
