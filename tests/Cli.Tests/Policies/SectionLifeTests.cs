using Bulkhead.Policy.Documents;

namespace Bulkhead.Cli.Tests.Policies;

/// <summary>Label groups, plans and assertions live in the draft like everything else.</summary>
public sealed class SectionLifeTests
{
    [Fact]
    public async Task Groups_plans_and_assertions_are_applied_listed_and_deleted()
    {
        await using var controller = await RunningController.SignedInAsync();
        var file = controller.Person.File("policy.yaml", """
            labelGroups: [{name: live, key: env, values: [prod]}]
            networks: [{name: lan, addresses: [192.0.2.0/24], fqdn: ["*.example.com"]}]
            plans: [{selector: "env=@live", networks: [plain]}]
            assertions: [{name: no dev, never: {from: env=dev, to: "env=@live"}}]
            """);
        await controller.RunAsync(ExitCode.Refused, "draft", "apply", file);
        var refused = await controller.RunAsync(ExitCode.Refused, "services", "apply", controller.Person.File("bad.yaml", "- name: web\n  ports: [tcp/80, tcp/0]"));
        Assert.Contains("bad.yaml:2:19 services[web].ports[1]: ", refused.Error, StringComparison.Ordinal);
        await controller.RunAsync(ExitCode.Ok, "networks", "apply", controller.Person.File("plain.yaml", "{name: plain, addresses: [198.51.100.0/24]}"));
        await controller.RunAsync(ExitCode.Ok, "draft", "apply", file);
        Assert.Contains("prod", (await controller.RunAsync(ExitCode.Ok, "label-groups", "list")).Output, StringComparison.Ordinal);
        Assert.Contains("never", (await controller.RunAsync(ExitCode.Ok, "assertions", "show", "no dev")).Output, StringComparison.Ordinal);
        Assert.Contains("env=@live  plain", (await controller.RunAsync(ExitCode.Ok, "plans", "list")).Output, StringComparison.Ordinal);
        await controller.RunAsync(ExitCode.Refused, "label-groups", "delete", "live");
        await controller.RunAsync(ExitCode.Ok, "assertions", "delete", "no dev");
        await controller.RunAsync(ExitCode.Ok, "plans", "delete", "env=@live");
        await controller.RunAsync(ExitCode.Ok, "label-groups", "delete", "live");
        var left = (await controller.RunAsync(ExitCode.Ok, "draft", "export", "--output", "json")).Json<PolicyDocument>();
        Assert.Equal((0, 0, 0, "*.example.com"), (left.LabelGroups.Count, left.Plans.Count, left.Assertions.Count, left.Networks[0].Fqdn[0]));
    }
}
