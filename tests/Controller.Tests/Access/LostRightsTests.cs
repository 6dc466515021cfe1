using System.Net;
using System.Net.Http.Json;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Live;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Tests.Access;

/// <summary>Rights that are taken are gone, also for what was under way, and for whatever was made with them.</summary>
public sealed class LostRightsTests
{
    public static TheoryData<string, string, object> Writes => new()
    {
        { "PUT", "label-keys", new LabelKeys([], ["tier"]) },
        { "POST", "workloads", new CreateWorkload("new", new Dictionary<string, string>(), ["10.0.0.9"]) },
        { "POST", "workloads/labels", new EditLabels([new("one", new Dictionary<string, string> { ["app"] = "shop" }, [], null)], false, null) },
        { "POST", "workloads/one/quarantine", new SetQuarantine(true, "seen beaconing") },
        { "POST", "pairing-keys", new CreatePairingKey("hosts", new Dictionary<string, string>(), ["10.0.0.0/8"], null, DateTimeOffset.UtcNow.AddDays(1), true) },
        { "POST", "policy/provision", new Provision("why", 0, []) },
        { "PUT", "policy/draft/plans", Array.Empty<object>() },
        { "POST", "accounts", new CreateAccount("bob", [new(AccessRole.Owner, null)]) },
        { "POST", "api-keys", new CreateApiKey("more", [new(AccessRole.Viewer, null)], null) },
    };

