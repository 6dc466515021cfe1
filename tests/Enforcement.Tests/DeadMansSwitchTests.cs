using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.State;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using FsCheck;
using FsCheck.Fluent;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Enforcement.Tests;

public class DeadMansSwitchTests
{
    private static readonly DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ControllerEndpoint _controller = new(IpAddress.Parse("192.0.2.7"), 8444);
    private static readonly Problem _panic = new("panic", "", "");

    [Fact]
    public void Rules_that_cut_the_channel_give_way_to_the_ones_before_and_other_rules_are_tried_again()
    {
        var state = Run(Proven(At(1)), Offer(At(2, rule: 2)));
        Assert.Equal(At(1).Generation, state.Proven!.Generation);
        state = Run(state, Cut(BlockReason.Default));
        Assert.Equal(At(1), state.Applied);
        Assert.Equal("policy-rolled-back", Assert.Single(state.Problems).Code);

        state = Run(state, Offer(At(3, rule: 2, member: "10.0.0.3")));
        Assert.Equal(At(1, member: "10.0.0.3"), state.Applied);

        state = Run(state, Offer(At(4, rule: 3)), new PolicyEvent.ChannelWorked());
        Assert.Equal(At(4, rule: 3), state.Applied);
        Assert.Empty(state.Problems);
        Assert.Same(state.Applied, state.Proven);
    }

    [Fact]
    public void The_earlier_rules_are_kept_on_disk_until_the_newer_ones_have_shown_that_they_do()
    {
        var state = Proven(At(1));
        (state, var effects) = PolicyMachine.Step(state, Offer(At(2, rule: 2)), _now);
        Assert.Equal([new PolicyEffect.KeepProven(At(1)), new PolicyEffect.Persist(At(2, rule: 2)), new PolicyEffect.Apply(At(2, rule: 2), false)], effects);
        state = Run(state, new PolicyEvent.Applied(state.Effective!));
        (state, effects) = PolicyMachine.Step(state, new PolicyEvent.ChannelWorked(), _now);
        Assert.Equal([new PolicyEffect.ForgetProven()], effects);
        (_, effects) = PolicyMachine.Step(state, Offer(At(3, rule: 2, member: "10.0.0.3")), _now);
        Assert.DoesNotContain(effects, effect => effect is PolicyEffect.KeepProven);
    }

    [Fact]
    public void A_roll_back_that_does_not_help_is_taken_back_and_not_tried_again()
    {
        var state = Run(Proven(At(1)), Offer(At(2, rule: 2)), Cut(BlockReason.Deny), Cut(BlockReason.Default));
        Assert.Equal(At(2, rule: 2), state.Applied);
        Assert.Equal("channel-cut", Assert.Single(state.Problems).Code);
        Assert.Equal(At(2, rule: 2), Run(state, Cut(BlockReason.Default)).Applied);
    }

    [Fact]
    public void Silence_and_drops_of_the_proven_policy_roll_nothing_back()
    {
        Assert.Equal(At(2, rule: 2), Run(Proven(At(1)), Offer(At(2, rule: 2)), new PolicyEvent.Tick()).Applied);
        var state = Run(Proven(At(1)), Cut(BlockReason.Default));
        Assert.Equal(At(1), state.Applied);
        Assert.Equal("channel-cut", Assert.Single(state.Problems).Code);
    }

    [Fact]
    public void After_a_restart_the_newer_policy_is_tried_first_and_rolled_back_again()
    {
        var state = Run(PolicyState.Initial, new PolicyEvent.Started(At(2, rule: 2), default, [], []) { Proven = At(1) });
        Assert.Equal(At(2, rule: 2), state.Applied);
        Assert.Equal(At(1), Run(state, Cut(BlockReason.Default)).Applied);
    }

    [Fact]
    public void While_open_policies_are_kept_and_nothing_is_enforced_until_taken_back()
    {
        var (state, effects) = PolicyMachine.Step(Proven(At(1)), new PolicyEvent.Panicked(_panic), _now);
        Assert.Equal([new PolicyEffect.Open(), new PolicyEffect.Report()], effects);
        state = Run(state, new PolicyEvent.Opened());
        Assert.Null(state.Applied);
        (state, effects) = PolicyMachine.Step(state, Offer(At(2)), _now);
        Assert.Equal([new PolicyEffect.Persist(At(2)), new PolicyEffect.Report()], effects);
        Assert.Equal([new PolicyEffect.Open()], PolicyMachine.Step(state, new PolicyEvent.Tampered("nft"), _now).Effects);
        Assert.Equal([new PolicyEffect.Open()], PolicyMachine.Step(PolicyState.Initial, new PolicyEvent.Started(At(1), default, [], []) { Panic = _panic }, _now).Effects);
        (state, effects) = PolicyMachine.Step(state, new PolicyEvent.Panicked(null), _now);
        Assert.Equal([new PolicyEffect.Apply(At(2), Replace: true), new PolicyEffect.Report()], effects);
        Assert.Empty(state.Problems);
    }

