using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Marks;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Render;

/// <summary>How the agent itself looks up names, only from its own cgroup and only at the configured resolvers; and how its own packets are told from others'.</summary>
/// <param name="Cgroup">The agent's own cgroup, or null if it shares one with others: then nothing is opened.</param>
/// <param name="Resolvers">Addresses of the name servers.</param>
public sealed record NameLookups(Match.SocketCgroup? Cgroup, EquatableArray<IpAddress> Resolvers)
{
    /// <summary>The port at which it reaches its controller; null if it has none.</summary>
    public ushort? ControllerPort { get; init; }

    /// <summary>What tells its own packets to the controller from all others: its cgroup, and where it shares that, at least the port; null if nothing does.</summary>
    public Match? Own => Cgroup ?? (ControllerPort is { } port ? new Match.Port(PacketEnd.Destination, IpProtocol.Tcp, port) : (Match?)null);

    /// <summary>No names are looked up.</summary>
    public static NameLookups None { get; } = new(null, []);
}

/// <summary>How owners of the host's sockets are told apart.</summary>
/// <param name="Cgroups">By cgroup, for units; null if they cannot be.</param>
/// <param name="Marks">By mark, for executables and users; null if sockets are not marked.</param>
public sealed record SocketContext(HostCgroups? Cgroups, MarkTable? Marks)
{
    /// <summary>The bits of marks that are ours, those of connections too.</summary>
    public uint Mask { get; init; } = Marks?.Mask ?? MarkTable.DefaultMask;

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
    /// The document of a policy that differs from another one in members of peer sets only: what <see cref="Render"/> gives, at the cost of what changed.
    /// </summary>
    /// <param name="document">What was rendered of the other policy.</param>
    /// <param name="before">The other policy.</param>
    /// <param name="after">The policy.</param>
    /// <returns>Null if more has to be rendered than sets.</returns>
    public static FirewallDocument? Renew(FirewallDocument document, HostPolicy before, HostPolicy after)
    {
        ArgumentNullException.ThrowIfNull(document);
        if (!before.DiffersInMembersOnly(after))
        {
            return null;
        }

        var changed = new Dictionary<string, PrefixList>(StringComparer.Ordinal);
        foreach (var (old, now) in before.PeerSets.Zip(after.PeerSets).Where(pair => !ReferenceEquals(pair.First.Packed, pair.Second.Packed)))
        {
            foreach (var isV6 in (ReadOnlySpan<bool>)[false, true])
            {
                if (!HasSameShape(old.Packed, now.Packed, isV6))
                {
                    return null;
                }

                changed.Add(DocumentBuilder.SetName(DirectionRenderer.PeersName(now.Name), isV6, isInterval: false), now.Packed.Hosts(isV6));
                changed.Add(DocumentBuilder.SetName(DirectionRenderer.PeersName(now.Name), isV6, isInterval: true), now.Packed.Nets(isV6));
            }
        }

        return document with
        {
            Sets = document.Sets.Select(set => changed.TryGetValue(set.Name, out var elements) ? set with { Elements = elements } : set).ToEquatableArray(),
        };
    }

    /// <summary>Whether the same sets stand for the members of a family, whatever they hold.</summary>
    private static bool HasSameShape(AddressMembers old, AddressMembers now, bool isV6) =>
        (old.Hosts(isV6).Count > 0) == (now.Hosts(isV6).Count > 0)
        && (old.Nets(isV6).Count > 0) == (now.Nets(isV6).Count > 0)
        && DocumentBuilder.IsAll(old.Nets(isV6)) == DocumentBuilder.IsAll(now.Nets(isV6));

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
