using System.Collections.Concurrent;
using Bulkhead.Agent.Channel;
using Bulkhead.Agent.Policies;
using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Agent.Tests.Channel;

public sealed class ReceiverTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<HostPolicy> _received = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Problems _problems = new(() => { });
    private TestController _controller = null!;
    private ControllerLink _link = null!;
    private Task _running = null!;

    public async Task InitializeAsync()
    {
        _controller = await TestController.StartAsync();
        _controller.Push(WirePolicies.Policy(1));
        _link = new ControllerLink(_controller.MakeIdentity());
        _running = new PolicyReceiver(_link, _received.Enqueue, () => { }, _problems, TimeProvider.System, NullLogger.Instance).RunAsync(_stop.Token);
        await Eventually.Holds(() => !_received.IsEmpty, "the first policy arrives");
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running);
        _link.Dispose();
        await _controller.DisposeAsync();
    }

    [Fact]
    public async Task Policies_arrive_as_they_are_pushed()
    {
        _controller.Push(WirePolicies.Policy(2));
        await Eventually.Holds(() => _received.Any(p => p.Generation.Number == 2), "the second policy arrives");
        Assert.True(_link.Connected);
    }

    [Fact]
    public async Task A_truncated_message_is_a_problem_that_goes_when_the_stream_is_good_again()
    {
        _controller.SendRaw([200, 1, 2, 3]);
        _controller.EndStreams();
        await Eventually.Holds(() => _problems.Current.Any(p => p.Code == "malformed-answer"), "the problem is stated");
        Assert.All(_received, policy => Assert.Equal(1UL, policy.Generation.Number));

        _controller.Push(WirePolicies.Policy(3));
        _controller.EndStreams();
        await Eventually.Holds(() => _received.Any(p => p.Generation.Number == 3), "the agent is back");
        Assert.Empty(_problems.Current);
    }

    [Fact]
    public async Task A_message_of_an_unknown_kind_is_a_problem()
    {
        _controller.SendRaw([3, 0x98, 0x06, 0x01]);
        await Eventually.Holds(() => _problems.Current.Any(p => p.Code == "unknown-message"), "the problem is stated");
    }

    [Fact]
    public async Task A_revoked_agent_says_so_and_keeps_its_policy()
    {
        _controller.Refuse = _ => (403, new Failure { Code = "revoked", Message = "This workload was revoked.", Remedy = "Pair it again." });
        _controller.EndStreams();
        await Eventually.Holds(() => _problems.Current.Any(p => p.Code == "revoked"), "the problem is stated");
        Assert.False(_link.Connected);
        Assert.Single(_received);
    }

    [Fact]
    public void Only_the_CA_begins_an_epoch()
    {
        using var authority = _link.Identity.ToAuthority();
        var policy = WirePolicies.Policy(1, epoch: 5);
        policy.EpochProof = _controller.Prove(5);
        Assert.True(EpochProofs.Holds(policy, authority));

        policy.EpochProof = _controller.Prove(4);
        Assert.False(EpochProofs.Holds(policy, authority));
        policy.EpochProof = new EpochProof { Epoch = 5, Signature = _controller.Prove(4).Signature };
        Assert.False(EpochProofs.Holds(policy, authority));
        policy.EpochProof = null;
        Assert.False(EpochProofs.Holds(policy, authority));
    }
}
