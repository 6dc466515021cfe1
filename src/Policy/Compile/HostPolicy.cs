using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Compile;

/// <summary>The version of a host policy. A host never goes back to an older one; restoring the controller's database starts a new epoch.</summary>
public readonly record struct Generation(ulong Epoch, ulong Number) : IComparable<Generation>
{
    /// <inheritdoc/>
    public int CompareTo(Generation other) => (Epoch, Number).CompareTo((other.Epoch, other.Number));

    /// <inheritdoc/>
    public override string ToString() => $"{Epoch}.{Number}";
}

/// <summary>All that one host has to enforce: what its end of each connection can decide, and nothing that concerns others only.</summary>
public sealed record HostPolicy
{
    /// <summary>Its version.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Names from <see cref="Features"/> without which a host must refuse this policy; sorted.</summary>
    public EquatableArray<string> RequiredFeatures { get; init; }

    /// <summary>The modes of the two directions.</summary>
    public required Modes Modes { get; init; }

    /// <summary>Whether the workload is in quarantine, which overrides modes and entries.</summary>
    public bool Quarantined { get; init; }

    /// <summary>Addresses that may reach a quarantined workload and be reached by it; sorted.</summary>
    public EquatableArray<IpPrefix> Responders { get; init; }

    /// <summary>Peers in quarantine, cut off here in both directions in every mode; sorted.</summary>
    public EquatableArray<IpPrefix> QuarantinedPeers { get; init; }

    /// <summary>Where the controller is reached; outbound connections there are essential. Sorted.</summary>
    public EquatableArray<ControllerEndpoint> Controllers { get; init; }

    /// <summary>The operator's fail-safe list, as inbound entries that come before everything else.</summary>
    public EquatableArray<FailSafeEntry> FailSafe { get; init; }

    /// <summary>In canonical order: direction, action, rule, peers, ports.</summary>
    public EquatableArray<HostEntry> Entries { get; init; }

    /// <summary>The peer sets that entries name; by name.</summary>
    public EquatableArray<PeerSet> PeerSets { get; init; }

    /// <summary>Whether a decision depends on the host's own socket.</summary>
    public bool HasSocketConditions => Entries.Any(entry => entry.HasSocketCondition);

    /// <summary>Whether two policies enforce the same, whatever their generations.</summary>
    public bool EnforcesSameAs(HostPolicy other) => ReferenceEquals(this, other) || this with { Generation = other.Generation } == other;

    /// <summary>Whether two policies differ in generation and in the members of peer sets of the same names at most.</summary>
    public bool DiffersInMembersOnly(HostPolicy other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return PeerSets.Select(set => set.Name).SequenceEqual(other.PeerSets.Select(set => set.Name), StringComparer.Ordinal)
            && this with { Generation = other.Generation, PeerSets = other.PeerSets } == other;
    }
}

/// <summary>One ordered decision of a host policy.</summary>
/// <param name="Direction">Which side of connections it judges.</param>
/// <param name="Action">The tier.</param>
/// <param name="Rule">The rule it comes from.</param>
/// <param name="Peers">The name of the peer set at the other end.</param>
/// <param name="Ports">Destination ports; sorted and distinct.</param>
/// <param name="Process">Must own the host's own socket, or null.</param>
/// <param name="Users">Directory groups; the host's own user must be in one. Empty for any.</param>
/// <param name="UnidentifiedMatches">Whether a socket without known process or user meets the condition (denies only).</param>
public sealed record HostEntry(
    Direction Direction,
    RuleAction Action,
    RuleId Rule,
    string Peers,
    EquatableArray<PortMatch> Ports,
    ProcessCondition? Process,
    EquatableArray<string> Users,
    bool UnidentifiedMatches)
{
    /// <summary>Whether the decision depends on the host's own socket.</summary>
    public bool HasSocketCondition => Process is not null || Users.Count > 0;

    /// <summary>
    /// Whether what it allows passes untracked, replies included; only in an allow that asks nothing of the host's socket, on
    /// <see cref="StatelessPorts"/>.
    /// </summary>
    public bool Stateless { get; init; }

    /// <summary>Whether an entry of this kind can be stateless.</summary>
    public bool CanBeStateless => Action == RuleAction.Allow && !HasSocketCondition && Ports.All(StatelessPorts.Includes);

    /// <summary>
    /// What reads along in connections that it allows, so that those that they agree upon pass too, in both directions, with the same peers; null for
    /// nothing. Only in an allow that asks nothing of the host's socket, since what is expected may be any socket's, on ports that the helper can follow.
    /// </summary>
    public ConnectionHelper? Helper { get; init; }

    /// <summary>Whether an entry of this kind can have a helper.</summary>
    public bool CanHave(ConnectionHelper helper) => Action == RuleAction.Allow && !Stateless && !HasSocketCondition && helper.CanFollow(Ports);

    /// <summary>What doing as it says takes, besides <see cref="Features.Base"/>.</summary>
    public IEnumerable<string> Features =>
        FeatureMask.Names(FeatureMask.For(Direction, Process, Users) | (Stateless ? Feature.Stateless : Feature.None) | FeatureMask.For(Helper));
}

/// <summary>An address and TCP port of the controller's agent channel.</summary>
public readonly record struct ControllerEndpoint(IpAddress Address, ushort Port) : IComparable<ControllerEndpoint>
{
    /// <inheritdoc/>
    public int CompareTo(ControllerEndpoint other) =>
        Address.CompareTo(other.Address) is var order and not 0 ? order : Port.CompareTo(other.Port);

    /// <inheritdoc/>
    public override string ToString() => Address.IsV6 ? $"[{Address}]:{Port}" : $"{Address}:{Port}";
}

/// <summary>An inbound opening that policy cannot close.</summary>
public sealed record FailSafeEntry(EquatableArray<IpPrefix> Sources, EquatableArray<PortMatch> Ports);

/// <summary>Abilities that agents report and host policies may require.</summary>
public static class Features
{
    /// <summary>Both directions, all modes, labels, networks, ports, quarantine and fail-safe entries. Every agent has it.</summary>
    public const string Base = "base-1";

    /// <summary>Decides the executable of a listening socket.</summary>
    public const string ProcessInbound = "process-inbound-1";

    /// <summary>Decides the executable of a connecting socket.</summary>
    public const string ProcessOutbound = "process-outbound-1";

    /// <summary>Lets stateless services pass untracked.</summary>
    public const string Stateless = "stateless-1";

    /// <summary>Decides the systemd unit of a listening socket.</summary>
    public const string UnitInbound = "unit-inbound-1";

    /// <summary>Decides the systemd unit of a connecting socket.</summary>
    public const string UnitOutbound = "unit-outbound-1";

    /// <summary>Decides the user of a connecting socket.</summary>
    public const string UserOutbound = "user-outbound-1";

    /// <summary>Every feature there is, sorted: these, and that of each <see cref="ConnectionHelper"/>.</summary>
    public static IReadOnlyList<string> All { get; } = [Base, .. ConnectionHelper.All.Select(helper => helper.Feature), ProcessInbound, ProcessOutbound, Stateless, UnitInbound, UnitOutbound, UserOutbound];
}
