using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Tests.Policies;

/// <summary>Provisioning with a second person.</summary>
public sealed class ApprovalTests
{
    [Fact]
    public async Task One_asks_and_another_approves()
    {
        await using var controller = await RunningController.SignedInAsync();
        Assert.Contains("Nothing takes a second person.", (await controller.RunAsync(ExitCode.Ok, "approvals", "scopes")).Output, StringComparison.Ordinal);
        await controller.RunAsync(ExitCode.Usage, "approvals", "scopes", "--scope", "all", "--none");
        Assert.Contains("for: app=shop or env=prod", (await controller.RunAsync(ExitCode.Ok, "approvals", "scopes", "--scope", "env=prod", "--scope", "app=shop")).Output, StringComparison.Ordinal);
        await controller.RunAsync(ExitCode.Ok, "modes", "set", "app=shop", "--inbound", "full");

        Assert.Contains("A second person must approve: the mode of app=shop", (await controller.RunAsync(ExitCode.Ok, "provision", "--plan")).Output, StringComparison.Ordinal);
        var refused = await controller.RunAsync(ExitCode.Refused, "provision", "--note", "fence", "--yes");
        Assert.Contains("bulkhead approvals request --note TEXT", refused.Error, StringComparison.Ordinal);
        await controller.RunAsync(ExitCode.Usage, "approvals", "request", "--note", "fence", "--only", "modes", "--restore", "1");
        await controller.RunAsync(ExitCode.Ok, "approvals", "request", "--note", "fence");
        Assert.Contains("waiting", (await controller.RunAsync(ExitCode.Ok, "approvals", "list")).Output, StringComparison.Ordinal);
        Assert.Contains("somebody else", (await controller.RunAsync(ExitCode.Forbidden, "approvals", "approve", "1", "--yes")).Error, StringComparison.Ordinal);
        await controller.RunAsync(ExitCode.NotFound, "approvals", "approve", "9", "--yes");

        var password = controller.Person.PathOf("ben.password");
        await controller.RunAsync(ExitCode.Ok, "accounts", "create", "ben", "--role", "provisioner", "--secret-file", password);
        using var ben = new Session();
        var chosen = ben.File("password", "another horse battery");
        (await ben.RunAsync("login", controller.Url, "--user", "ben", "--ca-sha256", controller.Fingerprint, "--password-file", password, "--new-password-file", chosen)).Expect(ExitCode.Ok);
        (await ben.RunAsync("approvals", "approve", "1")).Expect(ExitCode.Usage);
        Assert.Contains("inbound: full", (await ben.RunAsync("approvals", "show", "1", "--policy")).Expect(ExitCode.Ok).Output, StringComparison.Ordinal);
        Assert.Equal("app=shop: inbound full, outbound visibility", Assert.Single((await ben.RunAsync("approvals", "show", "1", "--output", "json")).Expect(ExitCode.Ok).Json<ProvisionPlan>().Changes).Details[0].Replace("added ", "", StringComparison.Ordinal));
        var shown = (await ben.RunAsync("approvals", "approve", "1", "--yes")).Expect(ExitCode.Ok).Error;
        Assert.Contains("added app=shop: inbound full", shown, StringComparison.Ordinal);
        Assert.Contains("Between all workloads that could exist", shown, StringComparison.Ordinal);
        var revision = (await controller.RunAsync(ExitCode.Ok, "provision", "--note", "fence", "--yes", "--output", "json")).Json<RevisionView>();
        Assert.StartsWith("ben", revision.ApprovedBy, StringComparison.Ordinal);
        await controller.RunAsync(ExitCode.NotFound, "approvals", "withdraw", "9");

        // To restore takes two as well, and is shown as it will be, not as the draft is.
        await controller.RunAsync(ExitCode.Ok, "modes", "set", "app=shop", "--inbound", "selective");
        await controller.RunAsync(ExitCode.Ok, "approvals", "request", "--note", "open");
        (await ben.RunAsync("approvals", "approve", "2", "--yes")).Expect(ExitCode.Ok);
        await controller.RunAsync(ExitCode.Ok, "provision", "--note", "open", "--yes");
        await controller.RunAsync(ExitCode.Refused, "approvals", "show", "2");
        await controller.RunAsync(ExitCode.Ok, "modes", "set", "app=shop", "--inbound", "visibility");
        await controller.RunAsync(ExitCode.Ok, "approvals", "request", "--note", "back", "--restore", "1");
        shown = (await ben.RunAsync("approvals", "approve", "3", "--yes")).Expect(ExitCode.Ok).Error;
        Assert.Contains("asks to restore revision 1: back", shown, StringComparison.Ordinal);
        Assert.Contains("added app=shop: inbound full", shown, StringComparison.Ordinal);
        await controller.RunAsync(ExitCode.Ok, "approvals", "scopes", "--none");
    }
}