    [Theory]
    [MemberData(nameof(Writes))]
    public async Task A_write_whose_body_comes_after_its_key_was_revoked_changes_nothing(string method, string path, object body)
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        await owner.PostAsync<WorkloadView>("workloads", new CreateWorkload("one", new Dictionary<string, string>(), ["10.0.0.1"]));
        var made = (await ApiKeyEndpoints.MakeAsync(controller.Ledger, "test", new("late", [new(AccessRole.Owner, null)], null), CancellationToken.None)).Value!;
        using var late = controller.Anonymous();
        late.Authorize(made.Secret);
        using var content = new LateContent(body);
        var answer = late.Http.SendAsync(new HttpRequestMessage(new(method), path) { Content = content });
        await Eventually.HasAsync(
            async () => (await owner.GetAsync<List<ApiKeyView>>("api-keys")).FirstOrDefault(key => key.Id == made.Key.Id && key.LastUsed is not null), "the headers are authenticated");
        await owner.DeleteAsync($"api-keys/{made.Key.Id}");
        var before = await controller.ExportAsync();
        content.Finish();
        using var response = await answer;
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(Tables(before), Tables(await controller.ExportAsync()));
    }

    [Fact]
    public async Task A_write_whose_grant_went_meanwhile_is_refused()
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        using var ann = await controller.PersonAsync(owner, "ann", new Grant(AccessRole.PolicyEditor, null));
        var session = await ann.GetAsync<SessionView>("session");
        var caller = new Caller("ann", session.Grants, Guid.Empty, Guid.Empty, await TokenAsync(controller, "ann"), false, session.Expires);
        await owner.PutAsync<AccountView>("accounts/ann/grants", new SetGrants([new(AccessRole.Viewer, null)]));
        var outcome = await controller.Ledger.WriteAsync<bool>(caller, Permission.Label, (_, _, _) => throw new InvalidOperationException("it ran"), CancellationToken.None);
        Assert.Equal("not-permitted", outcome.Refusal?.Code);
    }

    [Fact]
    public async Task Who_may_no_longer_read_is_told_nothing_more()
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var owner = await controller.ClientAsync();
        using var ann = await controller.PersonAsync(owner, "ann", new Grant(AccessRole.Responder, null));
        var made = await ann.PostAsync<CreatedApiKey>("api-keys", new CreateApiKey("soar", [new(AccessRole.Responder, null)], clock.GetUtcNow().AddDays(30)));
        using var key = controller.Anonymous();
        key.Authorize(made.Secret);
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        using var response = await key.SendAsync(HttpMethod.Get, "events", null);
        using var stream = new StreamReader(await response.Content.ReadAsStreamAsync());
        await owner.PutAsync<AccountView>("accounts/ann/grants", new SetGrants([new(AccessRole.Viewer, null)]));
        Assert.Empty((await key.GetAsync<SessionView>("session")).Permissions);
        var end = stream.ReadToEndAsync(deadline.Token);
        await Eventually.IsAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                controller.Get<LiveFeed>().Publish(LiveKinds.Flows);
                return end.IsCompletedSuccessfully;
            },
            "the stream ends");
    }

    [Fact]
    public async Task A_sign_in_whose_password_was_reset_meanwhile_opens_no_session()
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        using var ann = await controller.PersonAsync(owner, "ann", new Grant(AccessRole.Viewer, null));
        await using var database = await controller.Ledger.ReadAsync(CancellationToken.None);
        var verified = await database.Accounts.AsNoTracking().SingleAsync(a => a.Name == "ann");
        Assert.NotNull((await SessionEndpoints.BeginAsync(controller.Ledger, verified, "first", IPAddress.Loopback, CancellationToken.None)).Value);
        await owner.PostAsync<AccountPassword>("accounts/ann/reset-password", new { });
        Assert.Equal("wrong-password", (await SessionEndpoints.BeginAsync(controller.Ledger, verified, "second", IPAddress.Loopback, CancellationToken.None)).Refusal?.Code);
        await owner.DeleteAsync("accounts/ann");
        Assert.Equal("wrong-password", (await SessionEndpoints.BeginAsync(controller.Ledger, verified, "third", IPAddress.Loopback, CancellationToken.None)).Refusal?.Code);
        Assert.False(await database.Sessions.AnyAsync(session => session.AccountId == verified.Id));
    }

    [Fact]
    public async Task A_reset_revokes_the_keys_of_the_account_and_tells_which()
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        using var ann = await controller.PersonAsync(owner, "ann", new Grant(AccessRole.Responder, null));
        var made = await ann.PostAsync<CreatedApiKey>("api-keys", new CreateApiKey("soar", [new(AccessRole.Responder, null)], DateTimeOffset.UtcNow.AddDays(30)));
        using var key = controller.Anonymous();
        key.Authorize(made.Secret);
        await key.GetAsync<SessionView>("session");

        var reset = await owner.PostAsync<AccountPassword>("accounts/ann/reset-password", new { });
        Assert.Equal(["soar"], reset.RevokedKeys);
        await key.RefusedAsync(HttpMethod.Get, "session", null, 401, "not-signed-in");
        Assert.Contains((await owner.GetAsync<Page<AuditEntryView>>("audit")).Items, entry => entry.Action == "access.reset" && entry.Detail.Contains("soar", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Keys_kept_at_a_reset_do_nothing_until_the_password_was_changed()
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        using var ann = await controller.PersonAsync(owner, "ann", new Grant(AccessRole.Responder, null));
        var made = await ann.PostAsync<CreatedApiKey>("api-keys", new CreateApiKey("soar", [new(AccessRole.Responder, null)], DateTimeOffset.UtcNow.AddDays(30)));
        using var key = controller.Anonymous();
        key.Authorize(made.Secret);
        var reset = await owner.PostAsync<AccountPassword>("accounts/ann/reset-password?keepKeys=true", new { });
        Assert.Empty(reset.RevokedKeys);
        await key.RefusedAsync(HttpMethod.Get, "session", null, 401, "not-signed-in");
        using var again = await controller.SignInAsync("ann", reset.OneTimePassword, "another correct horse");
        await key.GetAsync<SessionView>("session");
    }

    [Fact]
    public async Task A_reset_on_the_machine_revokes_the_keys_of_the_first_account()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.SignInAsync("admin", controller.OneTimePassword!);
        var made = await admin.PostAsync<CreatedApiKey>("api-keys", new CreateApiKey("ci", [new(AccessRole.Viewer, null)], null));
        using var key = controller.Anonymous();
        key.Authorize(made.Secret);
        await key.GetAsync<SessionView>("session");
        await controller.Get<Passwords>().ResetAdminAsync(controller.Ledger, controller.Get<Controller.Storage.DataFolder>(), "access.reset", CancellationToken.None);
        await key.RefusedAsync(HttpMethod.Get, "session", null, 401, "not-signed-in");
    }

    [Fact]
    public async Task A_key_makes_no_keys()
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        await owner.RefusedAsync(HttpMethod.Post, "api-keys", new CreateApiKey("more", [new(AccessRole.Viewer, null)], null), 403, "keys-make-no-keys");
    }

    [Fact]
    public async Task Another_accounts_first_password_leaves_the_first_runs_file()
    {
        await using var controller = await TestController.StartAsync();
        using var owner = await controller.ClientAsync();
        using var ann = await controller.PersonAsync(owner, "ann", new Grant(AccessRole.Viewer, null));
        Assert.True(File.Exists(Path.Combine(controller.Folder, Passwords.FirstRunFile)));
    }

    private static async Task<string> TokenAsync(TestController controller, string account)
    {
        await using var database = await controller.Ledger.ReadAsync(CancellationToken.None);
        return await (from session in database.Sessions join row in database.Accounts on session.AccountId equals row.Id where row.Name == account select session.TokenHash).SingleAsync();
    }

    /// <summary>An export without its first line, which says when it was made.</summary>
    private static string Tables(string export) => export[export.IndexOf('\n', StringComparison.Ordinal)..];

    /// <summary>A body of which only the first byte is sent until <see cref="Finish"/>.</summary>
    private sealed class LateContent : HttpContent
    {
        private readonly TaskCompletionSource _finish = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly byte[] _bytes;

        public LateContent(object body)
        {
            using var json = JsonContent.Create(body, body.GetType(), options: RestJson.Options);
            _bytes = json.ReadAsByteArrayAsync().GetAwaiter().GetResult();
            Headers.ContentType = json.Headers.ContentType;
        }

        public void Finish() => _finish.SetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(_bytes.AsMemory(0, 1));
            await stream.FlushAsync();
            await _finish.Task;
            await stream.WriteAsync(_bytes.AsMemory(1));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _bytes.Length;
            return true;
        }
    }
}