    [Fact]
    public void Whatever_happens_quarantine_override_denies_and_todays_addresses_are_in_force_and_only_a_drop_rolls_back()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(Arb.From(Gen.ListOf(Events)), events =>
        {
            var (state, number, panic, cut) = (PolicyState.Initial, 0UL, false, false);
            foreach (var (make, index) in events.Select((make, index) => (make, index)))
            {
                var happened = make(++number);
                panic = happened is PolicyEvent.Panicked panicked ? panicked.Why is not null : panic;
                cut = happened switch
                {
                    PolicyEvent.ChannelCut { Why.Reason: BlockReason.Default or BlockReason.Deny } => true,
                    PolicyEvent.Offered => cut && state.RolledBack,
                    _ => cut,
                };
                (state, var effects) = PolicyMachine.Step(state, happened, _now.AddMinutes(index));
                foreach (var apply in effects.OfType<PolicyEffect.Apply>().Select(effect => effect.Policy))
                {
                    Assert.False(panic, "nothing is enforced while the host is open");
                    var desired = state.Desired!;
                    Assert.Equal((desired.Quarantined, desired.QuarantinedPeers, desired.Responders), (apply.Quarantined, apply.QuarantinedPeers, apply.Responders));
                    Assert.Empty(desired.Entries.Where(entry => entry.Action == RuleAction.OverrideDeny).Except(apply.Entries));
                    Assert.All(apply.PeerSets.Where(set => desired.PeerSets.Any(today => today.Name == set.Name)), set => Assert.Contains(set, desired.PeerSets));
                    Assert.Empty(apply.Entries.Select(entry => entry.Peers).Except(apply.PeerSets.Select(set => set.Name)));
                    Assert.True(apply == desired || cut, "only a drop rolls back");
                    Assert.Null(PolicyCheck.Refuse(null, apply, true, state.Features));
                    state = PolicyMachine.Step(state, new PolicyEvent.Applied(apply), _now.AddMinutes(index)).State;
                }

                if (effects.OfType<PolicyEffect.Open>().Any())
                {
                    Assert.True(panic);
                    state = PolicyMachine.Step(state, new PolicyEvent.Opened(), _now.AddMinutes(index)).State;
                }

                Assert.True(panic ? state.Applied is null : state.Applied == state.Effective);
            }
        }));
    }

    private static Gen<Func<ulong, PolicyEvent>> Events => Gen.OneOf(
        from rule in Gen.Choose(1, 3)
        from member in Gen.Elements("10.0.0.2", "10.0.0.3")
        from special in Gen.Choose(0, 5)
        select (Func<ulong, PolicyEvent>)(number => Offer(At(number, rule, member) with
        {
            Quarantined = special == 0,
            QuarantinedPeers = special == 1 ? Hosts("10.0.0.3") : [],
            Entries = [.. At(1, rule).Entries, .. special == 2 ? [Entry(Direction.Outbound, RuleAction.OverrideDeny, 9, 0, PortMatch.Tcp(1))] : Array.Empty<HostEntry>()],
        })),
        Gen.Elements(BlockReason.Default, BlockReason.Deny, BlockReason.Quarantine, BlockReason.OverrideDeny).Select(reason => (Func<ulong, PolicyEvent>)(_ => Cut(reason))),
        Gen.Elements<PolicyEvent>(new PolicyEvent.ChannelWorked(), new PolicyEvent.ChannelWorked(), new PolicyEvent.Tampered("x"), new PolicyEvent.Tick(), new PolicyEvent.Panicked(_panic), new PolicyEvent.Panicked(null))
            .Select(happened => (Func<ulong, PolicyEvent>)(_ => happened)));

    private static PolicyState Run(PolicyState state, params ReadOnlySpan<PolicyEvent> events)
    {
        foreach (var happened in events)
        {
            (state, var effects) = PolicyMachine.Step(state, happened, _now);
            foreach (var apply in effects.OfType<PolicyEffect.Apply>())
            {
                state = PolicyMachine.Step(state, new PolicyEvent.Applied(apply.Policy), _now).State;
            }
        }

        return state;
    }

    private static PolicyState Proven(HostPolicy policy) => Run(PolicyState.Initial, Offer(policy), new PolicyEvent.ChannelWorked());

    private static PolicyEvent.Offered Offer(HostPolicy policy) => new(policy, true);

    private static PolicyEvent.ChannelCut Cut(BlockReason reason) =>
        new(new(Direction.Outbound, reason, reason is BlockReason.Deny or BlockReason.OverrideDeny ? new RuleId(9) : null), _controller);

    private static HostPolicy At(ulong number, int rule = 1, string member = "10.0.0.2") =>
        Make(new(EnforcementMode.Full, EnforcementMode.Full), [Entry(Direction.Inbound, RuleAction.Allow, rule, 0, PortMatch.Tcp(80))], Hosts(member)) with { Generation = new(1, number) };
}
