using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>Rules for executables, told apart by the stamps of our eBPF programs.</summary>
public sealed class OwnerTests : IAsyncLifetime
{
    private static readonly Modes _full = new(EnforcementMode.Full, EnforcementMode.Full);
    private static readonly Modes _selective = new(EnforcementMode.Selective, EnforcementMode.Selective);

    private readonly TestCgroup _cgroup = new();
    private readonly TestPrograms _programs = new();
    private readonly Bench _bench;

    public OwnerTests() => _bench = new(_cgroup);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _bench.DisposeAsync();
        _cgroup.Dispose();
        _programs.Dispose();
    }

    public static TheoryData<RuleAction, bool> Rules => new()
    {
        { RuleAction.Allow, false }, { RuleAction.Deny, false }, { RuleAction.Deny, true }, { RuleAction.OverrideDeny, false },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public async Task The_kernel_decides_by_executable_as_the_evaluator_does(RuleAction action, bool unidentified)
    {
        var (app, other, open) = (_programs.Copy("app"), _programs.Copy("other"), _programs.CopyWritable("app"));
        (string Program, string Unit, SocketFacts Facts, ushort Port)[] owners =
        [
            (app, "x.service", SocketFacts.Of(app, "x.service", []), 5001), (other, "x.service", SocketFacts.Of(other, "x.service", []), 5002),
            (open, "x.service", SocketFacts.Unidentified, 5003), (app, "y.service", SocketFacts.Of(app, "y.service", []), 5004),
        ];
        // Half of the servers are older than the rules and the programs.
        Serve(owners[..2]);
        foreach (var condition in (ProcessCondition[])[new(app, null), new(app, "x.service")])
        {
            var conditioned = Both(action, 1, condition, unidentified);
            var policy = Make(action == RuleAction.Allow ? _full : _selective, action == RuleAction.OverrideDeny ? [.. conditioned, .. Both(RuleAction.Allow, 2, null, false)] : conditioned, Hosts("10.77.0.2", "fd77::/64"));
            await _bench.ApplyAsync(policy);
            if (condition.Unit is null)
            {
                Serve(owners[2..]);
                await _bench.ApplyAsync(policy);
            }

            // With a unit too, a socket of it that could be anybody's is known to be of the unit.
            foreach (var (program, unit, facts, port) in owners.Where(o => condition.Unit is null || o.Facts.Identified))
            {
                await AssertMatrixAsync(policy, new(_bench.Host, _cgroup.Below(unit)) { Program = program }, facts, port);
            }
        }
    }

    [Fact]
    public async Task An_executable_that_was_replaced_counts_before_and_after_and_forked_workers_do()
    {
        var app = _programs.Copy("app");
        Puppet(app).Serve(IpProtocol.Tcp, 5001);
        await _bench.ApplyAsync(Make(_full, Both(RuleAction.Allow, 1, new(app, null), false), Hosts("10.77.0.2")));
        TestPrograms.Replace(app);

        // By a worker of the old one, forked now; by the new one.
        Assert.True((await Probe.RunAsync(_bench, _bench.Peer, Bench.HostAddress(false), IpProtocol.Tcp, 5001)).Reached);
        Puppet(app).Serve(IpProtocol.Tcp, 5002);
        Assert.True((await Probe.RunAsync(_bench, _bench.Peer, Bench.HostAddress(false), IpProtocol.Tcp, 5002)).Reached);
        Assert.True((await Puppet(app).ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443)).Reached);
    }

    [Fact]
    public async Task A_forged_mark_is_refused_and_marks_of_others_are_left_alone()
    {
        const string perl = "/usr/bin/perl";
        var (app, other) = (_programs.Copy("app", perl), _programs.Copy("other", perl));
        await _bench.ApplyAsync(Make(_full, Both(RuleAction.Allow, 1, new(app, null), false), Hosts("10.77.0.2", "fd77::2")));
        foreach (var (isV6, protocol) in ((bool, byte)[])[(false, IpProtocol.Tcp), (true, IpProtocol.Tcp), (false, IpProtocol.Udp), (true, IpProtocol.Udp)])
        {
            var peer = Bench.PeerAddress(isV6);
            Assert.Equal("set 1234 reached", await Puppet(app).MarkAsync(0x1234, peer, protocol, 443));
            Assert.Equal("set 1234 blocked", await Puppet(other).MarkAsync(0x1234, peer, protocol, 443));
            foreach (var (mark, owner) in _cgroup.Owners.Marks!.Marks)
            {
                Assert.Equal(owner == Enforcement.Marks.SocketOwner.Other ? "set 34 blocked" : "refused 0 blocked", await Puppet(other).MarkAsync(mark | 0x34, peer, protocol, 443));
            }
        }
    }

    [Fact]
    public async Task Tightening_to_an_executable_ends_connections_of_others_only()
    {
        var (app, other) = (_programs.Copy("app"), _programs.Copy("other"));
        Puppet(app).Serve(IpProtocol.Tcp, 5001);
        Puppet(other).Serve(IpProtocol.Tcp, 5002);
        await _bench.ApplyAsync(Make(_full, Both(RuleAction.Allow, 1, null, false), Hosts("10.77.0.2", "fd77::2")));
        var kept = await _bench.DialAsync(_bench.Peer, Bench.HostAddress(true), 5001);
        var ended = await _bench.DialAsync(_bench.Peer, Bench.HostAddress(false), 5002);

        var outcome = await _bench.ApplyAsync(Make(_full, Both(RuleAction.Allow, 1, new(app, null), false), Hosts("10.77.0.2", "fd77::2")));

        Assert.Equal(1, outcome.Destroyed);
        await Bench.TalkAsync(kept);
        await Assert.ThrowsAnyAsync<Exception>(() => Bench.TalkAsync(ended));
    }

    [Fact]
    public async Task Programs_go_on_without_the_agent_and_the_next_one_takes_them_over_with_what_they_stamped()
    {
        var (app, second) = (_programs.Copy("app"), _programs.Copy("second"));
        var entries = Both(RuleAction.Allow, 1, new(app, null), false).ToArray();
        await _bench.ApplyAsync(Make(_full, entries, Hosts("10.77.0.2")));
        var before = _cgroup.Owners.Marks!;
        _cgroup.Owners.Dispose();
        Assert.True((await Puppet(app).ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443)).Reached);
        Assert.False((await Puppet(second).ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443)).Reached);
        Puppet(app).Serve(IpProtocol.Tcp, 5001);

        using var owners = new Agent.Linux.Bpf.SocketOwners(_cgroup.Tree);
        Assert.Equal(before, owners.Marks);
        using var next = _bench.Host.Inside(() => Agent.Linux.Firewall.FirewallDriver.Open(() => Enforcement.Render.NameLookups.None, owners));
        var policy = Make(_full, [.. entries, .. Both(RuleAction.Allow, 2, new(second, null), false)], Hosts("10.77.0.2"));
        Assert.True((await _bench.Host.Inside(() => next.ApplyAsync(policy, replace: true, default))).Ok);

        Assert.Equal(before.Marks, owners.Marks!.Marks.Take(before.Marks.Count));
        Assert.True((await Probe.RunAsync(_bench, _bench.Peer, Bench.HostAddress(false), IpProtocol.Tcp, 5001)).Reached);
        Assert.True((await Puppet(second).ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443)).Reached);
        Agent.Linux.Bpf.SocketStamps.Remove(_cgroup.Tree.Root);
        Assert.False((await Puppet(app).ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443)).Reached);
    }

    [Theory]
    [InlineData(RuleAction.Allow)]
    [InlineData(RuleAction.Deny)]
    public async Task The_kernel_decides_by_who_signed_in_as_the_evaluator_does(RuleAction action)
    {
        const uint alice = 30001, bob = 30002, carol = 30003;
        _cgroup.Members[alice] = ["dba", "unrelated"];
        _cgroup.Members[bob] = ["web"];
        var (app, other) = (_programs.Copy("app"), _programs.Copy("other"));
        foreach (var process in (ProcessCondition?[])[null, new(app, null), new(null, "x.service")])
        {
            var entry = Entry(Direction.Outbound, action, 1, 0, PortMatch.Whole(IpProtocol.Tcp), PortMatch.Whole(IpProtocol.Udp)) with { Users = ["dba"], Process = process };
            var policy = Make(action == RuleAction.Allow ? _full : _selective, [entry, .. Both(RuleAction.Allow, 9, null, false).Where(e => e.Direction == Direction.Inbound)], Hosts("10.77.0.2", "fd77::/64"));
            await _bench.ApplyAsync(policy);
            foreach (var program in (string[])[app, other])
            {
                foreach (var (login, user, groups) in ((uint?, uint, string[])[])[(alice, alice, ["dba"]), (alice, 0, ["dba"]), (null, alice, ["dba"]), (bob, bob, ["web"]), (carol, carol, []), (bob, alice, ["web"]), (null, 0, [])])
                {
                    await AssertMatrixAsync(policy, Puppet(program) with { Login = login, User = user }, SocketFacts.Of(program, "x.service", [.. groups]), null);
                }
            }
        }
    }

    [Theory]
    [InlineData(RuleAction.Allow)]
    [InlineData(RuleAction.Deny)]
    public async Task A_rule_for_users_holds_for_executables_that_an_earlier_rule_named(RuleAction action)
    {
        const uint alice = 30001;
        _cgroup.Members[alice] = ["dba"];
        var app = _programs.Copy("app");
        await _bench.ApplyAsync(Make(_full, Both(RuleAction.Allow, 1, new(app, null), false), Hosts("10.77.0.2")));

        var entry = Entry(Direction.Outbound, action, 2, 0, PortMatch.Whole(IpProtocol.Tcp)) with { Users = ["dba"] };
        await _bench.ApplyAsync(Make(action == RuleAction.Allow ? _full : _selective, [entry], Hosts("10.77.0.2")));

        var attempt = await (Puppet(app) with { Login = alice }).ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443);
        Assert.Equal((action == RuleAction.Allow, action == RuleAction.Allow ? null : new RuleId(2)), (attempt.Reached, attempt.Report?.Rule));
    }

    [Fact]
    public async Task While_the_directory_fails_what_stands_goes_on_and_where_nothing_stands_all_else_is_in_force()
    {
        const uint alice = 30001;
        _cgroup.Members[alice] = ["dba"];
        _cgroup.IsSilent = true;
        HostEntry[] entries =
        [
            Entry(Direction.Outbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(443)) with { Users = ["dba"] },
            Entry(Direction.Outbound, RuleAction.OverrideDeny, 2, 0, PortMatch.Tcp(8444)) with { Users = ["web"] },
            Entry(Direction.Outbound, RuleAction.Allow, 3, 0, PortMatch.Tcp(80), PortMatch.Tcp(8444)),
        ];
        var policy = Make(_full, entries, Hosts("10.77.0.2"));
        var puppet = Puppet(_programs.Copy("app")) with { Login = alice };
        var outcome = await _bench.Host.Inside(() => _bench.Driver.ApplyAsync(policy, true, CancellationToken.None));
        Assert.StartsWith("The directory is away. Until it does,", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("80", await ReachedAsync(80, 443, 8444));

        _cgroup.IsSilent = false;
        await _bench.ApplyAsync(policy, replace: true);
        Assert.Equal("80 443 8444", await ReachedAsync(80, 443, 8444));

        _cgroup.IsSilent = true;
        var other = Make(_full, [.. entries[..1], entries[1] with { Users = ["ops"] }, entries[2]], Hosts("10.77.0.2"));
        outcome = await _bench.Host.Inside(() => _bench.Driver.ApplyAsync(other, false, CancellationToken.None));
        Assert.Equal("The directory is away. The rules are as before", outcome.Error);
        Assert.Equal("80 443 8444", await ReachedAsync(80, 443, 8444));

        async Task<string> ReachedAsync(params int[] ports)
        {
            var reached = new List<int>();
            foreach (var port in ports)
            {
                if ((await puppet.ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, (ushort)port)).Reached)
                {
                    reached.Add(port);
                }
            }

            return string.Join(' ', reached);
        }
    }

    [Fact]
    public async Task A_change_of_groups_takes_effect_without_signing_in_again()
    {
        const uint alice = 30001;
        var policy = Make(_full, [Entry(Direction.Outbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(443)) with { Users = ["dba"] }], Hosts("10.77.0.2"));
        await _bench.ApplyAsync(policy);
        var puppet = Puppet(_programs.Copy("app")) with { Login = alice };
        Assert.False((await puppet.ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443)).Reached);
        var time = new ManualTimer();
        var told = 0;
        using var watch = _cgroup.Owners.Watch(() => told++, time);

        _cgroup.Members[alice] = ["dba"];
        time.Fire();
        Assert.Equal(1, told);
        Assert.True((await _bench.Host.Inside(() => _bench.Driver.RefreshAsync(default))).Ok);
        Assert.True((await puppet.ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443)).Reached);

        using var open = puppet.Open(Bench.PeerAddress(false), 443);
        _cgroup.Members.Clear();
        time.Fire();
        time.Fire();
        Assert.Equal(2, told);
        var outcome = await _bench.Host.Inside(() => _bench.Driver.RefreshAsync(default));
        Assert.Equal((null, 1), (outcome.Error, outcome.Destroyed));
        Assert.False((await puppet.ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443)).Reached);
    }

    [Fact]
    public void The_hosts_name_service_says_who_is_in_which_group()
    {
        var members = Agent.Linux.Bpf.UserDirectory.Read(["daemon", "root", "no-such-group-there-is"], [0, 1, 4_000_000_000]);
        Assert.Contains("root", members[0]);
        Assert.Contains("daemon", members[1]);
        Assert.DoesNotContain(members, user => user.Value.Contains("no-such-group-there-is") || user.Key == 4_000_000_000);
    }

    private Puppet Puppet(string program) => new(_bench.Host, _cgroup.Below("x.service")) { Program = program };

    private void Serve(IEnumerable<(string Program, string Unit, SocketFacts Facts, ushort Port)> owners)
    {
        foreach (var (program, unit, _, port) in owners)
        {
            var puppet = new Puppet(_bench.Host, _cgroup.Below(unit)) { Program = program };
            puppet.Serve(IpProtocol.Tcp, port);
            puppet.Serve(IpProtocol.Udp, port);
        }
    }

    private async Task AssertMatrixAsync(HostPolicy policy, Puppet puppet, SocketFacts facts, ushort? port)
    {
        var evaluator = new HostEvaluator(policy);
        foreach (var (isV6, protocol) in ((bool, byte)[])[(false, IpProtocol.Tcp), (true, IpProtocol.Tcp), (false, IpProtocol.Udp), (true, IpProtocol.Udp)])
        {
            var (local, peer) = (Bench.HostAddress(isV6), Bench.PeerAddress(isV6));
            foreach (var direction in Enum.GetValues<Direction>().Where(d => port is not null || d == Direction.Outbound))
            {
                var served = direction == Direction.Inbound ? port!.Value : (ushort)443;
                var expected = evaluator.Decide(direction, local, peer, protocol, served, facts);
                var attempt = direction == Direction.Inbound
                    ? await Probe.RunAsync(_bench, _bench.Peer, local, protocol, served)
                    : await puppet.ConnectAsync(_bench, peer, protocol, 443);
                Assert.True(
                    attempt.Reached == (expected.Outcome == Outcome.Allow) && attempt.Report?.Rule == (attempt.Reached ? null : expected.Rule),
                    $"{puppet.Program} {direction} {peer} {protocol}/{served}: {expected} but {attempt}");
            }
        }
    }

    private static IEnumerable<HostEntry> Both(RuleAction action, long rule, ProcessCondition? process, bool unidentified) =>
        ((Direction[])[Direction.Inbound, Direction.Outbound]).Select(direction =>
            Entry(direction, action, rule, 0, PortMatch.Whole(IpProtocol.Tcp), PortMatch.Whole(IpProtocol.Udp)) with { Process = process, UnidentifiedMatches = unidentified });
}
