using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Bulkhead.Contracts.Rest;
using Google.Protobuf;

namespace Bulkhead.Controller.Tests.Agents;

public sealed class PairingTests
{
    [Fact]
    public async Task A_host_with_a_key_becomes_a_workload_with_the_keys_labels_and_its_admitted_addresses()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        var key = await TestController.PairingKeyAsync(admin, labels: [("env", "prod")]);
        using var agent = await TestAgent.PairAsync(controller, key.Secret, "web1", "10.0.0.1", "fd00::1", "192.0.2.7", "127.0.0.1", "fe80::1");

        var workload = (await admin.GetAsync<WorkloadDetail>("workloads/web1")).Workload;
        Assert.Equal(agent.Workload, workload.Id);
        Assert.True(workload.Managed);
        Assert.Equal(["10.0.0.1", "fd00::1"], workload.Addresses);
        Assert.Equal("prod", workload.Labels["env"]);
        Assert.Equal((SyncState.Offline, ModeName.Visibility), (workload.Sync, workload.Inbound));
        Assert.Equal(1, Assert.Single(await admin.GetAsync<List<PairingKeyView>>("pairing-keys")).Uses);
        Assert.Contains(controller.Authority.Sha256, key.Command, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_is_wrong_expired_revoked_used_up_or_of_another_network_pairs_nobody()
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var admin = await controller.ClientAsync();

        async Task RefusedAsync(string secret, string code, string address = "10.0.0.1")
        {
            var refusal = await Assert.ThrowsAsync<RefusedByController>(() => TestAgent.PairAsync(controller, secret, "web1", address));
            Assert.Equal((403, code), (refusal.Status, refusal.Code));
        }

        await RefusedAsync("bhp_nonsense", "key-unknown");
        var key = await TestController.PairingKeyAsync(admin);
        await RefusedAsync(key.Secret, "address-not-admitted", "192.0.2.1");
        await admin.DeleteAsync($"pairing-keys/{key.Key.Id}");
        await RefusedAsync(key.Secret, "key-revoked");
        key = await TestController.PairingKeyAsync(admin, maxUses: 1);
        (await TestAgent.PairAsync(controller, key.Secret, "other", "10.0.0.9")).Dispose();
        await RefusedAsync(key.Secret, "key-used-up");
        key = await TestController.PairingKeyAsync(admin);
        clock.Advance(TimeSpan.FromDays(2));
        await RefusedAsync(key.Secret, "key-expired");

        Assert.Equal("other", Assert.Single((await admin.GetAsync<Page<WorkloadView>>("workloads")).Items).Name);
        Assert.Contains((await admin.GetAsync<Page<AuditEntryView>>("audit")).Items, e => e.Action == "pairing.refused" && e.Detail.Contains("key-revoked", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("truncated")]
    [InlineData("no identity")]
    [InlineData("RSA key")]
    [InlineData("not a request")]
    public async Task A_malformed_request_changes_nothing_and_says_so(string what)
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        var key = await TestController.PairingKeyAsync(admin);
        using var agent = await TestAgent.PairAsync(controller, key.Secret, "sound", "10.0.0.9");
        var request = TestAgent.Request(key.Secret, TestAgent.Identity("web1"), "10.0.0.1");
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        request.SigningRequest = TestAgent.SigningRequest(ec);
        switch (what)
        {
            case "no identity":
                request.Identity = null;
                break;
            case "RSA key":
                using (var rsa = RSA.Create(2048))
                {
                    request.SigningRequest = ByteString.CopyFrom(
                        new CertificateRequest(new X500DistinguishedName(""), rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest());
                }

                break;
            case "not a request":
                request.SigningRequest = ByteString.CopyFrom(1, 2, 3);
                break;
        }

        var body = request.ToByteArray();
        using var response = await agent.PostRawAsync("pair", what == "truncated" ? body[..^10] : body);
        var failure = Contracts.Agent.Failure.Parser.ParseFrom(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal((400, "malformed-message"), ((int)response.StatusCode, failure.Code));
        Assert.Single((await admin.GetAsync<Page<WorkloadView>>("workloads")).Items);
        Assert.Equal(1, Assert.Single(await admin.GetAsync<List<PairingKeyView>>("pairing-keys")).Uses);
    }

    [Fact]
    public async Task The_same_host_pairs_again_into_its_workload_and_its_earlier_certificate_is_void()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        var key = await TestController.PairingKeyAsync(admin, labels: [("env", "prod")]);
        using var first = await TestAgent.PairAsync(controller, key.Secret, "web1", "10.0.0.1");
        await admin.PostAsync<LabelEditResult>("workloads/labels", new EditLabels([new("web1", new Dictionary<string, string> { ["role"] = "web" }, [], null)], false));
        using var second = await TestAgent.PairAsync(controller, key.Secret, "web1", "10.0.0.2");

        Assert.Equal(first.Workload, second.Workload);
        var workload = Assert.Single((await admin.GetAsync<Page<WorkloadView>>("workloads")).Items);
        Assert.Equal(["10.0.0.2"], workload.Addresses);
        Assert.Equal("web", workload.Labels["role"]);
        var refusal = await Assert.ThrowsAsync<RefusedByController>(first.OpenAsync);
        Assert.Equal((403, "revoked"), (refusal.Status, refusal.Code));
        using var stream = await second.OpenAsync();
        Assert.NotNull(await stream.NextAsync());
    }

    [Fact]
    public async Task A_clone_of_a_live_host_is_refused_and_reported_on_the_workload()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        var key = await TestController.PairingKeyAsync(admin);
        using var agent = await TestAgent.PairAsync(controller, key.Secret, "web1", "10.0.0.1");
        using var stream = await agent.OpenAsync();
        Assert.NotNull(await stream.NextAsync());

        using var copy = agent.CopyAt(controller, "127.0.0.2");
        Assert.Equal("clone", (await Assert.ThrowsAsync<RefusedByController>(copy.OpenAsync)).Code);
        Assert.Equal("clone", (await Assert.ThrowsAsync<RefusedByController>(() => copy.SendAsync(copy.Report("10.0.0.1")))).Code);
        Assert.Equal("clone", (await Assert.ThrowsAsync<RefusedByController>(() => TestAgent.PairAsync(controller, key.Secret, "web1", "10.0.0.2"))).Code);
        var changed = agent.CopyAt(controller, "127.0.0.1", TestAgent.Identity("another"));
        Assert.Equal("clone", (await Assert.ThrowsAsync<RefusedByController>(() => changed.SendAsync(changed.Report("10.0.0.1")))).Code);

        var workload = (await admin.GetAsync<WorkloadDetail>("workloads/web1")).Workload;
        Assert.Contains(workload.Problems, p => p.Code == "clone" && p.Message.Contains("127.0.0.", StringComparison.Ordinal));
        Assert.Equal(["10.0.0.1"], workload.Addresses);
        Assert.True(stream.IsQuiet);
        Assert.Contains((await admin.GetAsync<Page<AuditEntryView>>("audit")).Items, e => e.Action == "agent.clone-refused");
    }

    [Fact]
    public async Task A_certificate_can_only_renew_for_a_while_after_it_expired()
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var admin = await controller.ClientAsync();
        var key = await TestController.PairingKeyAsync(admin);
        using var agent = await TestAgent.PairAsync(controller, key.Secret, "web1", "10.0.0.1");
        clock.Advance(TimeSpan.FromHours(25));
        Assert.Equal("certificate-expired", (await Assert.ThrowsAsync<RefusedByController>(agent.OpenAsync)).Code);
        Assert.Equal("certificate-expired", (await Assert.ThrowsAsync<RefusedByController>(() => agent.SendAsync(agent.Report("10.0.0.1")))).Code);

        using var renewed = await agent.RenewAsync(controller);
        using var stream = await renewed.OpenAsync();
        Assert.NotNull(await stream.NextAsync());

        clock.Advance(TimeSpan.FromDays(31));
        Assert.Null(await stream.NextAsync());
        var refusal = await Assert.ThrowsAsync<RefusedByController>(() => agent.RenewAsync(controller));
        Assert.Equal((401, "certificate-expired"), (refusal.Status, refusal.Code));
    }

