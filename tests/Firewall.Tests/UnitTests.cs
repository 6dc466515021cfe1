using System.Diagnostics;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>Rules for systemd units, told apart by cgroup.</summary>
public sealed class UnitTests : IAsyncLifetime
{
    private static readonly Modes _full = new(EnforcementMode.Full, EnforcementMode.Full);
    private static readonly Modes _selective = new(EnforcementMode.Selective, EnforcementMode.Selective);

    private readonly TestCgroup _cgroup = new();
    private readonly Bench _bench;

    public UnitTests() => _bench = new(_cgroup);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _bench.DisposeAsync();
        _cgroup.Dispose();
    }

    [Fact]
    public async Task A_refresh_is_of_the_policy_that_came_last_though_there_was_nothing_to_do_for_it()
    {
        HostPolicy Policy(string unit) => Make(_full, Both(RuleAction.Allow, 1, unit, false), Hosts("10.77.0.2", "fd77::/64"));
        // While neither unit runs, the two say the same.
        await _bench.ApplyAsync(Policy("one.service"));
        Assert.Equal(0, (await _bench.ApplyAsync(Policy("two.service"))).Steps);
        Puppet("one.service").Serve(IpProtocol.Tcp, 5001);
        Puppet("two.service").Serve(IpProtocol.Tcp, 5002);
        Assert.True((await _bench.Host.Inside(() => _bench.Driver.RefreshAsync(CancellationToken.None))).Ok);
        Assert.True((await Probe.RunAsync(_bench, _bench.Peer, Bench.HostAddress(false), IpProtocol.Tcp, 5002)).Reached);
        Assert.False((await Probe.RunAsync(_bench, _bench.Peer, Bench.HostAddress(false), IpProtocol.Tcp, 5001)).Reached);
    }

    public static TheoryData<RuleAction, bool> Rules => new()
    {
        { RuleAction.Allow, false }, { RuleAction.Deny, false }, { RuleAction.Deny, true }, { RuleAction.OverrideDeny, false },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public async Task The_kernel_decides_by_unit_as_the_evaluator_does(RuleAction action, bool unidentified)
    {
        // A unit, one within it that is another, a plain folder of the unit, another unit, and none.
        (string Path, string? Unit, ushort Port)[] places =
        [
            ("app.service", "app.service", 5001), ("app.service/inner.service", "inner.service", 5002), ("app.service/worker", "app.service", 5003),
            ("system.slice/other.service", "other.service", 5004), ("system.slice", null, 5005),
        ];
        foreach (var (path, _, port) in places)
        {
            Puppet(path).Serve(IpProtocol.Tcp, port);
            Puppet(path).Serve(IpProtocol.Udp, port);
        }

        var conditioned = Both(action, 1, "app.service", unidentified);
        var policy = Make(action == RuleAction.Allow ? _full : _selective, action == RuleAction.OverrideDeny ? [.. conditioned, .. Both(RuleAction.Allow, 2, null, false)] : conditioned, Hosts("10.77.0.2", "fd77::/64"));
        await _bench.ApplyAsync(policy);

        var evaluator = new HostEvaluator(policy);
        var reached = 0;
        foreach (var (path, unit, port) in places)
        {
            foreach (var (isV6, protocol) in ((bool, byte)[])[(false, IpProtocol.Tcp), (true, IpProtocol.Tcp), (false, IpProtocol.Udp), (true, IpProtocol.Udp)])
            {
                var (local, peer) = (Bench.HostAddress(isV6), Bench.PeerAddress(isV6));
                foreach (var direction in Enum.GetValues<Direction>())
                {
                    var served = direction == Direction.Inbound ? port : (ushort)443;
                    var expected = evaluator.Decide(direction, local, peer, protocol, served, SocketFacts.Of(null, unit, []));
                    var attempt = direction == Direction.Inbound
                        ? await Probe.RunAsync(_bench, _bench.Peer, local, protocol, port)
                        : await Puppet(path).ConnectAsync(_bench, peer, protocol, 443);
                    Assert.True(
                        attempt.Reached == (expected.Outcome == Outcome.Allow) && attempt.Report?.Rule == (attempt.Reached ? null : expected.Rule),
                        $"{action}: {path} {direction} {peer} {protocol}/{served}: {expected} but {attempt}");
                    reached += attempt.Reached ? 1 : 0;
                }
            }
        }

        Assert.InRange(reached, 10, 30);
    }

    [Theory]
    [InlineData(RuleAction.Allow, true)]
    [InlineData(RuleAction.Deny, false)]
    public async Task A_unit_that_is_started_again_waits_until_the_rules_know_it_and_is_never_judged_as_another(RuleAction action, bool passes)
    {
        _cgroup.Below("app.service");
        var policy = Make(action == RuleAction.Allow ? _full : _selective, Both(action, 1, "app.service", false), Hosts("10.77.0.2"));
        await _bench.ApplyAsync(policy);
        _cgroup.Remove("app.service");

        var attempt = Puppet("app.service").ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443);
        await WaitingAsync();
        Assert.False(attempt.IsCompleted);
        var outcome = await _bench.Host.Inside(() => _bench.Driver.RefreshAsync(default));

        Assert.True(outcome.Ok, outcome.Error);
        // What is denied is ended while it still tries.
        Assert.Equal(passes ? 0 : 1, outcome.Destroyed);
        Assert.True(!passes || (await attempt).Reached);
    }

    [Fact]
    public async Task Tightening_to_a_unit_ends_connections_of_others_only()
    {
        var served = Both(RuleAction.Allow, 1, null, false);
        Puppet("app.service").Serve(IpProtocol.Tcp, 5001);
        Puppet("other.service").Serve(IpProtocol.Tcp, 5002);
        await _bench.ApplyAsync(Make(_full, served, Hosts("10.77.0.2", "fd77::2")));
        var app = await _bench.DialAsync(_bench.Peer, Bench.HostAddress(true), 5001);
        var other = await _bench.DialAsync(_bench.Peer, Bench.HostAddress(false), 5002);

        var outcome = await _bench.ApplyAsync(Make(_full, Both(RuleAction.Allow, 1, "app.service", false), Hosts("10.77.0.2", "fd77::2")));

        Assert.Equal(1, outcome.Destroyed);
        await Bench.TalkAsync(app);
        await Assert.ThrowsAnyAsync<Exception>(() => Bench.TalkAsync(other));
    }

    [Fact]
    public async Task Cgroups_that_come_and_go_while_rules_are_loaded_do_not_keep_the_policy_from_being_enforced()
    {
        using var stop = new CancellationTokenSource();
        var churn = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                _cgroup.Below("fickle.service");
                _cgroup.Remove("fickle.service");
            }
        });
        _cgroup.Below("app.service");
        var policy = Make(_full, Both(RuleAction.Allow, 1, "app.service", false), Hosts("10.77.0.2"));
        var succeeded = 0;
        for (var i = 0; i < 20; i++)
        {
            succeeded += (await _bench.Host.Inside(() => _bench.Driver.ApplyAsync(policy, replace: true, default))).Ok ? 1 : 0;
        }

        await stop.CancelAsync();
        await churn;
        await _bench.ApplyAsync(policy, replace: true);
        Assert.True(succeeded > 10, $"{succeeded} of 20");
        Assert.True((await Puppet("app.service").ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443)).Reached);
    }

    [Fact]
    public async Task A_word_comes_of_every_cgroup_that_is_made_or_removed()
    {
        using var told = new SemaphoreSlim(0);
        using var watch = _cgroup.Units.Watch(() => told.Release(), TimeProvider.System);
        var before = _cgroup.Units.Read();
        _cgroup.Below("system.slice/deep.slice/app.service");
        Assert.True(await told.WaitAsync(Bench.Deadline));
        Assert.NotEqual(before, _cgroup.Units.Read());
        Assert.Contains(_cgroup.Units.Read()!.Below, c => c.Unit == "app.service" && c.Level == 4);
    }

    private Puppet Puppet(string path) => new(_bench.Host, _cgroup.Below(path));

    private async Task WaitingAsync()
    {
        var began = Stopwatch.GetTimestamp();
        while (!_bench.Host.Run("nft", "list", "chain", "inet", "bulkhead", "out_wait").Contains("packets 1 ", StringComparison.Ordinal))
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < Bench.Deadline, "nothing waits");
            await Task.Yield();
        }
    }

    private static IEnumerable<HostEntry> Both(RuleAction action, long rule, string? unit, bool unidentified) =>
        ((Direction[])[Direction.Inbound, Direction.Outbound]).Select(direction =>
            Entry(direction, action, rule, 0, PortMatch.Whole(IpProtocol.Tcp), PortMatch.Whole(IpProtocol.Udp)) with { Process = unit is null ? null : new(null, unit), UnidentifiedMatches = unidentified });
}
