using Bulkhead.Contracts.Rest;

namespace Bulkhead.Controller.Tests.Access;

public sealed class AccountTests
{
    private const string Password = "correct horse battery";

    [Fact]
    public async Task An_account_signs_in_once_with_its_one_time_password_and_may_what_it_was_granted_from_then_on()
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        var made = await owner.PostAsync<AccountPassword>("accounts", new CreateAccount("ann", [new(AccessRole.Viewer, null)]));
        Assert.True(made.Account.MustChangePassword);
        using var ann = await SignInAsync(controller, "ann", made.OneTimePassword);
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
    public async Task One_owner_is_always_left_and_who_stops_being_one_loses_the_keys_that_they_made()
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        await owner.RefusedAsync(HttpMethod.Delete, "accounts/admin", null, 409, "last-owner");
        await owner.RefusedAsync(HttpMethod.Put, "accounts/admin/grants", new SetGrants([new(AccessRole.Viewer, null)]), 409, "last-owner");

        var made = await owner.PostAsync<AccountPassword>("accounts", new CreateAccount("bob", [new(AccessRole.Owner, null)]));
        using var bob = await SignInAsync(controller, "bob", made.OneTimePassword);
        using var key = controller.Anonymous();
        key.Authorize((await bob.PostAsync<CreatedApiKey>("api-keys", new CreateApiKey("bobs", [new(AccessRole.Owner, null)], null))).Secret);
        await bob.DeleteAsync("accounts/admin");
        await key.GetAsync<SessionView>("session");
        await owner.PostAsync<AccountPassword>("accounts", new CreateAccount("carol", [new(AccessRole.Owner, null)]));
        await bob.PutAsync<AccountView>("accounts/bob/grants", new SetGrants([new(AccessRole.Viewer, null)]));
        await key.RefusedAsync(HttpMethod.Get, "session", null, 401, "not-signed-in");
        await bob.RefusedAsync(HttpMethod.Get, "api-keys", null, 403, "not-permitted");
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
        Assert.Equal(["admin"], (await owner.GetAsync<List<AccountView>>("accounts")).Select(account => account.Name));
    }

    private static async Task<ApiClient> SignInAsync(TestController controller, string name, string oneTime)
    {
        var client = controller.Anonymous();
        await client.PostAsync<SessionView>("session", new SignIn(name, oneTime));
        await client.PostAsync<SessionView>("session/password", new ChangePassword(oneTime, Password));
        return client;
    }
}
