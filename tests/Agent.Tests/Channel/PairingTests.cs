using Bulkhead.Agent.Channel;
using Bulkhead.Agent.Commands;
using Bulkhead.Agent.State;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Tests.Channel;

public sealed class PairingTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private TestController _controller = null!;

    public async Task InitializeAsync() => _controller = await TestController.StartAsync();

    public async Task DisposeAsync()
    {
        await _controller.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_host_pairs_and_its_identity_opens_the_channel()
    {
        var identity = await PairAsync(_controller.Digest);
        identity.Save(_folder.State());
        var loaded = Identity.Load(_folder.State());

        using var link = new ControllerLink(loaded);
        await link.Client.PostAsync("/agent/v1/state", new StateReport(), StateAck.Parser, default);

        Assert.Equal(identity.WorkloadId, loaded.WorkloadId);
        Assert.Equal("abc", Assert.Single(_controller.Pairings).Identity.HardwareUuid);
        Assert.Equal(DurableFile.Private, File.GetUnixFileMode(_folder.State().Identity));
    }

    [Fact]
    public async Task Another_CA_than_the_pinned_one_gets_no_secret()
    {
        var failure = await Assert.ThrowsAsync<AgentException>(() => PairAsync(new string('0', 64)));
        Assert.Equal("wrong-controller", failure.Code);
        Assert.Empty(_controller.Pairings);
    }

    [Fact]
    public async Task A_bad_key_is_refused_with_what_to_do()
    {
        var refused = await Assert.ThrowsAsync<ChannelException>(() => PairAsync(_controller.Digest, key: "wrong"));
        Assert.Equal(("key-unknown", "Make a new one."), (refused.Failure.Code, refused.Failure.Remedy));
    }

    [Fact]
    public async Task A_server_whose_certificate_is_not_of_the_pinned_CA_is_not_spoken_to()
    {
        await using var other = await TestController.StartAsync();
        using var link = new ControllerLink(other.MakeIdentity() with { Controller = _controller.Address });
        await Assert.ThrowsAsync<HttpRequestException>(() => link.Client.PostAsync("/agent/v1/state", new StateReport(), StateAck.Parser, default));
        Assert.Empty(_controller.States);
    }

    [Fact]
    public async Task A_server_of_another_name_is_not_spoken_to()
    {
        var elsewhere = new UriBuilder(_controller.Address) { Host = "localhost" }.Uri;
        using var link = new ControllerLink(_controller.MakeIdentity() with { Controller = elsewhere });
        await Assert.ThrowsAsync<HttpRequestException>(() => link.Client.PostAsync("/agent/v1/state", new StateReport(), StateAck.Parser, default));
    }

    [Fact]
    public async Task Renewal_brings_a_new_key_and_certificate()
    {
        var identity = _controller.MakeIdentity();
        using var link = new ControllerLink(identity);
        var renewed = await Pairing.RenewAsync(link.Client, identity, default);
        link.Replace(renewed);
        await link.Client.PostAsync("/agent/v1/state", new StateReport(), StateAck.Parser, default);
        Assert.NotEqual(identity.Key, renewed.Key);
        Assert.NotEqual(identity.Certificate, renewed.Certificate);
    }

    [Fact]
    public async Task An_expired_certificate_may_only_renew()
    {
        var identity = _controller.MakeIdentity(TimeSpan.FromMinutes(-1));
        using var link = new ControllerLink(identity);
        var refused = await Assert.ThrowsAsync<ChannelException>(() => link.Client.PostAsync("/agent/v1/state", new StateReport(), StateAck.Parser, default));
        Assert.Equal("certificate-expired", refused.Failure.Code);

        link.Replace(await Pairing.RenewAsync(link.Client, identity, default));
        await link.Client.PostAsync("/agent/v1/state", new StateReport(), StateAck.Parser, default);
    }

    [Fact]
    public void A_certificate_is_due_at_two_thirds_of_its_life()
    {
        var from = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.Equal(from.AddHours(16), CertificateRenewal.DueAt(from, from.AddHours(24)));
    }

    [Theory]
    [InlineData("http://10.0.0.1:8444", "bad-controller")]
    [InlineData("https://10.0.0.1:8444/x", "bad-controller")]
    [InlineData("10.0.0.1", "bad-controller")]
    [InlineData("https://10.0.0.1:8444", "key-unreadable")]
    public async Task A_wrong_argument_is_an_error_that_says_so(string controller, string code)
    {
        var command = PairCommand.Create().Parse(["--controller", controller, "--ca-sha256", new string('0', 64), "--key-file", _folder["none"], "--state", _folder["s"]]);
        var failure = await Assert.ThrowsAsync<AgentException>(() => command.InvokeAsync(new() { EnableDefaultExceptionHandler = false }));
        Assert.Equal(code, failure.Code);
        Assert.False(Directory.Exists(_folder["s"]));
    }

    [Fact]
    public void An_unpaired_host_and_a_damaged_identity_are_told_apart()
    {
        var state = _folder.State();
        Assert.Equal("not-paired", Assert.Throws<AgentException>(() => Identity.Load(state)).Code);
        File.WriteAllText(state.Identity, "{ \"workloadId\": 3 }");
        Assert.Equal("identity-damaged", Assert.Throws<AgentException>(() => Identity.Load(state)).Code);
    }

    [Fact]
    public void One_agent_at_a_time()
    {
        using var first = _folder.State().Lock();
        Assert.Equal("already-running", Assert.Throws<AgentException>(() => _folder.State().Lock()).Code);
    }

    private Task<Identity> PairAsync(string digest, string key = TestController.Key) =>
        Pairing.PairAsync(_controller.Address, digest, key, "web-1", "abc", default);
}
