using Bulkhead.Contracts.Rest;

namespace Bulkhead.Controller.Tests.Access;

public sealed class AccountTests
{
    [Fact]
    public async Task An_account_signs_in_once_with_its_one_time_password_and_may_what_it_was_granted_from_then_on()
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        var made = await owner.PostAsync<AccountPassword>("accounts", new CreateAccount("ann", [new(AccessRole.Viewer, null)]));
        Assert.True(made.Account.MustChangePassword);
        using var ann = await controller.SignInAsync("ann", made.OneTimePassword);
        await ann.GetAsync<Page<WorkloadView>>("workloads");
        await ann.RefusedAsync(HttpMethod.Get, "audit", null, 403, "not-permitted");

        await owner.PutAsync<AccountView>("accounts/ann/grants", new SetGrants([new(AccessRole.Auditor, null), new(AccessRole.Responder, " app = shop ")]));
        await ann.GetAsync<Page<AuditEntryView>>("audit");
        var session = await ann.GetAsync<SessionView>("session");
        Assert.Equal([new(AccessRole.Auditor, null), new(AccessRole.Responder, "app=shop")], session.Grants);
        Assert.Equal([Permission.Read, Permission.Audit, Permission.Quarantine], session.Permissions);

        await owner.PostAsync<AccountPassword>("accounts/ann/reset-password", new { });
        await ann.RefusedAsync(HttpMethod.Get, "session", null, 401, "not-signed-in");
        await owner.DeleteAsync("accounts/ann");
        Assert.DoesNotContain(await owner.GetAsync<List<AccountView>>("accounts"), account => account.Name == "ann");
        var audit = (await owner.GetAsync<Page<AuditEntryView>>("audit")).Items.Where(entry => entry.Subject == "ann").Select(entry => entry.Action).ToList();
        Assert.Equal(["access.account-delete", "access.reset", "access.grants", "access.password", "access.sign-in", "access.account-create"], audit);
    }

    [Fact]
    public async Task One_owner_is_always_left()
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        await owner.RefusedAsync(HttpMethod.Delete, "accounts/admin", null, 409, "last-owner");
        await owner.RefusedAsync(HttpMethod.Put, "accounts/admin/grants", new SetGrants([new(AccessRole.Viewer, null)]), 409, "last-owner");
        await owner.PostAsync<AccountPassword>("accounts", new CreateAccount("bob", [new(AccessRole.Owner, null)]));
        await owner.DeleteAsync("accounts/admin");
        await owner.RefusedAsync(HttpMethod.Delete, "accounts/bob", null, 409, "last-owner");
    }

    [Fact]
    public async Task A_key_may_never_more_than_who_it_acts_for_and_goes_with_them()
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        var made = await owner.PostAsync<AccountPassword>("accounts", new CreateAccount("ann", [new(AccessRole.PolicyEditor, "app=shop|till"), new(AccessRole.Responder, null)]));
        using var ann = await controller.SignInAsync("ann", made.OneTimePassword);
        var expires = DateTimeOffset.UtcNow.AddDays(30);
        await ann.RefusedAsync(HttpMethod.Post, "api-keys", new CreateApiKey("k", [new(AccessRole.PolicyEditor, null)], expires), 403, "beyond-own-grants");
        await ann.RefusedAsync(HttpMethod.Post, "api-keys", new CreateApiKey("k", [new(AccessRole.Provisioner, "app=shop")], expires), 403, "beyond-own-grants");
        await ann.RefusedAsync(HttpMethod.Post, "api-keys", new CreateApiKey("k", [new(AccessRole.Viewer, null)], null), 422, "invalid");
        await ann.RefusedAsync(HttpMethod.Post, "api-keys", new CreateApiKey("k", [new(AccessRole.Viewer, null)], DateTimeOffset.UtcNow.AddDays(400)), 422, "invalid");

        var grants = new Grant[] { new(AccessRole.PolicyEditor, "app=shop"), new(AccessRole.Responder, "app=pay") };
        var first = await ann.PostAsync<CreatedApiKey>("api-keys", new CreateApiKey("first", grants, expires));
        using var key = controller.Anonymous();
        key.Authorize(first.Secret);
        var second = await ann.PostAsync<CreatedApiKey>("api-keys", new CreateApiKey("second", [grants[1]], expires));
        using var second_ = controller.Anonymous();
        second_.Authorize(second.Secret);
        Assert.Equal(["first", "second"], (await ann.GetAsync<List<ApiKeyView>>("api-keys")).Select(k => k.Name));
        Assert.Equal(["second"], (await second_.GetAsync<List<ApiKeyView>>("api-keys")).Select(k => k.Name));
        await second_.RefusedAsync(HttpMethod.Delete, $"api-keys/{first.Key.Id}", null, 403, "not-permitted");

        await owner.PutAsync<AccountView>("accounts/ann/grants", new SetGrants([new(AccessRole.PolicyEditor, "app=shop")]));
        Assert.Equal([grants[0]], (await key.GetAsync<SessionView>("session")).Grants);
        Assert.Empty((await second_.GetAsync<SessionView>("session")).Permissions);
        await second_.RefusedAsync(HttpMethod.Get, "workloads", null, 403, "not-permitted");
        var others = (await owner.GetAsync<List<ApiKeyView>>("api-keys")).First(k => k.Name.StartsWith("test-", StringComparison.Ordinal));
        await key.RefusedAsync(HttpMethod.Delete, $"api-keys/{others.Id}", null, 403, "not-permitted");
        await ann.DeleteAsync($"api-keys/{second.Key.Id}");
        await owner.DeleteAsync("accounts/ann");
        await key.RefusedAsync(HttpMethod.Get, "session", null, 401, "not-signed-in");
        Assert.DoesNotContain(await owner.GetAsync<List<ApiKeyView>>("api-keys"), k => k.Name == "first");
    }

    [Fact]
    public async Task The_keys_of_an_account_have_different_names_and_the_audit_log_tells_whose_they_are()
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var owner = await controller.ClientAsync();
        using var ann = await controller.PersonAsync(owner, "ann", new Grant(AccessRole.PolicyEditor, null));
        using var bob = await controller.PersonAsync(owner, "bob", new Grant(AccessRole.PolicyEditor, null));
        var request = new CreateApiKey("ci", [new(AccessRole.PolicyEditor, null)], clock.GetUtcNow().AddHours(1));
        await bob.PostAsync<CreatedApiKey>("api-keys", request);
        var made = await ann.PostAsync<CreatedApiKey>("api-keys", request);
        Assert.Equal("duplicate-name", Assert.Single((await ann.RefusedAsync(HttpMethod.Post, "api-keys", request with { Name = " ci " }, 422, "invalid")).Diagnostics).Code);
        using var key = controller.Anonymous();
        key.Authorize(made.Secret);
        await key.PutAsync<LabelKeys>("label-keys", new LabelKeys([], ["tier"]));
        Assert.Equal("ann/key:ci", (await owner.GetAsync<Page<AuditEntryView>>("audit")).Items.First(entry => entry.Action == "label-keys.write").Actor);

        clock.Advance(TimeSpan.FromHours(1));
        await ann.PostAsync<CreatedApiKey>("api-keys", request with { Expires = clock.GetUtcNow().AddHours(1) });
        Assert.Single(await ann.GetAsync<List<ApiKeyView>>("api-keys"));
    }

    [Fact]
    public async Task Names_and_grants_that_cannot_be_are_refused_with_all_their_problems()
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        var problem = await owner.RefusedAsync(
            HttpMethod.Post, "accounts", new CreateAccount("key:ci", [new(AccessRole.Viewer, "app=shop"), new(AccessRole.Responder, "colour=red"), new(AccessRole.Owner, "app=shop")]), 422, "invalid");
        Assert.Equal(["bad-scope", "unknown-label-key", "bad-scope", "bad-name"], problem.Diagnostics.Select(d => d.Code));
        await owner.RefusedAsync(HttpMethod.Post, "accounts", new CreateAccount("system", [new(AccessRole.Viewer, null)]), 422, "invalid");
        await owner.RefusedAsync(HttpMethod.Post, "accounts", new CreateAccount("admin", [new(AccessRole.Viewer, null)]), 422, "invalid");
        await owner.RefusedAsync(HttpMethod.Post, "accounts", new CreateAccount("ann", []), 422, "invalid");
        await owner.RefusedAsync(HttpMethod.Put, "accounts/nobody/grants", new SetGrants([new(AccessRole.Viewer, null)]), 404, "not-found");
        foreach (var name in (string[])["..", ".ann", "-ann", "@", "ann\n", "Ann", "ann/key:ci", new('a', 65)])
        {
            await owner.RefusedAsync(HttpMethod.Post, "accounts", new CreateAccount(name, [new(AccessRole.Viewer, null)]), 422, "invalid");
        }

        Assert.Equal(["admin"], (await owner.GetAsync<List<AccountView>>("accounts")).Select(account => account.Name));
    }
}
