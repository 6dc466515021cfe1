using Bulkhead.Enforcement.Render;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Enforcement.State;

/// <summary>Decides what an agent does about its policy: (state, event, now) → (state, effects).</summary>
public static class PolicyMachine
{
    private static readonly TimeSpan _firstRetry = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _lastRetry = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _repairPause = TimeSpan.FromMilliseconds(250);

    /// <summary>One step. No event makes the host fall back to no rules, or to older ones.</summary>
    /// <param name="state">Where the host stands.</param>
    /// <param name="happened">What happened.</param>
    /// <param name="now">By a clock that nobody sets: only differences count.</param>
    public static (PolicyState State, IReadOnlyList<PolicyEffect> Effects) Step(PolicyState state, PolicyEvent happened, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        return happened switch
        {
            PolicyEvent.Started started => Start(state, started),
            PolicyEvent.Offered offered => Offer(state, offered),
            PolicyEvent.Unreadable unreadable => (state with { Refusal = unreadable.Problem }, [new PolicyEffect.Report()]),
            PolicyEvent.Applied applied => Applied(state, applied.Policy),
            PolicyEvent.ApplyFailed failed => Failed(state, failed.Detail, now),
            PolicyEvent.Shut shut => FailSafe.Shut(state, shut),
            PolicyEvent.Tampered tampered => Tampered(state, tampered, now),
            PolicyEvent.ProgramsTampered tampered => Tampered(state, tampered.What),
            PolicyEvent.ChannelWorked => DeadMansSwitch.Worked(state),
            PolicyEvent.ChannelCut cut => Cut(state, cut),
            PolicyEvent.Panicked panicked => Panic(state, panicked.Why),
            PolicyEvent.Opened => (state with { Applied = null, Failures = 0, RetryAt = null, Failure = null, Shut = null }, [new PolicyEffect.Report()]),
            PolicyEvent.Tick => Tick(state, now),
            _ => throw new ArgumentOutOfRangeException(nameof(happened)),
        };
    }

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Start(PolicyState state, PolicyEvent.Started started)
    {
        state = state with { Panic = started.Panic, Marked = started.Enforced };
        if (started.Cached is { } cached)
        {
            var lacks = string.Join(", ", PolicyCheck.Lacks(cached, state.Features));
            var next = state with { Desired = PolicyCheck.Decidable(cached, state.Features), Proven = PolicyCheck.Decidable(started.Proven ?? cached, state.Features) };
            return Enforce(
                lacks.Length == 0 ? next : next with
                {
                    Refusal = new(
                        "feature-lost",
                        $"This host can no longer decide what policy {cached.Generation} asks for ({lacks}): until there is another, allows that ask for it are left out, and denies are for everybody.",
                        "The agent's log says what the kernel refused; provision again once it is mended."),
                },
                replace: true);
        }

        if (started.Enforced == default)
        {
            return started.Panic is null ? (state, []) : Enforce(state, replace: true);
        }

        var locked = FirewallRenderer.Locked(started.Enforced, started.Controllers, started.FailSafe);
        var loss = new Problem(
            "policy-lost",
            "This host enforced a policy, but no whole copy of it is left: all but essential and fail-safe traffic is blocked in the enforced directions.",
            "Let the host reach the controller, which sends the policy again.");
        return Enforce(state with { Desired = locked, Loss = loss }, replace: true);
    }

