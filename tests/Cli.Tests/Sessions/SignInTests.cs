using System.Net.Sockets;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Tests.Sessions;

public sealed class SignInTests
{
    [Fact]
    public async Task Replaces_the_one_time_password_and_keeps_a_key_that_signing_out_revokes()
    {
        await using var controller = await RunningController.StartAsync();
        await controller.SignInAsync();
        var profile = controller.Person.Profile.Load();
        Assert.Equal("admin", profile.User);
        Assert.Equal(controller.Fingerprint, (await controller.RunAsync(ExitCode.Ok, "status", "--output", "json")).Json<StatusView>().AuthoritySha256);

        (await controller.RunAsync(ExitCode.Ok, "logout")).ExpectNoSecret(profile.Key);
        Assert.False(File.Exists(controller.Person.Profile.Path));
        controller.Person.Profile.Save(profile);
        await controller.RunAsync(ExitCode.NotSignedIn, "status");

        var stale = controller.Person.File("stale", controller.OneTimePassword);
        await controller.RunAsync(ExitCode.NotSignedIn, "login", controller.Url, "--ca-sha256", controller.Fingerprint, "--password-file", stale);
        var current = controller.Person.File("current", RunningController.NewPassword);
        await controller.RunAsync(ExitCode.Ok, "login", controller.Url, "--ca-sha256", controller.Fingerprint, "--password-file", current);
    }

    [Fact]
    public async Task Shows_secrets_to_nobody()
    {
        await using var controller = await RunningController.StartAsync();
        var old = controller.Person.File("one-time", controller.OneTimePassword);
        var chosen = controller.Person.File("password", RunningController.NewPassword);
        var signedIn = await controller.RunAsync(ExitCode.Ok, "login", controller.Url, "--ca-sha256", controller.Fingerprint, "--password-file", old, "--new-password-file", chosen);
        signedIn.ExpectNoSecret(controller.OneTimePassword, RunningController.NewPassword, controller.Person.Profile.Load().Key);

        var file = controller.Person.PathOf("made.key");
        var made = await controller.RunAsync(ExitCode.Ok, "api-keys", "create", "nightly", "--secret-file", file, "--password-file", chosen);
        made.ExpectNoSecret(File.ReadAllText(file).Trim());
        (await controller.RunAsync(ExitCode.Ok, "api-keys", "list", "--output", "json")).ExpectNoSecret(File.ReadAllText(file).Trim());
    }

