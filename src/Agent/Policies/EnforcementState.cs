using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Agent.Policies;

/// <summary>What the kernel enforces now.</summary>
/// <param name="Applied">The policy's version; null if the agent never applied one.</param>
/// <param name="Modes">Of the two directions.</param>
/// <param name="FailSafe">Whether the policy was lost or is not taken by the kernel, so that only essential and fail-safe connections pass where it was enforced.</param>
/// <param name="Panic">Whether somebody opened the host, so that nothing is enforced.</param>
/// <param name="Confirmed">Whether, since the agent started, the controller sent a policy and was then told that it is in force.</param>
internal sealed record EnforcementState(Generation? Applied, Modes Modes, bool FailSafe, bool Panic, bool Confirmed)
{
    /// <summary>Nothing was written to the kernel.</summary>
    public static EnforcementState Nothing { get; } = new(null, default, false, false, false);

    /// <summary>Whether the kernel may block something.</summary>
    public bool Enforcing => Modes != default;
}
