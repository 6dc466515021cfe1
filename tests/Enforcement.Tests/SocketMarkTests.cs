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
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Enforcement.Tests;

/// <summary>Conditions on executable and user, told by the marks of sockets.</summary>
public class SocketMarkTests
{
    private static readonly EquatableArray<string>[] _groups = [["dba"], ["dba", "web"]];

    private static readonly HostCgroups _cgroups = new(new(0, new(".", 1), ""), [new(1, new("a.service", 10), "a.service"), new(1, new("b.slice", 11), "")]);

    [Fact]
    public void The_document_decides_by_executable_user_and_unit_as_the_evaluator_does() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Arb.From(WithOwners), policy =>
        {
            var owners = MarkTable.Owners(policy, _groups);
            var table = MarkTable.Empty.With(owners)!;
            var interpreter = new Interpreter(FirewallRenderer.Render(policy, NameLookups.None, new(_cgroups, table)));
            var evaluator = new HostEvaluator(policy);
            foreach (var (direction, peer, owner) in from direction in Enum.GetValues<Direction>() from peer in (IpAddress[])[Peers[0], Peers[4]] from owner in owners select (direction, peer, owner))
            {
                var local = peer.IsV6 ? LocalV6 : LocalV4;
                foreach (var (cgroup, unit) in ((string, string?)[])[("a.service", "a.service"), ("b.slice", null)])
                {
                    // What is unidentified for its executable still has a user and a unit: the evaluator knows of all or nothing.
                    if (!owner.Identified && (unit is not null || owner.Groups.Count > 0))
                    {
                        continue;
                    }

                    var facts = owner.Identified ? SocketFacts.Of(owner.Path, unit, owner.Groups) : SocketFacts.Unidentified;
                    if (!owner.Identified && policy.Entries.Any(e => e.Process?.Unit is not null || (e.Process?.Path is null && e.Users.Count > 0)))
                    {
                        continue;
                    }

                    var decision = evaluator.Decide(direction, local, peer, 6, 80, facts);
                    var packet = direction == Direction.Inbound ? new Packet(direction, peer, local, 6, 80) : new Packet(direction, local, peer, 6, 80);
                    var fate = interpreter.Run(packet with { Cgroup = cgroup, Mark = table.Of(owner) | 0x1234 });
                    Assert.True(fate.Passes == (decision.Outcome == Outcome.Allow) && fate.Report?.Rule == (fate.Passes ? null : decision.Rule), $"{owner} in {cgroup}: {decision} but {fate}");
                }
            }
        }));

    [Fact]
    public void A_socket_that_nobody_stamped_meets_no_allow() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(100), Prop.ForAll(Arb.From(WithOwners), policy =>
        {
            var conditioned = policy with { Entries = policy.Entries.Where(e => e.HasSocketCondition || e.Action != RuleAction.Allow).ToEquatableArray(), Modes = new(EnforcementMode.Full, EnforcementMode.Full), Quarantined = false, QuarantinedPeers = [], FailSafe = [], Controllers = [] };
            var table = MarkTable.Empty.With(MarkTable.Owners(conditioned, _groups))!;
            var entries = conditioned.Entries.Where(e => e.Process?.Unit is null).ToEquatableArray();
            var interpreter = new Interpreter(FirewallRenderer.Render(conditioned with { Entries = entries }, NameLookups.None, new(_cgroups, table)));
            Assert.All(Probes.Where(p => p.Protocol is 6 or 17), probe => Assert.False(interpreter.Run(new(Direction.Inbound, Peers[0], LocalV4, probe.Protocol, probe.Port) { Cgroup = "a.service", Mark = 0x1234 }).Passes));
        }));

    [Fact]
    public void A_class_keeps_its_mark_whatever_comes_and_no_two_share_one() =>
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(Arb.From(Gen.ListOf(Gen.SubListOf(Enumerable.Range(0, 12)), 6)), steps =>
        {
            var table = MarkTable.Empty with { Mask = 0x0000_00f0 };
            foreach (var step in steps)
            {
                var owners = step.Select(n => new SocketOwner(true, $"/bin/{n}", [])).ToEquatableArray();
                var next = table.With(owners)!;
                Assert.All(table.Marks, m => Assert.Equal(m.Mark, next.Of(m.Owner)));
                Assert.All(owners, owner => Assert.Equal(owner, next.OwnerOf(next.Of(owner) | 0xff00_ff0f)));
                Assert.Equal(next.Marks.Count, next.Marks.Select(m => m.Mark).Distinct().Count());
                Assert.DoesNotContain(next.Marks, m => m.Mark == 0 || m.Mark == next.Mask || (m.Mark & ~next.Mask) != 0);
                table = next;
            }
        }));

    [Fact]
    public void Too_many_classes_are_refused_and_never_share_a_mark()
    {
        var table = MarkTable.Empty with { Mask = 0x0000_0030 };
        Assert.NotNull(table.With(Paths(2)));
        Assert.Null(table.With(Paths(3)));
        Assert.Equal(Paths(1), table.With(Paths(2))!.Only(Paths(1)).Marks.Select(m => m.Owner));
        var entries = Enumerable.Range(1, 300).Select(n => Entry(Direction.Inbound, RuleAction.Allow, n, 0, PortMatch.Tcp(80)) with { Process = new($"/bin/{n}", null) });
        var policy = Make(default, entries, Hosts("10.0.0.2")) with { RequiredFeatures = [Features.Base, Features.ProcessInbound] };
        Assert.Equal("too-many-executables", State.PolicyCheck.Refuse(null, policy, true, [Features.Base, Features.ProcessInbound])?.Code);
        Assert.Null(State.PolicyCheck.Refuse(null, policy, true, [Features.Base, Features.ProcessInbound], 0x00ff_f000));
    }

    [Theory]
    [InlineData("-")]
    [InlineData("?")]
    [InlineData("/usr/bin/app")]
    [InlineData("-\ndba\nweb")]
    [InlineData("/usr/bin/app\ndba")]
    public void What_a_class_is_can_be_written_down(string text)
    {
        Assert.True(SocketOwner.TryParse(text, out var owner));
        Assert.Equal(text, owner.ToString());
        Assert.False(SocketOwner.TryParse("nonsense", out _));
    }

    [Theory]
    [InlineData(0xff00_0000, true)]
    [InlineData(0x0000_0003, true)]
    [InlineData(0x0000_0001, false)]
    [InlineData(0x0000_0505, false)]
    [InlineData(0xffff_ff00, false)]
    [InlineData(0, false)]
    public void A_mask_is_one_run_of_bits(uint mask, bool valid) => Assert.Equal(valid, MarkTable.IsMask(mask));

    private static EquatableArray<SocketOwner> Paths(int count) => Enumerable.Range(0, count).Select(n => new SocketOwner(true, $"/bin/{n}", [])).ToEquatableArray();

    private static Gen<HostPolicy> WithOwners =>
        from policy in Policies.Any
        from processes in Gen.ArrayOf(Gen.Elements<ProcessCondition?>(null, null, new("/bin/a", null), new("/bin/b", null), new("/bin/a", "a.service"), new(null, "a.service")), policy.Entries.Count)
        from users in Gen.ArrayOf(Gen.Elements<EquatableArray<string>>([], [], ["dba"], ["web"], ["none"]), policy.Entries.Count)
        from unidentified in Gen.ArrayOf(Gen.Elements(true, false), policy.Entries.Count)
        select policy with
        {
            Entries = policy.Entries
                .Select((e, i) => e with { Process = processes[i], Users = users[i] })
                // Of a socket whose executable is unknown the kernel may still know that its user is in no group; the evaluator knows of all or nothing.
                .Select((e, i) => e with { UnidentifiedMatches = unidentified[i] && e.HasSocketCondition && e.Action != RuleAction.Allow && (e.Process?.Path is null || e.Users.Count == 0) })
                .ToEquatableArray(),
        };
}
