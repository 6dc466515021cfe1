using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Marks;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Enforcement.Render;

/// <summary>How the agent itself looks up names: only from its own cgroup, only at the configured resolvers.</summary>
/// <param name="Cgroup">The agent's own cgroup, or null if it shares one with others: then nothing is opened.</param>
/// <param name="Resolvers">Addresses of the name servers.</param>
public sealed record NameLookups(Match.SocketCgroup? Cgroup, EquatableArray<IpAddress> Resolvers)
{
    /// <summary>No names are looked up.</summary>
    public static NameLookups None { get; } = new(null, []);
}

/// <summary>How owners of the host's sockets are told apart.</summary>
/// <param name="Cgroups">By cgroup, for units; null if they cannot be.</param>
/// <param name="Marks">By mark, for executables and users; null if sockets are not marked.</param>
public sealed record SocketContext(HostCgroups? Cgroups, MarkTable? Marks)
{
    /// <summary>They cannot be.</summary>
    public static SocketContext None { get; } = new(null, null);
}

/// <summary>Turns a host policy into the document that enforces it. Semantics: design, section 2.</summary>
public static class FirewallRenderer
{
    /// <summary>The document of a host policy.</summary>
    /// <param name="policy">One that <see cref="State.PolicyCheck"/> does not refuse.</param>
    /// <param name="lookups">How the agent looks up names.</param>
    /// <param name="sockets">How owners of sockets are told apart; null if they cannot be.</param>
    /// <exception cref="InvalidOperationException">An entry depends on the local socket in a way that cannot be decided here: such policies are refused before.</exception>
    public static FirewallDocument Render(HostPolicy policy, NameLookups lookups, SocketContext? sockets = null)
    {
        var document = new DocumentBuilder();
        foreach (var direction in (ReadOnlySpan<Direction>)[Direction.Inbound, Direction.Outbound])
        {
            new DirectionRenderer(document, policy, lookups, sockets ?? SocketContext.None, direction).Render();
        }

        return document.Build();
    }

    /// <summary>
    /// The policy of a host that is known to enforce these directions but lost what it enforces: essential and fail-safe pass,
    /// the rest is blocked there.
    /// </summary>
    /// <param name="enforced">Modes before the loss; what is not visibility becomes full.</param>
    /// <param name="controllers">Where the controller is reached, to get a policy from.</param>
    /// <param name="failSafe">The fail-safe list, as far as it is still known.</param>
    public static HostPolicy Locked(
        Modes enforced, EquatableArray<ControllerEndpoint> controllers, EquatableArray<FailSafeEntry> failSafe) => new()
        {
            Generation = default,
            RequiredFeatures = [Features.Base],
            Modes = new(Lock(enforced.Inbound), Lock(enforced.Outbound)),
            Controllers = controllers,
            FailSafe = failSafe,
        };

    private static EnforcementMode Lock(EnforcementMode mode) =>
        mode == EnforcementMode.Visibility ? EnforcementMode.Visibility : EnforcementMode.Full;
}
