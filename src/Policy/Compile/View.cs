using System.Collections.Immutable;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Policy.Compile;

/// <summary>In what way workloads are visible under an address.</summary>
internal enum ViewKind
{
    /// <summary>They hold it: in both directions.</summary>
    Held,

    /// <summary>They connect from it: inbound, at providers.</summary>
    Source,

    /// <summary>It is published and leads to them: outbound, at consumers.</summary>
    Published,
}

/// <summary>A way in which workloads are visible in a space; where published, with the ports under which they are.</summary>
internal readonly record struct View(AddressSpace Space, ViewKind Kind, PortMapping Ports = default) : IComparable<View>
{
    /// <summary>What an entry says of peers in this view: its ports as they are visible; none if the view is none of its business.</summary>
    public EquatableArray<Services.PortMatch> PortsOf(Entry entry)
    {
        switch (Kind)
        {
            case ViewKind.Published when entry.Direction == Rules.Direction.Outbound:
                var ports = Ports;
                return entry.Ports.Select(port => ports.VisibleOf(port)).OfType<Services.PortMatch>().Distinct().Order().ToEquatableArray();
            case ViewKind.Published:
            case ViewKind.Source when entry.Direction == Rules.Direction.Outbound:
                return [];
            default:
                return entry.Ports;
        }
    }

    /// <inheritdoc/>
    public int CompareTo(View other) =>
        Space.CompareTo(other.Space) is var space and not 0 ? space
        : Kind.CompareTo(other.Kind) is var kind and not 0 ? kind
        : Ports.CompareTo(other.Ports);
}

/// <summary>An address under which a workload is visible.</summary>
/// <param name="View">In what way.</param>
/// <param name="Address">The address.</param>
/// <param name="Alone">Whether no other workload connects from it.</param>
internal readonly record struct Sight(View View, IpAddress Address, bool Alone)
{
    /// <summary>Whether peer sets of a variant hold it: an address that others connect from as well enforces nothing.</summary>
    public bool In(PeerVariant variant) => variant == PeerVariant.All || (Alone && View.Kind != ViewKind.Published);

    /// <summary>All addresses under which a workload is visible.</summary>
    public static IEnumerable<Sight> Of(Workload workload, WorkloadIndex index)
    {
        var translations = index.Translations;
        foreach (var address in index.Held(workload))
        {
            yield return new(new(address.Space, ViewKind.Held), address.Address, !translations.IsShared(address));
        }

        foreach (var sight in translations.Concern(workload) ? Translated(workload, index) : [])
        {
            yield return sight;
        }
    }

    /// <summary>Those that the workload need not hold.</summary>
    public static IEnumerable<Sight> Translated(Workload workload, WorkloadIndex index)
    {
        foreach (var source in workload.Admitted ? workload.Sources : [])
        {
            yield return new(new(source.Space, ViewKind.Source), source.Address, !index.Translations.IsShared(source));
        }

        foreach (var publication in index.Translations.PublishedBy(workload))
        {
            yield return new(new(publication.Address.Space, ViewKind.Published, publication.Ports), publication.Address.Address, false);
        }
    }
}

/// <summary>A peer set of a group's members in a view in which several may share an address; immutable.</summary>
internal sealed class ViewSet
{
    private readonly ImmutableSortedDictionary<IpAddress, int> _uses;

    private ViewSet(View view, string name, ImmutableSortedDictionary<IpAddress, int> uses, ulong digest)
    {
        (View, _uses) = (view, uses);
        Set = new(name, digest, uses.Count, () => uses.Keys.Select(IpPrefix.Host).ToEquatableArray());
    }

    /// <summary>What it is a set of.</summary>
    public View View { get; }

    /// <summary>The set.</summary>
    public PeerSet Set { get; }

    /// <summary>A set without members.</summary>
    public static ViewSet Empty(View view, string name) => new(view, name, ImmutableSortedDictionary<IpAddress, int>.Empty, 0);

    /// <summary>Whether a member is visible under an address.</summary>
    public bool Contains(IpAddress address) => _uses.ContainsKey(address);

    /// <summary>The set once more or fewer members are visible under some addresses; null if there are none left.</summary>
    public ViewSet? With(IEnumerable<KeyValuePair<IpAddress, int>> moves)
    {
        var uses = _uses.ToBuilder();
        var digest = Set.Digest;
        foreach (var (address, change) in moves)
        {
            var (old, now) = (uses.GetValueOrDefault(address), uses.GetValueOrDefault(address) + change);
            digest += PeerSetDigest.Of(IpPrefix.Host(address)) * (ulong)((now > 0 ? 1L : 0L) - (old > 0 ? 1L : 0L));
            if (now == 0)
            {
                uses.Remove(address);
            }
            else
            {
                uses[address] = now;
            }
        }

        return uses.Count == 0 ? null : new(View, Set.Name, uses.ToImmutable(), digest);
    }
}
