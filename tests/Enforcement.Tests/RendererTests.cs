using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Marks;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using FsCheck;
using FsCheck.Fluent;
using Outcome = Bulkhead.Policy.Evaluate.Outcome;
using Verdict = Bulkhead.Enforcement.Documents.Verdict;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Enforcement.Tests;

public class RendererTests
{
    [Fact]
    public void The_document_decides_as_the_evaluator_does_and_reports_its_rule() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(400), Prop.ForAll(Arb.From(Policies.Any), policy =>
        {
            var interpreter = new Interpreter(FirewallRenderer.Render(policy, NameLookups.None));
            var evaluator = new HostEvaluator(policy);
            foreach (var direction in Enum.GetValues<Direction>())
            {
                foreach (var peer in Peers)
                {
                    foreach (var (protocol, port) in Probes.Where(p => p.Protocol != (peer.IsV6 ? IpProtocol.Icmp : IpProtocol.IcmpV6)))
                    {
                        var decision = evaluator.Decide(direction, peer.IsV6 ? LocalV6 : LocalV4, peer, protocol, port, SocketFacts.Unidentified);
                        var fate = interpreter.Run(First(direction, peer, protocol, port));
                        Assert.True(
                            fate.Passes == (decision.Outcome == Outcome.Allow) && fate.Report?.Rule == (fate.Passes ? null : decision.Rule),
                            $"{direction} {peer} {protocol}/{port}: {decision} but {fate}");
                    }
                }
            }
        }));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_the_agent_itself_is_blocked_from_is_reported_as_all_else_by_a_rule_that_nobody_elses_packets_meet(bool hasCgroup)
    {
        const ushort port = 443;
        var apart = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), Prop.ForAll(Arb.From(Policies.Any), policy =>
        {
            var plain = new Interpreter(FirewallRenderer.Render(policy, NameLookups.None));
            var own = new Interpreter(FirewallRenderer.Render(policy, new NameLookups(hasCgroup ? new(2, "bulkhead/agent.service") : null, []) { ControllerPort = port }));
            foreach (var (direction, peer) in Enum.GetValues<Direction>().SelectMany(d => Peers.Select(p => (d, p))))
            {
                foreach (var (protocol, to) in Probes.Where(p => p.Protocol != (peer.IsV6 ? IpProtocol.Icmp : IpProtocol.IcmpV6)))
                {
                    var byAgent = !hasCgroup || to % 2 == 1;
                    var packet = First(direction, peer, protocol, to) with { Cgroup = byAgent ? "bulkhead/agent.service" : "bulkhead/other.service" };
                    var (before, after) = (plain.Run(packet), own.Run(packet));
                    Assert.Equal((before.Verdict, before.Report), (after.Verdict, after.Report));
                    var isOwn = direction == Direction.Outbound && (hasCgroup ? byAgent : protocol == IpProtocol.Tcp && to == port) && after.Report?.Reason is BlockReason.Default or BlockReason.Deny or BlockReason.OverrideDeny;
                    Assert.Equal(isOwn, after.ReportedIn?.EndsWith("_agent", StringComparison.Ordinal) ?? false);
                    apart += isOwn ? 1 : 0;
                }
            }
        }));
        Assert.True(apart > 20, $"{apart} of the agent's own");
    }

    [Fact]
    public void Helpers_are_given_and_what_they_expect_is_judged_as_the_evaluator_says_and_unmarked_as_anything_else()
    {
        var (given, expected) = (0, 0);
        const uint ours = MarkTable.DefaultMask;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1500), Prop.ForAll(Arb.From(Policies.Any), policy =>
        {
            var interpreter = new Interpreter(FirewallRenderer.Render(policy, NameLookups.None));
            var evaluator = new HostEvaluator(policy);
            foreach (var (direction, peer) in Enum.GetValues<Direction>().SelectMany(d => Peers.Select(p => (d, p))))
            {
                var local = peer.IsV6 ? LocalV6 : LocalV4;
                foreach (var (protocol, port) in Probes.Where(p => p.Protocol != (peer.IsV6 ? IpProtocol.Icmp : IpProtocol.IcmpV6)))
                {
                    var first = First(direction, peer, protocol, port);
                    var helper = evaluator.HelperOf(direction, local, peer, protocol, port, SocketFacts.Unidentified);
                    var fate = interpreter.Run(first);
                    Assert.Equal((helper?.Name, helper is null ? 0 : ours), fate.Given);
                    given += helper is null ? 0 : 1;
                    foreach (var by in ConnectionHelper.All)
                    {
                        var child = first with { State = ConnectionState.Related, ExpectedBy = (by.Name, ours | 5) };
                        var decision = evaluator.DecideExpected(by, direction, local, peer, protocol, port, SocketFacts.Unidentified);
                        // ICMP that is related is an error.
                        Assert.True(IpProtocol.IsIcmp(protocol) || interpreter.Run(child).Passes == (decision.Outcome == Outcome.Allow), $"{child}: {decision}");
                        Assert.True(IpProtocol.IsIcmp(protocol) || interpreter.Run(child with { ExpectedBy = (by.Name, 5) }).Passes == fate.Passes, $"{child} of others");
                        expected += decision.Outcome == Outcome.Allow && !fate.Passes ? 1 : 0;
                        if (protocol == IpProtocol.Tcp && policy.Modes[direction] != EnforcementMode.Visibility && !policy.Quarantined)
                        {
                            Assert.False(interpreter.Run(child with { IsLoneSyn = false }).Passes);
                        }
                    }
                }
            }
        }));
        Assert.True(given > 100 && expected > 50, $"{given} were given helpers, {expected} passed that would not have otherwise");
    }

    [Fact]
    public void What_passes_untracked_and_what_passes_as_a_reply_is_what_stateless_allows_say()
    {
        var (untracked, replies, judged) = (0, 0, 0);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(400), Prop.ForAll(Arb.From(Policies.Any), policy =>
        {
            var interpreter = new Interpreter(FirewallRenderer.Render(policy, NameLookups.None));
            var evaluator = new HostEvaluator(policy);
            foreach (var (way, peer, protocol, service, client, isReply, lone) in Packets())
            {
                var other = way == Direction.Inbound ? Direction.Outbound : Direction.Inbound;
                var (from, to) = isReply ? (service, client) : (client, service);
                var packet = First(way, peer, protocol, to) with { SourcePort = from, IsLoneSyn = lone, Cgroup = "" };
                var request = evaluator.IsUntracked(way, peer, protocol, to, from);
                var reply = evaluator.IsUntracked(other, peer, protocol, from, to) && !(protocol == IpProtocol.Tcp && lone);
                Assert.True(interpreter.Untracks(packet) == (request || reply), $"{packet}: request {request}, reply {reply}");
                Assert.True(way == Direction.Outbound || !interpreter.Untracks(packet with { Cgroup = null }), $"{packet} without a socket");
                Assert.False(interpreter.Untracks(packet with { Loopback = true }));
                var state = request || reply ? ConnectionState.Untracked : ConnectionState.New;
                if (reply && protocol == IpProtocol.Tcp && !policy.Quarantined && policy.Modes[way] != EnforcementMode.Visibility)
                {
                    // Nobody waits for it, or it would not be tracked.
                    Assert.False(interpreter.Run(packet with { State = ConnectionState.New }).Passes);
                }

                if (protocol == IpProtocol.Tcp && !lone && state == ConnectionState.New)
                {
                    continue;
                }

                var decision = evaluator.Decide(way, peer.IsV6 ? LocalV6 : LocalV4, peer, protocol, to, SocketFacts.Unidentified);
                Assert.True(interpreter.Run(packet with { State = state }).Passes == (reply || decision.Outcome == Outcome.Allow), $"{packet} {state}: reply {reply}, {decision}");
                (untracked, replies, judged) = (untracked + (request ? 1 : 0), replies + (reply && decision.Outcome == Outcome.Block ? 1 : 0), judged + 1);
            }
        }));
        Assert.True(untracked > 1_000 && replies > 200, $"{untracked} untracked, {replies} replies that would be blocked as requests, of {judged}");
    }

    [Fact]
    public void What_is_established_passes_unless_quarantine_ends_it() =>
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(Arb.From(Policies.Any), policy =>
        {
            var interpreter = new Interpreter(FirewallRenderer.Render(policy, NameLookups.None));
            foreach (var (direction, peer) in Enum.GetValues<Direction>().SelectMany(d => Peers.Select(p => (d, p))))
            {
                var packet = First(direction, peer, 6, 7) with { State = ConnectionState.Established, IsLoneSyn = false };
                var localResponds = policy.Responders.Any(r => r.Contains(peer.IsV6 ? LocalV6 : LocalV4));
                var cut = (policy.QuarantinedPeers.Any(q => q.Contains(peer)) && !localResponds)
                    || (policy.Quarantined && !policy.Responders.Any(r => r.Contains(peer)));
                Assert.NotEqual(cut, interpreter.Run(packet).Passes);
            }
        }));

    [Fact]
    public void A_lone_syn_is_judged_whatever_conntrack_takes_it_for() =>
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(Arb.From(Policies.Any), policy =>
        {
            var interpreter = new Interpreter(FirewallRenderer.Render(policy, NameLookups.None));
            foreach (var (direction, peer) in Enum.GetValues<Direction>().SelectMany(d => Peers.Select(p => (d, p))))
            {
                foreach (var (protocol, port) in Probes.Where(p => p.Protocol == IpProtocol.Tcp))
                {
                    var packet = First(direction, peer, protocol, port);
                    Assert.True(packet.IsLoneSyn);
                    Assert.Equal(interpreter.Run(packet).Passes, interpreter.Run(packet with { State = ConnectionState.Established }).Passes);
                }
            }
        }));

    [Fact]
    public void What_is_essential_passes_whatever_the_policy() =>
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(Arb.From(Policies.Any), policy =>
        {
            var interpreter = new Interpreter(FirewallRenderer.Render(policy, NameLookups.None));
            Assert.All(EssentialPackets(), packet => Assert.True(interpreter.Run(packet).Passes, $"{packet}"));
        }));

    [Fact]
    public void What_looks_essential_but_came_from_afar_is_judged_by_the_rules()
    {
        var interpreter = new Interpreter(FirewallRenderer.Render(Make(new(EnforcementMode.Full, EnforcementMode.Full), []), NameLookups.None));
        Assert.All(EssentialPackets().Where(p => p.HopLimit != 64), packet => Assert.False(interpreter.Run(packet with { HopLimit = 64 }).Passes, $"{packet}"));
        Assert.All(EssentialPackets().Where(p => p.SourcePort is 67 or 68 or 546 or 547), packet => Assert.False(interpreter.Run(packet with { SourcePort = 999 }).Passes, $"{packet}"));
    }

    [Fact]
    public void Tcp_that_starts_in_the_middle_is_dropped_where_enforcing_and_only_there()
    {
        foreach (var mode in Enum.GetValues<EnforcementMode>())
        {
            var policy = Make(new(mode, mode), Both(RuleAction.Allow, PortMatch.Any), [IpPrefix.AllV4, IpPrefix.AllV6]);
            var interpreter = new Interpreter(FirewallRenderer.Render(policy, NameLookups.None));
            foreach (var direction in Enum.GetValues<Direction>())
            {
                var fate = interpreter.Run(First(direction, Peers[0], 6, 80) with { IsLoneSyn = false });
                Assert.Equal(mode == EnforcementMode.Visibility, fate.Passes);
                Assert.True(interpreter.Run(First(direction, Peers[0], 6, 80)).Passes);
                Assert.Equal(mode == EnforcementMode.Visibility, interpreter.Run(First(direction, Peers[0], 6, 80) with { State = ConnectionState.Invalid }).Passes);
                if (!fate.Passes)
                {
                    Assert.Equal(new LogPrefix(direction, BlockReason.Invalid), fate.Report);
                }
            }
        }
    }

    [Fact]
    public void Inbound_blocks_drop_and_outbound_blocks_reject()
    {
        var interpreter = new Interpreter(FirewallRenderer.Render(Make(new(EnforcementMode.Full, EnforcementMode.Full), []), NameLookups.None));
        Assert.Equal(new Verdict.Drop(), interpreter.Run(First(Direction.Inbound, Peers[0], 6, 80)).Verdict);
        Assert.Equal(new Verdict.Reset(), interpreter.Run(First(Direction.Outbound, Peers[0], 6, 80)).Verdict);
        Assert.Equal(new Verdict.Prohibit(), interpreter.Run(First(Direction.Outbound, Peers[0], 17, 53)).Verdict);
    }

    [Fact]
    public void A_first_packet_meets_as_few_rules_among_ten_thousand_entries_as_among_ten()
    {
        int[] met = [.. ((int[])[10, 10_000]).Select(count =>
        {
            var ports = Enumerable.Range(1, Math.Max(1, count / 100)).Select(p => PortMatch.Tcp((ushort)(1000 + p))).ToArray();
            var hosts = Enumerable.Range(0, Math.Min(count, 100)).Select(i => IpPrefix.Host(IpAddress.V4(0x0a010000 + (uint)i))).ToEquatableArray();
            var policy = Make(new(EnforcementMode.Full, EnforcementMode.Full), ports.Select((p, i) => Entry(Direction.Inbound, RuleAction.Allow, i + 1, 0, p)), hosts);
            var fate = new Interpreter(FirewallRenderer.Render(policy, NameLookups.None)).Run(First(Direction.Inbound, hosts[^1].Address, 6, ports[^1].First));
            Assert.True(fate.Passes);
            return fate.Rules;
        })];
        Assert.Equal(met[0], met[1]);
        Assert.InRange(met[1], 1, 7);
    }

    [Fact]
    public void In_visibility_a_packet_meets_two_rules()
    {
        var policy = Make(default, Both(RuleAction.Deny, PortMatch.Any), [IpPrefix.AllV4, IpPrefix.AllV6]);
        var fate = new Interpreter(FirewallRenderer.Render(policy, NameLookups.None)).Run(First(Direction.Inbound, Peers[0], 6, 80));
        Assert.Equal((true, 2), (fate.Passes, fate.Rules));
    }

    [Fact]
    public void Name_look_ups_are_open_to_the_agents_cgroup_only()
    {
        var policy = Make(new(EnforcementMode.Visibility, EnforcementMode.Full), []);
        var lookups = new NameLookups(new(2, "bulkhead/agent.service"), [Peers[0]]);
        var script = Plan.NftScript.Replace(FirewallRenderer.Render(policy, lookups));
        Assert.Contains("ip daddr @resolvers_v4 socket cgroupv2 level 2 \"bulkhead/agent.service\" accept", script, StringComparison.Ordinal);
        Assert.DoesNotContain("resolvers", Plan.NftScript.Replace(FirewallRenderer.Render(policy, lookups with { Cgroup = null })), StringComparison.Ordinal);
    }

    [Fact]
    public void A_condition_that_cannot_be_decided_is_never_rendered_away()
    {
        var plain = Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(80));
        foreach (var entry in (HostEntry[])[plain with { Process = new("/usr/bin/x", null) }, plain with { Process = new(null, "x.service") }, plain with { Users = ["dba"] }])
        {
            Assert.Throws<InvalidOperationException>(() => FirewallRenderer.Render(Make(new(EnforcementMode.Full, default), [entry], Hosts("10.0.0.2")), NameLookups.None));
        }
    }

    private static Packet First(Direction direction, IpAddress peer, byte protocol, ushort port)
    {
        var local = peer.IsV6 ? LocalV6 : LocalV4;
        return direction == Direction.Inbound
            ? new(direction, peer, local, protocol, port)
            : new(direction, local, peer, protocol, port);
    }

    private static IEnumerable<(Direction Way, IpAddress Peer, byte Protocol, ushort Service, ushort Client, bool IsReply, bool Lone)> Packets() =>
        from way in Enum.GetValues<Direction>()
        from peer in Peers
        from service in ((byte, ushort)[])[(6, 80), (6, 443), (17, 53), (17, 61)]
        from client in (ushort[])[700, 32767, 32768, 40000]
        from isReply in (bool[])[false, true]
        from lone in (bool[])[true, false]
        where lone || service.Item1 == IpProtocol.Tcp
        select (way, peer, service.Item1, service.Item2, client, isReply, lone);

    private static IEnumerable<HostEntry> Both(RuleAction action, PortMatch port) =>
        [Entry(Direction.Inbound, action, 1, 0, port), Entry(Direction.Outbound, action, 1, 0, port)];

    private static IEnumerable<Packet> EssentialPackets()
    {
        var linkLocal = IpAddress.Parse("fe80::2");
        foreach (var direction in Enum.GetValues<Direction>())
        {
            foreach (var type in (ushort[])[133, 134, 135, 136])
            {
                yield return new(direction, linkLocal, IpAddress.Parse("ff02::1"), IpProtocol.IcmpV6, type) { HopLimit = 255 };
            }

            yield return new(direction, linkLocal, IpAddress.Parse("ff02::16"), IpProtocol.IcmpV6, 143) { HopLimit = 1 };
            yield return new(direction, LocalV4, IpAddress.Parse("224.0.0.22"), 2, 0) { HopLimit = 1 };
            yield return new(direction, Peers[4], LocalV6, IpProtocol.IcmpV6, 2) { State = ConnectionState.Invalid };
            yield return new(direction, Peers[0], LocalV4, IpProtocol.Icmp, 3) { IcmpCode = 4, State = ConnectionState.Invalid };
        }

        yield return new(Direction.Outbound, IpAddress.Parse("0.0.0.0"), IpAddress.Parse("255.255.255.255"), IpProtocol.Udp, 67) { SourcePort = 68 };
        yield return new(Direction.Inbound, Peers[0], IpAddress.Parse("255.255.255.255"), IpProtocol.Udp, 68) { SourcePort = 67 };
        yield return new(Direction.Outbound, linkLocal, IpAddress.Parse("ff02::1:2"), IpProtocol.Udp, 547) { SourcePort = 546 };
        yield return new(Direction.Inbound, linkLocal, IpAddress.Parse("fe80::1"), IpProtocol.Udp, 546) { SourcePort = 547 };
    }
}