    [Fact]
    public async Task A_key_signs_in_with_its_own_role()
    {
        await using var controller = await RunningController.SignedInAsync();
        var file = controller.Person.PathOf("viewer.key");
        await controller.RunAsync(ExitCode.Ok, "api-keys", "create", "viewer", "--role", "viewer", "--secret-file", file, "--password-file", controller.PasswordFile);
        await controller.RunAsync(ExitCode.Ok, "login", controller.Url, "--ca-sha256", controller.Fingerprint, "--key-file", file);
        await controller.RunAsync(ExitCode.Ok, "workloads", "list");
        Assert.Contains("keys make no keys", (await controller.RunAsync(ExitCode.Usage, "api-keys", "create", "more", "--password-file", controller.PasswordFile)).Error, StringComparison.Ordinal);
        var refused = await controller.RunAsync(ExitCode.Forbidden, "workloads", "create", "printer", "--address", "192.0.2.9");
        Assert.Contains("error:", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Accounts_are_made_granted_and_removed_and_keys_narrowed_to_a_scope()
    {
        await using var controller = await RunningController.SignedInAsync();
        var file = controller.Person.PathOf("ann.password");
        (await controller.RunAsync(ExitCode.Ok, "accounts", "create", "ann", "--role", "policyEditor", "--role", "responder", "--scope", "app=shop", "--secret-file", file)).ExpectNoSecret(File.ReadAllText(file).Trim());
        Assert.Contains("policyEditor of app=shop, responder of app=shop", (await controller.RunAsync(ExitCode.Ok, "accounts", "list")).Output, StringComparison.Ordinal);
        var granted = await controller.RunAsync(ExitCode.Ok, "accounts", "grant", "ann", "--role", "auditor", "--add");
        Assert.Contains("auditor, policyEditor of app=shop, responder of app=shop", granted.Output + granted.Error, StringComparison.Ordinal);
        await controller.RunAsync(ExitCode.Ok, "accounts", "reset-password", "ann");
        await controller.RunAsync(ExitCode.Ok, "accounts", "remove", "ann");
        await controller.RunAsync(ExitCode.NotFound, "accounts", "remove", "ann");
        await controller.RunAsync(ExitCode.Usage, "accounts", "create", "bob", "--role", "king");

        var key = controller.Person.PathOf("shop.key");
        await controller.RunAsync(ExitCode.Ok, "api-keys", "create", "shop", "--role", "agentManager", "--scope", "app=shop", "--secret-file", key, "--password-file", controller.PasswordFile);
        await controller.RunAsync(ExitCode.Ok, "login", controller.Url, "--ca-sha256", controller.Fingerprint, "--key-file", key);
        await controller.RunAsync(ExitCode.Ok, "pairing-keys", "create", "tills", "--network", "192.0.2.0/24", "--label", "app=shop", "--secret-file", controller.Person.PathOf("tills.key"));
        await controller.RunAsync(ExitCode.Forbidden, "pairing-keys", "create", "all", "--network", "192.0.2.0/24");
        await controller.RunAsync(ExitCode.Forbidden, "workloads", "create", "printer", "--address", "192.0.2.9", "--label", "app=shop");
    }

    [Fact]
    public async Task Everybody_signs_in_with_what_they_may()
    {
        await using var controller = await RunningController.SignedInAsync();
        var oneTime = controller.Person.PathOf("ann.password");
        await controller.RunAsync(ExitCode.Ok, "accounts", "create", "ann", "--role", "viewer", "--secret-file", oneTime);
        var chosen = controller.Person.File("ann.chosen", "another correct horse");
        await controller.RunAsync(ExitCode.Ok, "login", controller.Url, "--ca-sha256", controller.Fingerprint, "--user", "ann", "--password-file", oneTime, "--new-password-file", chosen);
        await controller.RunAsync(ExitCode.Ok, "workloads", "list");
        await controller.RunAsync(ExitCode.Forbidden, "accounts", "list");
        await controller.RunAsync(ExitCode.Forbidden, "api-keys", "create", "more", "--role", "owner", "--password-file", chosen);
        await controller.RunAsync(ExitCode.Ok, "logout");
    }

    [Fact]
    public async Task Only_the_trusted_authority_is_talked_to()
    {
        await using var controller = await RunningController.SignedInAsync();
        await using var other = await RunningController.StartAsync();
        var password = controller.Person.File("secret", RunningController.NewPassword);
        var refused = await controller.RunAsync(ExitCode.Unreachable, "login", controller.Url, "--ca-sha256", other.Fingerprint, "--password-file", password);
        Assert.Contains("not the controller that you trust", refused.Error, StringComparison.Ordinal);

        var profile = controller.Person.Profile.Load();
        controller.Person.Profile.Save(profile with { Url = new($"{other.Url}/") });
        refused = await controller.RunAsync(ExitCode.Unreachable, "status");
        Assert.Contains("did not prove that it is your controller", refused.Error, StringComparison.Ordinal);

        controller.Person.Profile.Save(profile with { Url = new(profile.Url.ToString().Replace("127.0.0.1", "127.0.0.2", StringComparison.Ordinal)) });
        await controller.RunAsync(ExitCode.Unreachable, "status");
    }

    [Fact]
    public async Task Says_that_nothing_listens()
    {
        using var closed = new Socket(SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        using var person = new Session();
        var refused = (await person.RunAsync("login", $"https://{closed.LocalEndPoint}", "--ca-sha256", new string('0', 64))).Expect(ExitCode.Unreachable);
        Assert.Contains("Nothing listens at", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_authority_may_also_come_from_a_file()
    {
        await using var controller = await RunningController.SignedInAsync();
        var authority = controller.Person.File("ca.crt", controller.Person.Profile.Load().Authority);
        var password = controller.Person.File("secret", RunningController.NewPassword);
        await controller.RunAsync(ExitCode.Ok, "login", controller.Url, "--ca-file", authority, "--password-file", password);
        var wrong = controller.Person.File("wrong.crt", "not a certificate");
        await controller.RunAsync(ExitCode.Usage, "login", controller.Url, "--ca-file", wrong, "--password-file", password);
    }
}
