using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>What the kernel does is what the evaluator says: expected matrix = probed matrix.</summary>
public class MatrixTests
{
    private static readonly (string Name, HostEntry[] Entries)[] RuleSets =
    [
        ("nothing", []),
        ("allow the web", [.. Both(RuleAction.Allow, 1, 0, PortMatch.Tcp(443), PortMatch.Udp(443), Range(1, 8, 8), Range(58, 128, 128))]),
        ("deny the web", [.. Both(RuleAction.Deny, 2, 0, PortMatch.Tcp(80), Range(17, 70, 90), Range(1, 8, 8), Range(58, 128, 128))]),
        ("allow beats deny", [.. Both(RuleAction.Deny, 2, 0, PortMatch.Any), .. Both(RuleAction.Allow, 3, 1, PortMatch.Tcp(80), PortMatch.Udp(443))]),
        ("override-deny beats allow", [.. Both(RuleAction.Allow, 3, 0, PortMatch.Any), .. Both(RuleAction.OverrideDeny, 4, 1, Range(6, 400, 500), PortMatch.Udp(80))]),
        ("lowest rule decides", [.. Both(RuleAction.Deny, 9, 0, PortMatch.Tcp(80)), .. Both(RuleAction.Deny, 5, 1, PortMatch.Whole(IpProtocol.Tcp))]),
        ("others", [.. Both(RuleAction.Allow, 6, 2, PortMatch.Any)]),
    ];

    [Theory]
    [InlineData(EnforcementMode.Visibility)]
    [InlineData(EnforcementMode.Selective)]
    [InlineData(EnforcementMode.Full)]
    public async Task The_kernel_decides_as_the_evaluator_does(EnforcementMode mode)
    {
        await using var bench = new Bench();
        foreach (var (name, entries) in RuleSets)
        {
            var policy = Make(new(mode, mode), entries, Hosts("10.77.0.2", "fd77::2"), Hosts("10.77.0.0/24", "fd77::/64"), Hosts("10.99.0.9"));
            await bench.ApplyAsync(policy);
            await AssertMatrixAsync(bench, policy, name);
        }
    }

    [Fact]
    public async Task Quarantine_leaves_the_controller_and_responders()
    {
        await using var bench = new Bench();
        var policy = Make(default, [.. Both(RuleAction.Allow, 1, 0, PortMatch.Any)], Hosts("10.77.0.2", "fd77::2")) with { Quarantined = true };
        await bench.ApplyAsync(policy);
        await AssertMatrixAsync(bench, policy, "quarantine");
        policy = policy with { Controllers = [new(Bench.PeerAddress(false), 8444), new(Bench.PeerAddress(true), 8444)] };
        await bench.ApplyAsync(policy);
        await AssertMatrixAsync(bench, policy, "quarantine with a controller");
        Assert.True((await Probe.RunAsync(bench, bench.Host, Bench.PeerAddress(true), IpProtocol.Tcp, 8444)).Reached);
        policy = policy with { Responders = Hosts("fd77::/64") };
        await bench.ApplyAsync(policy);
        await AssertMatrixAsync(bench, policy, "quarantine with responders");
        policy = policy with { Quarantined = false, QuarantinedPeers = Hosts("10.77.0.2") };
        await bench.ApplyAsync(policy);
        await AssertMatrixAsync(bench, policy, "a peer in quarantine");
    }

    [Fact]
    public async Task Fail_safe_opens_what_full_enforcement_closes_and_nothing_else()
    {
        await using var bench = new Bench();
        var policy = Make(new(EnforcementMode.Full, EnforcementMode.Full), [.. Both(RuleAction.OverrideDeny, 1, 0, PortMatch.Any)], Hosts("10.77.0.2", "fd77::2"))
            with
        { FailSafe = [new(Hosts("10.77.0.0/24", "fd77::2"), [PortMatch.Tcp(80)])] };
        await bench.ApplyAsync(policy);
        await AssertMatrixAsync(bench, policy, "fail-safe");
        Assert.True((await Probe.RunAsync(bench, bench.Peer, Bench.HostAddress(false), IpProtocol.Tcp, 80)).Reached);
    }

    private static async Task AssertMatrixAsync(Bench bench, HostPolicy policy, string name)
    {
        var evaluator = new HostEvaluator(policy);
        foreach (var (direction, isV6, protocol, port) in Probes())
        {
            var (local, peer) = (Bench.HostAddress(isV6), Bench.PeerAddress(isV6));
            var expected = evaluator.Decide(direction, local, peer, protocol, port, SocketFacts.Unidentified);
            var attempt = direction == Direction.Inbound
                ? await Probe.RunAsync(bench, bench.Peer, local, protocol, port)
                : await Probe.RunAsync(bench, bench.Host, peer, protocol, port);
            Assert.True(
                attempt.Reached == (expected.Outcome == Outcome.Allow) && attempt.Report?.Rule == (attempt.Reached ? null : expected.Rule),
                $"{name}: {direction} {peer} {protocol}/{port}: {expected} but {attempt}");
        }
    }

    private static IEnumerable<(Direction Direction, bool IsV6, byte Protocol, ushort Port)> Probes() =>
        from direction in Enum.GetValues<Direction>()
        from isV6 in (bool[])[false, true]
        from service in ((byte, ushort)[])[(6, 80), (6, 443), (17, 80), (17, 443), isV6 ? ((byte)58, (ushort)128) : ((byte)1, (ushort)8)]
        select (direction, isV6, service.Item1, service.Item2);

    private static IEnumerable<HostEntry> Both(RuleAction action, long rule, int peers, params PortMatch[] ports) =>
        [Entry(Direction.Inbound, action, rule, peers, ports), Entry(Direction.Outbound, action, rule, peers, ports)];
}