    [Fact]
    public async Task Without_a_certificate_an_agent_may_only_pair()
    {
        await using var controller = await TestController.StartAsync();
        using var client = new ApiClient(controller.Agents, controller.Authority.Certificate);
        client.Http.DefaultRequestVersion = System.Net.HttpVersion.Version20;
        Assert.Equal(controller.Authority.Certificate.RawData, await client.Http.GetByteArrayAsync(new Uri("/agent/v1/authority", UriKind.Relative)));
        foreach (var (method, path) in new[] { (HttpMethod.Get, "policy"), (HttpMethod.Post, "state"), (HttpMethod.Post, "flows"), (HttpMethod.Post, "renew") })
        {
            using var response = await client.SendAsync(method, $"/agent/v1/{path}", null);
            var failure = Contracts.Agent.Failure.Parser.ParseFrom(await response.Content.ReadAsByteArrayAsync());
            Assert.Equal((401, "certificate-missing"), ((int)response.StatusCode, failure.Code));
        }
    }

    [Fact]
    public async Task A_foreign_certificate_does_not_even_connect()
    {
        await using var controller = await TestController.StartAsync();
        await using var other = await TestController.StartAsync();
        using var admin = await other.ClientAsync();
        using var stranger = await TestAgent.PairAsync(other, (await TestController.PairingKeyAsync(admin)).Secret, "web1", "10.0.0.1");
        using var here = stranger.CopyAt(controller, "127.0.0.1");
        await Assert.ThrowsAnyAsync<HttpRequestException>(here.OpenAsync);
    }

