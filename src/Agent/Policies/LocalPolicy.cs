using Bulkhead.Agent.State;
using Bulkhead.Enforcement.State;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Agent.Policies;

/// <summary>What a host enforces, as its folder tells without asking the agent: for commands.</summary>
/// <param name="Policy">The policy in force, or to be once the agent runs.</param>
/// <param name="Note">What is to be known besides, such as that the host was opened; or null.</param>
internal sealed record LocalPolicy(HostPolicy Policy, string? Note)
{
    /// <summary>Reads it.</summary>
    /// <exception cref="AgentException">The host is not paired, or never had a policy.</exception>
    public static LocalPolicy Load(StateDirectory state)
    {
        var identity = Identity.Load(state);
        var local = new PolicyCache(state).Load() switch
        {
            CachedPolicy.Whole { Proven: { } proven } whole when AgentStatus.Load(state)?.Generation == proven.Policy.Generation.ToString() => new LocalPolicy(
                RollBack.Merge(proven.Policy, whole.Policy.Policy),
                $"Policy {whole.Policy.Policy.Generation} cut this host off from its controller; the rules of policy {proven.Policy.Generation} are in force in its place."),
            CachedPolicy.Whole whole => new LocalPolicy(whole.Policy.Policy, null),
            CachedPolicy.Lost lost => new LocalPolicy(lost.Marker, "The policy was lost: only essential and fail-safe connections pass in the enforced directions."),
            _ => throw new AgentException("no-policy", "This host never had a policy.", "Start the agent, and let it reach its controller."),
        };
        return new(
            identity.ToEndpoint() is { } dialled ? local.Policy with { Controllers = local.Policy.Controllers.Append(dialled).Distinct().Order().ToEquatableArray() } : local.Policy,
            PanicOrder.Load(state) is { } panic ? $"{panic.By} opened this host ({panic.Reason}): none of this is enforced until 'bulkhead-agent resume'." : local.Note);
    }
}
