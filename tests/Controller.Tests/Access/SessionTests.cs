using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;

namespace Bulkhead.Controller.Tests.Access;

public sealed class SessionTests
{
    private const string Password = "correct horse battery";

    [Fact]
    public async Task The_one_time_password_must_be_changed_before_anything_else()
    {
        await using var controller = await TestController.StartAsync();
        using var client = controller.Anonymous();
        var file = Path.Combine(controller.Folder, Passwords.FirstRunFile);
        Assert.Equal(controller.OneTimePassword, (await File.ReadAllTextAsync(file)).Trim());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));

        var session = await client.PostAsync<SessionView>("session", new SignIn("Admin", controller.OneTimePassword!));
        Assert.True(session.MustChangePassword);
        await client.RefusedAsync(HttpMethod.Get, "workloads", null, 403, "must-change-password");
        var problem = await client.RefusedAsync(HttpMethod.Post, "session/password", new ChangePassword(controller.OneTimePassword!, "short"), 422, "invalid");
        Assert.Equal("bad-password", Assert.Single(problem.Diagnostics).Code);
        problem = await client.RefusedAsync(HttpMethod.Post, "session/password", new ChangePassword("not this one", Password), 422, "invalid");
        Assert.Equal("current", Assert.Single(problem.Diagnostics).Path);

        Assert.False((await client.PostAsync<SessionView>("session/password", new ChangePassword(controller.OneTimePassword!, Password))).MustChangePassword);
        Assert.False(File.Exists(file));
        await client.GetAsync<Page<WorkloadView>>("workloads");

        await controller.RestartAsync();
        Assert.Null(controller.OneTimePassword);
        using var again = controller.Anonymous();
        await again.PostAsync<SessionView>("session", new SignIn("admin", Password));
    }

    [Fact]
    public async Task Changing_the_password_ends_other_sessions()
    {
        await using var controller = await TestController.StartAsync();
        using var one = controller.Anonymous();
        using var two = controller.Anonymous();
        await one.PostAsync<SessionView>("session", new SignIn("admin", controller.OneTimePassword!));
        await two.PostAsync<SessionView>("session", new SignIn("admin", controller.OneTimePassword!));
        await one.PostAsync<SessionView>("session/password", new ChangePassword(controller.OneTimePassword!, Password));
        await one.GetAsync<SessionView>("session");
        await two.RefusedAsync(HttpMethod.Get, "session", null, 401, "not-signed-in");
    }

    [Fact]
    public async Task The_cookie_is_for_this_host_and_for_no_script()
    {
        await using var controller = await TestController.StartAsync();
        using var client = controller.Anonymous();
        using var response = await client.SendAsync(HttpMethod.Post, "session", new SignIn("admin", controller.OneTimePassword!));
        var cookie = Assert.Single(response.Headers.GetValues("Set-Cookie"));
        Assert.StartsWith("__Host-", cookie, StringComparison.Ordinal);
        Assert.Contains("; secure", cookie, StringComparison.Ordinal);
        Assert.Contains("; httponly", cookie, StringComparison.Ordinal);
        Assert.Contains("; samesite=strict", cookie, StringComparison.Ordinal);
        Assert.DoesNotContain("domain", cookie, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_by_cookie_needs_the_header_that_other_sites_cannot_send()
    {
        await using var controller = await TestController.StartAsync();
        using var client = controller.Anonymous();
        await client.PostAsync<SessionView>("session", new SignIn("admin", controller.OneTimePassword!));
        client.Http.DefaultRequestHeaders.Remove("X-Bulkhead");
        await client.RefusedAsync(HttpMethod.Post, "session/password", new ChangePassword(controller.OneTimePassword!, Password), 403, "write-header-missing");
        await client.GetAsync<SessionView>("session");
    }

    [Fact]
    public async Task Guessing_is_slowed_down_and_audited_without_the_password()
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var client = controller.Anonymous();
        for (var i = 0; i < SignInThrottle.Burst; i++)
        {
            await client.RefusedAsync(HttpMethod.Post, "session", new SignIn("admin", "a guess of mine"), 401, "wrong-password");
        }

        await client.RefusedAsync(HttpMethod.Post, "session", new SignIn("admin", controller.OneTimePassword!), 429, "too-many-attempts");
        clock.Advance(TimeSpan.FromMinutes(1));
        await client.PostAsync<SessionView>("session", new SignIn("admin", controller.OneTimePassword!));

        using var admin = await controller.ClientAsync();
        var audit = await admin.GetAsync<Page<AuditEntryView>>("audit");
        Assert.Equal(SignInThrottle.Burst, audit.Items.Count(entry => entry.Action == "access.sign-in-refused"));
        Assert.DoesNotContain(audit.Items, entry => entry.Detail.Contains("guess", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_strangers_type_for_a_name_is_not_kept()
    {
        await using var controller = await TestController.StartAsync();
        using var client = controller.Anonymous();
        await client.RefusedAsync(HttpMethod.Post, "session", new SignIn(Password, "x"), 401, "wrong-password");
        var problem = await client.RefusedAsync(HttpMethod.Post, "session", new SignIn(new string('n', 129), "x"), 422, "invalid");
        Assert.Equal(("bad-name", "user"), (problem.Diagnostics[0].Code, problem.Diagnostics[0].Path));
        using var admin = await controller.ClientAsync();
        var entry = Assert.Single((await admin.GetAsync<Page<AuditEntryView>>("audit")).Items, e => e.Action == "access.sign-in-refused");
        Assert.Equal(("unknown account", "unknown account"), (entry.Actor, entry.Subject));
    }

    [Fact]
    public async Task A_session_ends_when_signed_out_and_by_itself()
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var client = controller.Anonymous();
        var session = await client.PostAsync<SessionView>("session", new SignIn("admin", controller.OneTimePassword!));
        await client.DeleteAsync("session");
        await client.RefusedAsync(HttpMethod.Get, "session", null, 401, "not-signed-in");

        await client.PostAsync<SessionView>("session", new SignIn("admin", controller.OneTimePassword!));
        clock.Advance(session.Expires!.Value - clock.GetUtcNow());
        await client.RefusedAsync(HttpMethod.Get, "session", null, 401, "not-signed-in");
    }

    [Fact]
    public async Task An_API_key_works_until_it_expires_or_is_revoked_and_is_shown_once()
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var admin = await controller.SignInAsync("admin", controller.OneTimePassword!);
        var made = await admin.PostAsync<CreatedApiKey>("api-keys", new CreateApiKey("ci", [new(AccessRole.Viewer, null)], clock.GetUtcNow().AddHours(1)));
        using var client = controller.Anonymous();
        client.Authorize(made.Secret);
        var session = await client.GetAsync<SessionView>("session");
        Assert.Equal(("ci", false, null), (session.User, session.MustChangePassword, session.Expires));
        Assert.Equal([new(AccessRole.Viewer, null)], session.Grants);
        Assert.Equal([Permission.Read], session.Permissions);
        Assert.NotNull((await admin.GetAsync<List<ApiKeyView>>("api-keys")).Single(k => k.Id == made.Key.Id).LastUsed);
        var stored = await controller.ExportAsync();
        Assert.Contains("\"ci\"", stored, StringComparison.Ordinal);
        Assert.DoesNotContain(made.Secret, stored, StringComparison.Ordinal);

        clock.Advance(TimeSpan.FromHours(1));
        await client.RefusedAsync(HttpMethod.Get, "session", null, 401, "not-signed-in");
        made = await admin.PostAsync<CreatedApiKey>("api-keys", new CreateApiKey("ci2", [new(AccessRole.Viewer, null)], null));
        client.Authorize(made.Secret);
        await client.GetAsync<SessionView>("session");
        await admin.DeleteAsync($"api-keys/{made.Key.Id}");
        await client.RefusedAsync(HttpMethod.Get, "session", null, 401, "not-signed-in");
    }
}
