using Bulkhead.Enforcement.State;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using FsCheck;
using FsCheck.Fluent;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Enforcement.Tests;

public class PolicyMachineTests
{
    [Fact]
    public void What_a_host_can_no_longer_leave_untracked_is_tracked_and_nothing_else_changes()
    {
        var policy = Policies.Make(new(EnforcementMode.Full, EnforcementMode.Full), [Policies.Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Udp(53)) with { Stateless = true }], Policies.Hosts("10.0.0.2"));
        policy = policy with { RequiredFeatures = [Features.Base, Features.Stateless] };
        Assert.Equal("feature-missing", PolicyCheck.Refuse(null, policy, epochProven: true, [Features.Base])?.Code);
        Assert.Same(policy, PolicyCheck.Decidable(policy, [Features.Base, Features.Stateless]));
        Assert.Equal(
            policy with { RequiredFeatures = [Features.Base], Entries = [policy.Entries[0] with { Stateless = false }] },
            PolicyCheck.Decidable(policy, [Features.Base]));
    }

    private static readonly DateTimeOffset _start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Modes _full = new(EnforcementMode.Full, EnforcementMode.Full);

    [Fact]
    public void Without_a_policy_nothing_is_written()
    {
        var (state, effects) = Step(PolicyState.Initial, new PolicyEvent.Started(null, default, [], []));
        Assert.Empty(effects);
        Assert.Empty(Step(state, new PolicyEvent.Tampered("nft")).Effects);
        Assert.Empty(Step(state, new PolicyEvent.Tick()).Effects);
    }

    [Fact]
    public void The_cached_policy_is_enforced_before_anything_else()
    {
        var policy = At(3, 7);
        var (state, effects) = Step(PolicyState.Initial, new PolicyEvent.Started(policy, _full, [], []));
        Assert.Equal([new PolicyEffect.Apply(policy, Replace: true)], effects);
        Assert.Equal(policy, state.Desired);
    }

    [Fact]
    public void What_a_host_can_no_longer_decide_is_enforced_no_wider_than_before()
    {
        var (allow, deny, plain) = (Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(80)), Entry(Direction.Inbound, RuleAction.Deny, 2, 0, PortMatch.Tcp(81)), Entry(Direction.Inbound, RuleAction.Allow, 3, 0, PortMatch.Tcp(82)));
        var cached = Make(_full, [allow with { Process = new(null, "a.service") }, deny with { Process = new(null, "a.service"), UnidentifiedMatches = true }, plain], Hosts("10.0.0.2"));
        cached = cached with { RequiredFeatures = [Features.Base, Features.UnitInbound] };
        var able = PolicyState.Initial with { Features = [Features.Base, Features.UnitInbound] };
        Assert.Equal([new PolicyEffect.Apply(cached, Replace: true)], Step(able, new PolicyEvent.Started(cached, _full, [], [])).Effects);

        var (state, effects) = Step(PolicyState.Initial, new PolicyEvent.Started(cached, _full, [], []));
        Assert.Equal([plain, deny], Assert.IsType<PolicyEffect.Apply>(Assert.Single(effects)).Policy.Entries);
        Assert.Equal("feature-lost", Assert.Single(state.Problems).Code);
        Assert.Equal("feature-missing", Step(state, new PolicyEvent.Offered(cached, true)).State.Refusal?.Code);
    }

    [Fact]
    public void A_lost_policy_leaves_the_host_locked_in_the_enforced_directions_until_a_new_one_comes()
    {
        var controller = new ControllerEndpoint(IpAddress.Parse("10.0.0.250"), 8444);
        var failSafe = new FailSafeEntry(Hosts("10.9.0.0/16"), [PortMatch.Tcp(22)]);
        var (state, effects) = Step(PolicyState.Initial, new PolicyEvent.Started(null, new(EnforcementMode.Selective, default), [controller], [failSafe]));
        var locked = Assert.IsType<PolicyEffect.Apply>(Assert.Single(effects)).Policy;
        Assert.Equal(new Modes(EnforcementMode.Full, EnforcementMode.Visibility), locked.Modes);
        Assert.Equal([controller], locked.Controllers);
        Assert.Equal([failSafe], locked.FailSafe);
        Assert.Empty(locked.Entries);
        state = Step(state, new PolicyEvent.Applied(locked)).State;
        Assert.Equal("policy-lost", Assert.Single(state.Problems).Code);
        state = Step(Step(state, new PolicyEvent.Offered(At(1, 1), true)).State, new PolicyEvent.Applied(At(1, 1))).State;
        Assert.Empty(state.Problems);
    }

    [Fact]
    public void An_accepted_policy_is_kept_before_it_is_applied_and_reported_after()
    {
        var (state, effects) = Step(Settled(At(1, 1)), new PolicyEvent.Offered(At(1, 2), false));
        Assert.Equal([new PolicyEffect.Persist(At(1, 2)), new PolicyEffect.Apply(At(1, 2), Replace: false)], effects);
        (state, effects) = Step(state, new PolicyEvent.Applied(At(1, 2)));
        Assert.Equal([new PolicyEffect.Report()], effects);
        Assert.Equal(At(1, 2), state.Applied);
        Assert.Equal([new PolicyEffect.Report()], Step(state, new PolicyEvent.Offered(At(1, 2), false)).Effects);
    }

    public static TheoryData<string, HostPolicy, bool> Refusals => new()
    {
        { "generation-missing", At(0, 0), true },
        { "epoch-unproven", At(3, 1), false },
        { "generation-older", At(2, 4), true },
        { "generation-older", At(1, 9), true },
        { "generation-reused", At(2, 5) with { Quarantined = true }, true },
        { "feature-missing", At(2, 6) with { RequiredFeatures = [Features.Base, Features.ProcessInbound] }, true },
        { "feature-missing", WithEntry(At(2, 6), e => e with { Process = new("/usr/bin/x", null) }), true },
        { "peer-set-incomplete", At(2, 6) with { PeerSets = [] }, true },
        { "peer-set-incomplete", At(2, 6) with { PeerSets = [new("s0", 1, Hosts("10.0.0.2"))] }, true },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void What_must_not_be_taken_is_refused_with_a_reason_and_the_last_policy_stays(string code, HostPolicy offered, bool proven)
    {
        var settled = Settled(At(2, 5));
        var (state, effects) = Step(settled, new PolicyEvent.Offered(offered, proven));
        Assert.Equal(code, state.Refusal?.Code);
        Assert.Equal([new PolicyEffect.Report()], effects);
        Assert.Equal((settled.Desired, settled.Applied), (state.Desired, state.Applied));
        Assert.Null(Step(state, new PolicyEvent.Offered(At(2, 6), true)).State.Refusal);
    }

    [Fact]
    public void What_fails_is_tried_again_ever_more_slowly_and_whole()
    {
        var state = Step(Settled(At(1, 1)), new PolicyEvent.Offered(At(1, 2), true)).State;
        var now = _start;
        var pauses = new List<double>();
        for (var i = 0; i < 10; i++)
        {
            state = PolicyMachine.Step(state, new PolicyEvent.ApplyFailed("no"), now).State;
            Assert.Equal(At(1, 1), state.Applied);
            Assert.Equal("apply-failed", Assert.Single(state.Problems).Code);
            var retry = state.RetryAt!.Value;
            pauses.Add((retry - now).TotalMilliseconds);
            Assert.Empty(PolicyMachine.Step(state, new PolicyEvent.Tick(), retry.AddTicks(-1)).Effects);
            (state, var effects) = PolicyMachine.Step(state, new PolicyEvent.Tick(), now = retry);
            Assert.Equal([new PolicyEffect.Apply(At(1, 2), Replace: true)], effects);
        }

        Assert.Equal([250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000], pauses);
        Assert.Empty(PolicyMachine.Step(state, new PolicyEvent.Applied(At(1, 2)), now).State.Problems);
    }

    [Fact]
    public void What_was_enforced_is_shut_where_the_kernel_has_nothing_else_and_that_ends_with_the_next_success()
    {
        var policy = At(1, 1) with { Modes = new(EnforcementMode.Selective, default), FailSafe = [new FailSafeEntry(Hosts("10.9.0.0/16"), [PortMatch.Tcp(22)])] };
        var (state, effects) = Step(Step(PolicyState.Initial, new PolicyEvent.Started(policy, new(default, EnforcementMode.Full), [], [])).State, new PolicyEvent.ApplyFailed("no"));
        var locked = Assert.IsType<PolicyEffect.ShutUnlessStanding>(effects[0]).Locked;
        Assert.Equal((_full, policy.FailSafe, 0), (locked.Modes, locked.FailSafe, locked.Entries.Count));

        state = Step(state, new PolicyEvent.Shut(locked, null)).State;
        Assert.Equal((locked, "enforcement-shut"), (state.Applied, state.Problems.First().Code));
        Assert.NotNull(state.RetryAt);
        Assert.Empty(Step(state, new PolicyEvent.Applied(policy)).State.Problems);

        state = Step(state, new PolicyEvent.Shut(locked, "no")).State;
        Assert.Equal((null, "enforcement-gone"), (state.Applied, state.Problems.First().Code));
        Assert.Equal(_full, Assert.IsType<PolicyEffect.ShutUnlessStanding>(Step(state, new PolicyEvent.ApplyFailed("no")).Effects[0]).Locked.Modes);
    }

    [Fact]
    public void Nothing_is_shut_that_was_not_enforced_and_what_passes_in_quarantine_stays_all_that_passes()
    {
        var open = At(1, 1) with { Modes = default };
        var opened = Step(Step(PolicyState.Initial, new PolicyEvent.Started(open, default, [], [])).State, new PolicyEvent.ApplyFailed("no")).Effects;
        Assert.Equal([new PolicyEffect.Report()], opened);
        var quarantined = open with { Quarantined = true, FailSafe = [new FailSafeEntry(Hosts("10.9.0.0/16"), [PortMatch.Tcp(22)])] };
        var effects = Step(Step(PolicyState.Initial, new PolicyEvent.Started(quarantined, default, [], [])).State, new PolicyEvent.ApplyFailed("no")).Effects;
        var locked = Assert.IsType<PolicyEffect.ShutUnlessStanding>(effects[0]).Locked;
        Assert.Equal((_full, 0), (locked.Modes, locked.FailSafe.Count));
        var panicking = Step(PolicyState.Initial, new PolicyEvent.Started(quarantined, default, [], []) { Panic = new("panic", "", "") }).State;
        Assert.Equal([new PolicyEffect.Report()], Step(panicking, new PolicyEvent.ApplyFailed("no")).Effects);
    }

    [Fact]
    public void Tampering_is_undone_at_once_but_not_more_often_than_four_times_a_second()
    {
        var (state, effects) = Step(Settled(At(1, 1)), new PolicyEvent.Tampered("nft (process 7)"));
        Assert.Equal([new PolicyEffect.Apply(At(1, 1), Replace: true), new PolicyEffect.Report()], effects);
        (state, effects) = PolicyMachine.Step(state, new PolicyEvent.Tampered("nft (process 8)", "chain input: 1 rule added"), _start.AddMilliseconds(100));
        Assert.Equal([new PolicyEffect.Report()], effects);
        Assert.Equal(_start.AddMilliseconds(250), state.RetryAt);
        Assert.Equal([new PolicyEffect.Apply(At(1, 1), Replace: true)], PolicyMachine.Step(state, new PolicyEvent.Tick(), _start.AddMilliseconds(250)).Effects);
        Assert.Equal(2UL, state.Tampered);
        Assert.Contains("process 8) and has been put back: chain input: 1 rule added.", Assert.Single(state.Problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tampering_that_is_undone_already_is_told_and_repairs_nothing()
    {
        var (state, effects) = Step(Settled(At(1, 1)), new PolicyEvent.Tampered("nft (process 7)", IsUndone: true));
        Assert.Equal([new PolicyEffect.Report()], effects);
        Assert.Equal(1UL, state.Tampered);
        Assert.Contains("process 7", Assert.Single(state.Problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_sequence_of_events_takes_a_host_back()
    {
        var events = Gen.ListOf(Gen.OneOf<PolicyEvent>(
            Gen.Choose(0, 3).SelectMany(epoch => Gen.Choose(0, 5).Select(number => (PolicyEvent)new PolicyEvent.Offered(At((ulong)epoch, (ulong)number), true))),
            Gen.Constant<PolicyEvent>(new PolicyEvent.ApplyFailed("no")),
            Gen.Constant<PolicyEvent>(new PolicyEvent.Tampered("x")),
            Gen.Constant<PolicyEvent>(new PolicyEvent.Tick())));
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(Arb.From(events), list =>
        {
            var (state, now, highest) = (PolicyState.Initial, _start, default(Generation));
            foreach (var happened in list)
            {
                (state, var effects) = PolicyMachine.Step(state, happened, now = now.AddSeconds(1));
                foreach (var apply in effects.OfType<PolicyEffect.Apply>())
                {
                    Assert.True(apply.Policy.Generation.CompareTo(highest) >= 0);
                    highest = apply.Policy.Generation;
                }
            }
        }));
    }

    private static (PolicyState State, IReadOnlyList<PolicyEffect> Effects) Step(PolicyState state, PolicyEvent happened) =>
        PolicyMachine.Step(state, happened, _start);

    private static PolicyState Settled(HostPolicy policy) =>
        Step(Step(PolicyState.Initial, new PolicyEvent.Started(policy, policy.Modes, [], [])).State, new PolicyEvent.Applied(policy)).State;

    private static HostPolicy At(ulong epoch, ulong number) =>
        Make(_full, [Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(80))], Hosts("10.0.0.2")) with { Generation = new(epoch, number) };

    private static HostPolicy WithEntry(HostPolicy policy, Func<HostEntry, HostEntry> change) => policy with { Entries = [change(policy.Entries[0])] };
}