    /// <summary>What makes the kernel follow, whatever the host is to enforce: the policy, the rules before it, or nothing at all.</summary>
    private static (PolicyState, IReadOnlyList<PolicyEffect>) Enforce(PolicyState state, bool replace, params ReadOnlySpan<PolicyEffect> after) =>
        (state,
        [
            .. state.Panic is not null ? [new PolicyEffect.Open()]
                : state.Effective is { } policy ? [new PolicyEffect.Apply(policy, replace)]
                : Array.Empty<PolicyEffect>(),
            .. after,
        ]);

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Offer(PolicyState state, PolicyEvent.Offered offer)
    {
        if (PolicyCheck.Refuse(state.Desired, offer.Policy, offer.EpochProven, state.Features, state.MarkMask) is { } refusal)
        {
            return (state with { Refusal = refusal }, [new PolicyEffect.Report()]);
        }

        if (offer.Policy == state.Applied && !state.RolledBack)
        {
            return (state with { Desired = state.Applied, Refusal = null }, [new PolicyEffect.Report()]);
        }

        var next = DeadMansSwitch.Accept(state, offer.Policy) with { Refusal = null, Interference = null, ProgramInterference = null, Failures = 0, RetryAt = null };
        IReadOnlyList<PolicyEffect> keep =
            [.. DeadMansSwitch.MustKeep(next) ? [new PolicyEffect.KeepProven(next.Proven!)] : Array.Empty<PolicyEffect>(), new PolicyEffect.Persist(offer.Policy)];
        return next.Panic is null
            ? (next, [.. keep, new PolicyEffect.Apply(next.Effective!, Replace: state.RetryAt is not null)])
            : (next, [.. keep, new PolicyEffect.Report()]);
    }

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Applied(PolicyState state, HostPolicy policy) =>
        (state with
        {
            Applied = policy,
            Failures = 0,
            RetryAt = null,
            Failure = null,
            Shut = null,
            Loss = policy.Generation == default ? state.Loss : null,
        },
        [new PolicyEffect.Report()]);

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Failed(PolicyState state, string detail, DateTimeOffset now)
    {
        var failures = state.Failures + 1;
        var pause = _firstRetry * Math.Pow(2, Math.Min(failures - 1, 20));
        var failure = state.Panic is not null ? new Problem(
            "open-failed",
            $"This host could not be opened whole ({failures} times): {detail}.",
            "It is tried again by itself; 'nft delete table inet bulkhead' removes the rules if they are still in force.") : new Problem(
            "apply-failed",
            $"Policy {state.Effective?.Generation} could not be applied ({failures} times): {detail}. The kernel keeps what it has.",
            "It is tried again by itself. If it persists, check that nft is installed and that the kernel has nf_tables.");
        return (
            state with { Failures = failures, RetryAt = now + (pause < _lastRetry ? pause : _lastRetry), Failure = failure },
            FailSafe.Lock(state) is { } locked ? [new PolicyEffect.ShutUnlessStanding(locked), new PolicyEffect.Report()] : [new PolicyEffect.Report()]);
    }

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Tampered(PolicyState state, PolicyEvent.Tampered tampered, DateTimeOffset now)
    {
        if (state.Panic is not null)
        {
            // Whoever opened the host removed the table; whatever came in its place goes as well.
            return tampered.IsUndone ? (state, []) : Enforce(state, replace: true);
        }

        if (state.Desired is null)
        {
            return (state, []);
        }

        var next = state with
        {
            Tampered = state.Tampered + 1,
            Interference = new(
                "table-tampered",
                $"The table inet bulkhead was changed by {tampered.By} and has been put back{(tampered.What.Length == 0 ? "" : $": {tampered.What}")}.",
                "Find out who manages nftables on this host, and have it leave this table alone."),
        };
        if (tampered.IsUndone)
        {
            return (next, [new PolicyEffect.Report()]);
        }

        // Whoever changes it again and again must not make us spend the host's time on repairs.
        return state.RepairedAt is { } last && now - last < _repairPause
            ? (next with { RetryAt = last + _repairPause }, [new PolicyEffect.Report()])
            : Enforce(next with { RepairedAt = now }, replace: true, new PolicyEffect.Report());
    }

    /// <summary>The table is right: the same policy, applied again, puts the programs right, and whoever profited meanwhile loses what is open.</summary>
    private static (PolicyState, IReadOnlyList<PolicyEffect>) Tampered(PolicyState state, string what) =>
        state is not { Panic: null, Desired: not null } ? (state, []) : Enforce(
            state with
            {
                Tampered = state.Tampered + 1,
                ProgramInterference = new(
                    "programs-tampered",
                    $"The agent's eBPF programs, which stamp sockets with their owners, were changed by an unknown process and have been put back: {what}.",
                    "Find out who manages eBPF on this host, and have it leave programs and maps named bulkhead_* alone."),
            },
            replace: false,
            new PolicyEffect.Report());

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Cut(PolicyState state, PolicyEvent.ChannelCut cut)
    {
        var next = DeadMansSwitch.Cut(state, cut, out var enforce);
        return enforce ? Enforce(next with { Failures = 0, RetryAt = null }, replace: false, new PolicyEffect.Report())
            : next == state ? (state, [])
            : (next, [new PolicyEffect.Report()]);
    }

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Panic(PolicyState state, Problem? why) =>
        (why is null) == (state.Panic is null)
            ? (state, [])
            : Enforce(state with { Panic = why, Interference = null, ProgramInterference = null, Failures = 0, RetryAt = null }, replace: true, new PolicyEffect.Report());

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Tick(PolicyState state, DateTimeOffset now) =>
        state is { RetryAt: { } at } && now >= at
            ? Enforce(state with { RetryAt = null, RepairedAt = now }, replace: true)
            : (state, []);
}
