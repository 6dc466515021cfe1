using System.Text.Json;
using Bulkhead.Cli.Connection;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Cli.Tests.Policies;

/// <summary>Draft, provision, restore: against a real controller.</summary>
public sealed class PolicyLifeTests
{
    private const string Storefront = """
        services: [{name: https, ports: [tcp/443]}]
        rulesets:
          - name: storefront-prod
            scopes: [{selector: "app=storefront,env=prod"}]
            rules:
              - {from: role=web, to: role=app, services: [tcp/8080]}
              - {from: all, to: role=web, services: [https], within: to}
        """;

    [Fact]
    public async Task A_policy_is_drafted_provisioned_and_restored()
    {
        await using var controller = await RunningController.SignedInAsync();
        await controller.RunAsync(ExitCode.Refused, "provision", "--note", "nothing", "--yes");

        var file = controller.Person.File("storefront.yaml", Storefront);
        var status = (await controller.RunAsync(ExitCode.Ok, "draft", "apply", file, "--output", "json")).Json<DraftStatus>();
        Assert.Equal(["ruleset storefront-prod added", "service https added"], status.Changes.Select(change => $"{change.Kind} {change.Name} {change.Change}").Order(StringComparer.Ordinal));
        await controller.RunAsync(ExitCode.Ok, "modes", "set", "app=storefront,env=prod", "--inbound", "full");

        await controller.RunAsync(ExitCode.Usage, "provision", "--note", "fence");
        var first = (await controller.RunAsync(ExitCode.Ok, "provision", "--note", "fence", "--yes", "--wait", "--output", "json")).Json<RevisionView>();
        Assert.Equal((1, "fence"), (first.Number, first.Note));
        Assert.Empty((await controller.RunAsync(ExitCode.Ok, "draft", "apply", file, "--output", "json")).Json<DraftStatus>().Changes);

        await controller.RunAsync(ExitCode.Ok, "modes", "delete", "app=storefront,env=prod");
        await controller.RunAsync(ExitCode.Ok, "provision", "--note", "open", "--yes");
        var restored = (await controller.RunAsync(ExitCode.Ok, "revisions", "restore", "1", "--note", "fence again", "--yes", "--output", "json")).Json<RevisionView>();
        Assert.Equal((3, 1, first.Hash), (restored.Number, restored.RestoredFrom, restored.Hash));

        var listed = (await controller.RunAsync(ExitCode.Ok, "revisions", "list")).Output;
        Assert.All(["fence", "open", "fence again", "3 (as 1)"], text => Assert.Contains(text, listed, StringComparison.Ordinal));
        Assert.Contains("storefront-prod", (await controller.RunAsync(ExitCode.Ok, "revisions", "show", "1", "--policy")).Output, StringComparison.Ordinal);
        await controller.RunAsync(ExitCode.NotFound, "revisions", "show", "9");
        Assert.Contains("policy.provision", (await controller.RunAsync(ExitCode.Ok, "audit")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_exported_can_be_imported()
    {
        await using var controller = await RunningController.SignedInAsync();
        await controller.RunAsync(ExitCode.Ok, "draft", "apply", controller.Person.File("storefront.yaml", Storefront));
        var before = (await controller.RunAsync(ExitCode.Ok, "draft", "export", "--output", "json")).Json<PolicyDocument>();
        await controller.RunAsync(ExitCode.Ok, "draft", "export", controller.Person.PathOf("all.yaml"));
        await controller.RunAsync(ExitCode.Ok, "draft", "export", controller.Person.PathOf("all.json"));
        foreach (var file in (string[])["all.yaml", "all.json"])
        {
            await controller.RunAsync(ExitCode.Ok, "draft", "discard", "--yes");
            await controller.RunAsync(ExitCode.Ok, "draft", "import", controller.Person.PathOf(file));
            var after = (await controller.RunAsync(ExitCode.Ok, "draft", "export", "--output", "json")).Json<PolicyDocument>();
            Assert.Equal(PolicyJson.Canonical(before), PolicyJson.Canonical(after));
        }
    }

    [Fact]
    public async Task Bad_input_is_refused_with_every_problem_and_changes_nothing()
    {
        await using var controller = await RunningController.SignedInAsync();
        await controller.RunAsync(ExitCode.Ok, "draft", "apply", controller.Person.File("storefront.yaml", Storefront));
        var before = (await controller.RunAsync(ExitCode.Ok, "draft", "changes", "--output", "json")).Json<DraftStatus>().DraftVersion;
        var bad = controller.Person.File("bad.yaml", """
            networks: [{name: lan, addresses: [192.0.2.1/24]}]
            rulesets:
              - name: shop
                scopes: [{selector: team=shop}]
                rules: [{from: "", to: all, services: [http], action: permit}]
            """);
        var refused = await controller.RunAsync(ExitCode.Refused, "draft", "apply", bad);
        Assert.All(
            ["networks[lan]", "unknown-label-key", "rulesets[shop].rules[0].from", "unknown-service", "rulesets[shop].rules[0].action"],
            said => Assert.Contains(said, refused.Error, StringComparison.Ordinal));
        Assert.Equal(before, (await controller.RunAsync(ExitCode.Ok, "draft", "changes", "--output", "json")).Json<DraftStatus>().DraftVersion);
        await controller.RunAsync(ExitCode.NotFound, "rulesets", "show", "shop");
        await controller.RunAsync(ExitCode.NotFound, "rulesets", "delete", "storefront-prod", "shop");
        Assert.Contains("8080", (await controller.RunAsync(ExitCode.Ok, "rulesets", "show", "storefront-prod")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_edit_of_a_draft_that_somebody_else_changed_is_refused()
    {
        await using var controller = await RunningController.SignedInAsync();
        var profile = controller.Person.Profile.Load();
        using var authority = Authority.FromPem(profile.Authority, "profile");
        using var client = new ControllerClient(profile.Url, authority, profile.Key);
        var (draft, version) = await client.GetVersionedAsync<PolicyDocument>("policy/draft", CancellationToken.None);
        Assert.NotNull(version);
        await controller.RunAsync(ExitCode.Ok, "draft", "apply", controller.Person.File("storefront.yaml", Storefront));
        var failure = await Assert.ThrowsAsync<Failure>(() => client.SendAsync<DraftStatus>(HttpMethod.Put, "policy/draft", draft, CancellationToken.None, version));
        Assert.Equal(ExitCode.Conflict, failure.ExitCode);
    }

    [Fact]
    public async Task An_empty_controller_is_shown_as_such()
    {
        await using var controller = await RunningController.SignedInAsync();
        string[] lines =
        [
            "flows", "map", "draft show", "draft changes", "draft impact", "rulesets list", "services list", "networks list", "modes list", "fail-safe list",
            "revisions list", "workloads list", "labels keys list", "pairing-keys list", "api-keys list", "audit", "status",
        ];
        foreach (var line in lines)
        {
            Assert.NotEmpty((await controller.RunAsync(ExitCode.Ok, line.Split(' '))).Output.Trim());
            using var json = JsonDocument.Parse((await controller.RunAsync(ExitCode.Ok, [.. line.Split(' '), "--output", "json"])).Output);
            Assert.NotEqual(JsonValueKind.Null, json.RootElement.ValueKind);
        }
    }
}
