using Bulkhead.Enforcement.Render;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Enforcement.State;

/// <summary>Decides what an agent does about its policy: (state, event, now) → (state, effects).</summary>
public static class PolicyMachine
{
    private static readonly TimeSpan _firstRetry = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _lastRetry = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _repairPause = TimeSpan.FromSeconds(1);

    /// <summary>One step. No event makes the host fall back to no rules, or to older ones.</summary>
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
            PolicyEvent.Tampered tampered => Tampered(state, tampered.By, now),
            PolicyEvent.Tick => Tick(state, now),
            _ => throw new ArgumentOutOfRangeException(nameof(happened)),
        };
    }

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Start(PolicyState state, PolicyEvent.Started started)
    {
        if (started.Cached is { } cached)
        {
            return (state with { Desired = cached }, [new PolicyEffect.Apply(cached, Replace: true)]);
        }

        if (started.Enforced == default)
        {
            return (state, []);
        }

        var locked = FirewallRenderer.Locked(started.Enforced, started.Controllers, started.FailSafe);
        var loss = new Problem(
            "policy-lost",
            "This host enforced a policy, but no whole copy of it is left: all but essential and fail-safe traffic is blocked in the enforced directions.",
            "Let the host reach the controller, which sends the policy again.");
        return (state with { Desired = locked, Loss = loss }, [new PolicyEffect.Apply(locked, Replace: true)]);
    }

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Offer(PolicyState state, PolicyEvent.Offered offer)
    {
        if (PolicyCheck.Refuse(state.Desired, offer.Policy, offer.EpochProven) is { } refusal)
        {
            return (state with { Refusal = refusal }, [new PolicyEffect.Report()]);
        }

        if (offer.Policy == state.Applied)
        {
            return (state with { Desired = offer.Policy, Refusal = null }, [new PolicyEffect.Report()]);
        }

        return (
            state with { Desired = offer.Policy, Refusal = null, Interference = null, Failures = 0, RetryAt = null },
            [new PolicyEffect.Persist(offer.Policy), new PolicyEffect.Apply(offer.Policy, Replace: false)]);
    }

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Applied(PolicyState state, HostPolicy policy) =>
        (state with
        {
            Applied = policy,
            Failures = 0,
            RetryAt = null,
            Failure = null,
            Loss = policy.Generation == default ? state.Loss : null,
        },
        [new PolicyEffect.Report()]);

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Failed(PolicyState state, string detail, DateTimeOffset now)
    {
        var failures = state.Failures + 1;
        var pause = _firstRetry * Math.Pow(2, Math.Min(failures - 1, 20));
        var failure = new Problem(
            "apply-failed",
            $"Policy {state.Desired?.Generation} could not be applied ({failures} times): {detail}. The rules are as before.",
            "It is tried again by itself. If it persists, check that nft is installed and that the kernel has nf_tables.");
        return (
            state with { Failures = failures, RetryAt = now + (pause < _lastRetry ? pause : _lastRetry), Failure = failure },
            [new PolicyEffect.Report()]);
    }

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Tampered(PolicyState state, string by, DateTimeOffset now)
    {
        if (state.Desired is not { } desired)
        {
            return (state, []);
        }

        var next = state with
        {
            Tampered = state.Tampered + 1,
            Interference = new(
                "table-tampered",
                $"The table inet bulkhead was changed by {by} and has been put back.",
                "Find out who manages nftables on this host, and have it leave this table alone."),
        };
        // Whoever changes it again and again must not make us spend the host's time on repairs.
        return state.RepairedAt is { } last && now - last < _repairPause
            ? (next with { RetryAt = last + _repairPause }, [new PolicyEffect.Report()])
            : (next with { RepairedAt = now }, [new PolicyEffect.Apply(desired, Replace: true), new PolicyEffect.Report()]);
    }

    private static (PolicyState, IReadOnlyList<PolicyEffect>) Tick(PolicyState state, DateTimeOffset now) =>
        state is { RetryAt: { } at, Desired: { } desired } && now >= at
            ? (state with { RetryAt = null, RepairedAt = now }, [new PolicyEffect.Apply(desired, Replace: true)])
            : (state, []);
}
