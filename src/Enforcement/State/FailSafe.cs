using Bulkhead.Enforcement.Render;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Enforcement.State;

/// <summary>
/// What was enforced is never left open because the kernel does not take a policy: if the rules of before are gone or are others, the directions are shut
/// but for essential and fail-safe connections.
/// </summary>
internal static class FailSafe
{
    /// <summary>What to put in force where nothing else can be; null if nothing is, or was, enforced.</summary>
    public static HostPolicy? Lock(PolicyState state)
    {
        if (state is not { Panic: null, Effective: { } policy })
        {
            return null;
        }

        var modes = Modes.Stricter(state.Applied is { } applied ? Of(applied) : state.Marked, Of(policy));
        // What passes in quarantine is less than what is fail-safe.
        return modes == default ? null : FirewallRenderer.Locked(modes, policy.Controllers, policy.Quarantined ? [] : policy.FailSafe);
    }

    /// <summary>That was done, or could not be.</summary>
    public static (PolicyState State, IReadOnlyList<PolicyEffect> Effects) Shut(PolicyState state, PolicyEvent.Shut shut) => (
        shut.Detail is null
            ? state with
            {
                Applied = shut.Locked,
                Shut = new(
                    "enforcement-shut",
                    $"The kernel has no rules of policy {state.Effective?.Generation}: in the enforced directions only essential and fail-safe connections pass.",
                    "It ends by itself as soon as the kernel takes the policy; apply-failed says why it does not."),
            }
            : state with
            {
                // Nothing is known to be enforced, though directions may still be.
                Applied = null,
                Marked = shut.Locked.Modes,
                Shut = new(
                    "enforcement-gone",
                    $"This host's rules were removed or changed by others, and can be neither put back nor shut: {shut.Detail}. It may be open.",
                    "It is tried again by itself. Check at once that nft is installed and that the kernel has nf_tables, or take the host off the network."),
            },
        [new PolicyEffect.Report()]);

    private static Modes Of(HostPolicy policy) => policy.Quarantined ? new(EnforcementMode.Full, EnforcementMode.Full) : policy.Modes;
}