    [Fact]
    public async Task Input_for_a_key_is_checked_whole()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        var problem = await admin.RefusedAsync(HttpMethod.Post, "pairing-keys", new CreatePairingKey(
            " ", new Dictionary<string, string> { ["colour"] = "red", ["env"] = "a|b" }, ["10.0.0.1/8", "nonsense", "10.0.0.0/40"], 0, DateTimeOffset.UtcNow.AddDays(-1), true), 422, "invalid");
        Assert.Equal(
            ["bad-name", "unknown-label-key", "bad-label-value", "host-bits-set", "bad-cidr", "bad-cidr", "bad-max-uses", "bad-expiry"],
            problem.Diagnostics.Select(d => d.Code));
        Assert.Empty(await admin.GetAsync<List<PairingKeyView>>("pairing-keys"));
    }

    [Fact]
    public async Task Null_among_the_networks_of_a_key_is_bad_input()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        var problem = await admin.RefusedAsync(
            HttpMethod.Post, "pairing-keys", """{"name":"k","labels":{},"networks":[null],"expires":"2099-01-01T00:00:00Z","autoAdmit":true}""", 422, "invalid");
        Assert.Equal(("bad-cidr", "networks[0]"), (problem.Diagnostics[0].Code, problem.Diagnostics[0].Path));
    }

    [Fact]
    public async Task Guessing_keys_is_slowed_down_and_never_waits_for_the_writer()
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var admin = await controller.ClientAsync();
        var key = await TestController.PairingKeyAsync(admin);
        var busy = new TaskCompletionSource();
        var writing = controller.Ledger.WriteAsync<bool>("test", async (_, _) =>
        {
            await busy.Task;
            return Controller.Storage.Outcomes.Tried(true);
        }, CancellationToken.None);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("key-unknown", await CodeAsync("bhp_nonsense").WaitAsync(Eventually.Deadline));
        }

        Assert.Equal("too-many-attempts", await CodeAsync(key.Secret).WaitAsync(Eventually.Deadline));
        busy.SetResult();
        await writing;
        clock.Advance(TimeSpan.FromMinutes(1));
        (await TestAgent.PairAsync(controller, key.Secret, "web1", "10.0.0.1")).Dispose();

        async Task<string> CodeAsync(string secret) =>
            (await Assert.ThrowsAsync<RefusedByController>(() => TestAgent.PairAsync(controller, secret, "web1", "10.0.0.1"))).Code;
    }
}
