using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Enforcement.State;

/// <summary>
/// Nobody locked out (design, section 2): rules that are seen to drop the agent's own channel to its controller are rolled back. Only a packet that
/// our table dropped counts; the controller's silence never does. Quarantine and override-deny are never rolled back.
/// </summary>
internal static class DeadMansSwitch
{
    /// <summary>The controller was reached under what is in force.</summary>
    public static (PolicyState State, IReadOnlyList<PolicyEffect> Effects) Worked(PolicyState state)
    {
        if (state is not { Panic: null, RolledBack: false, Applied: { } applied } || applied.Generation == default || applied != state.Desired)
        {
            return (state, []);
        }

        return (
            state with { Proven = applied, InVain = false, Cut = null },
            [
                .. ReferenceEquals(state.Proven, applied) ? Array.Empty<PolicyEffect>() : [new PolicyEffect.ForgetProven()],
                .. state.Cut is null ? Array.Empty<PolicyEffect>() : [new PolicyEffect.Report()],
            ]);
    }

    /// <summary>What is in force cut the channel.</summary>
    public static PolicyState Cut(PolicyState state, PolicyEvent.ChannelCut cut, out bool enforce)
    {
        enforce = false;
        if (state is not { Panic: null, Desired: { } desired } || state.Applied?.Generation != (state.RolledBack ? state.Proven : desired)?.Generation)
        {
            // What is in force is not what is decided here: an apply failed, and is tried again.
            return state;
        }

        if (cut.Why.Reason is not (BlockReason.Default or BlockReason.Deny))
        {
            return state with { Cut = Stays(cut, desired, "Neither quarantine nor an override-deny is ever rolled back") };
        }

        if (state.RolledBack)
        {
            enforce = true;
            return state with { RolledBack = false, InVain = true, Cut = Stays(cut, desired, "The rules before it cut it too, so they were not put back") };
        }

        if (state.InVain || state.Proven is not { } proven || RollBack.HaveSameRules(proven, desired))
        {
            return state with { Cut = Stays(cut, desired, "There are no earlier rules under which the controller is known to have been reached") };
        }

        enforce = true;
        return state with
        {
            RolledBack = true,
            Cut = new(
                "policy-rolled-back",
                $"Policy {desired.Generation} cut this host off from its controller: {Reason(cut)}. The rules of policy {proven.Generation} are in force again, with today's addresses.",
                $"Let this host reach its controller at tcp/{cut.Controller.Port}, or correct the controller's pinned address, and provision that."),
        };
    }

    /// <summary>What an accepted policy does to a roll-back: other rules end it, other addresses alone do not.</summary>
    public static PolicyState Accept(PolicyState state, HostPolicy offered)
    {
        var same = state.Desired is { } desired && RollBack.HaveSameRules(desired, offered);
        return same ? state with { Desired = offered } : state with { Desired = offered, RolledBack = false, InVain = false, Cut = null };
    }

    /// <summary>Whether the earlier rules have to be kept before a policy comes into force.</summary>
    public static bool MustKeep(PolicyState state) =>
        state is { Proven: { } proven, Desired: { } desired } && !RollBack.HaveSameRules(proven, desired);

    private static Problem Stays(PolicyEvent.ChannelCut cut, HostPolicy desired, string because) => new(
        "channel-cut",
        $"Policy {desired.Generation} cuts this host off from its controller: {Reason(cut)}. {because}; it stays in force.",
        $"Let this host reach its controller at tcp/{cut.Controller.Port}, or open it locally with 'bulkhead-agent panic'.");

    private static string Reason(PolicyEvent.ChannelCut cut) =>
        $"{(cut.Why.Rule is { } rule ? $"rule {rule}" : cut.Why.Reason == BlockReason.Default ? "no rule allows it, which" : $"its {cut.Why.Reason.ToString().ToLowerInvariant()}")} stopped the agent's connection to {cut.Controller}";
}
