using System.Collections.Immutable;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Policy.Inventory;

/// <summary>
/// Which workloads are visible under which translated addresses, of one version of a <see cref="WorkloadIndex"/>. Only admitted workloads
/// count. Whoever holds an address is visible there too, whatever else the address stands for.
/// </summary>
public sealed class Translations
{
    private readonly WorkloadIndex _index;
    private readonly LayeredMap<ScopedAddress, Claims> _claims;
    private readonly Lazy<HashSet<IpAddress>> _concerned;

    internal Translations(WorkloadIndex index, IEnumerable<Workload> workloads)
        : this(index, new LayeredMap<ScopedAddress, Claims>([])) =>
        _claims = _claims.With(Changes(workloads.Select(workload => ((Workload?)null, (Workload?)workload))));

    private Translations(WorkloadIndex index, LayeredMap<ScopedAddress, Claims> claims) =>
        (_index, _claims, _concerned) = (index, claims, new(FindConcerned));

    /// <summary>Whether no workload is translated.</summary>
    public bool IsEmpty => _claims.Count == 0;

    /// <summary>The addresses under which workloads are visible that need not hold them; in no order.</summary>
    public IEnumerable<ScopedAddress> Addresses => _claims.Values.Select(claims => claims.Address);

    /// <summary>The workloads whose connections appear under an address; by id.</summary>
    public IReadOnlyList<Workload> ComingFrom(ScopedAddress address) =>
        ByHolder(address, At(address).Where(workload => Contains(workload.Sources, address)));

    /// <summary>The workloads that may serve what is visible under an address, with the port by which each of them knows it; by id, then port.</summary>
    public IReadOnlyList<(Workload Workload, ushort Port)> LeadingTo(ScopedAddress address, byte protocol, ushort port)
    {
        var holder = _index.Holder(address);
        return
        [
            .. PublishedAt(address, protocol, port)
                .Concat(holder is null ? [] : [(holder, port)])
                .Distinct().OrderBy(end => end.Workload.Id).ThenBy(end => end.Port),
        ];
    }

    /// <summary>The same, of those alone to whom it is published: they get what the holder would.</summary>
    public IEnumerable<(Workload Workload, ushort Port)> PublishedAt(ScopedAddress address, byte protocol, ushort port) =>
        from workload in At(address)
        from publication in PublishedBy(workload)
        where publication.Address == address
        let own = publication.Ports.OwnOf(protocol, port)
        where own is not null
        select (workload, own.Value);

    /// <summary>The workloads that have anything to do with an address, as holder or by translation; by id.</summary>
    public IReadOnlyList<Workload> VisibleAt(ScopedAddress address) =>
        ByHolder(address, At(address).Where(workload => Contains(workload.Sources, address) || PublishedBy(workload).Any(publication => publication.Address == address)));

    /// <summary>The workloads that say they are visible under a translated address, rightly or not; by id.</summary>
    internal IEnumerable<Workload> Claiming(ScopedAddress address) => At(address);

    /// <summary>What leads to a workload: what it publishes and no other has.</summary>
    public IEnumerable<Publication> PublishedBy(Workload workload) =>
        workload.Admitted ? workload.Published.Where(publication => !IsAnothers(workload, publication)) : [];

    /// <summary>Whether more than one workload connects from an address.</summary>
    public bool IsShared(ScopedAddress address)
    {
        if (IsEmpty || _claims.Find(address) is null)
        {
            return false;
        }

        var holder = _index.Holder(address)?.Id;
        return At(address).Where(workload => workload.Id != holder && Contains(workload.Sources, address)).Take(2).Count() + (holder is null ? 0 : 1) > 1;
    }

    /// <summary>Whether translations may have to do with a connection to or from an address, in any space; that they do not is certain.</summary>
    internal bool Concern(IpAddress address) => !IsEmpty && _concerned.Value.Contains(address);

    /// <summary>Whether a workload is visible under other addresses than its own, or others connect from one of these.</summary>
    internal bool Concern(Workload workload) => !IsEmpty && workload.Admitted && (workload.IsTranslated || workload.Addresses.Any(IsShared));

    /// <summary>The next version, for the next version of the index; workloads that are visible under the same addresses as those that changed are added to the touched ones.</summary>
    internal Translations With(WorkloadIndex index, IReadOnlyCollection<(Workload? Old, Workload? Now)> changed, HashSet<WorkloadId> touched)
    {
        var next = new Translations(index, _claims.With(Changes(changed)));
        if (IsEmpty && next.IsEmpty)
        {
            return next;
        }

        foreach (var (old, now) in changed)
        {
            if (old?.Admitted == now?.Admitted && old?.Addresses == now?.Addresses && old?.Sources == now?.Sources && old?.Published == now?.Published)
            {
                continue;
            }

            var published = PublishedAddresses(old).Union(PublishedAddresses(now)).ToHashSet();
            foreach (var address in AllOf(old).Union(AllOf(now)))
            {
                var shared = IsShared(address) != next.IsShared(address);
                if (shared)
                {
                    touched.UnionWith(new[] { _index.Holder(address), index.Holder(address) }.OfType<Workload>().Select(workload => workload.Id));
                }

                if (shared || published.Contains(address))
                {
                    touched.UnionWith(At(address).Concat(next.At(address)).Select(workload => workload.Id));
                }
            }
        }

        return next;
    }

    /// <summary>Whether a workload is visible otherwise than in another version.</summary>
    internal bool Differs(Workload workload, Translations other) =>
        (Concern(workload) || other.Concern(workload))
        && !(Concern(workload) == other.Concern(workload)
            && PublishedBy(workload).SequenceEqual(other.PublishedBy(workload))
            && workload.Sources.Concat(workload.Addresses).All(address => IsShared(address) == other.IsShared(address)));

    private static IEnumerable<ScopedAddress> AllOf(Workload? workload) => workload is null ? [] : workload.Addresses.Concat(TranslatedOf(workload));

    private static IEnumerable<ScopedAddress> PublishedAddresses(Workload? workload) => workload?.Published.Select(publication => publication.Address) ?? [];

    private HashSet<IpAddress> FindConcerned() =>
        [.. _claims.Values.SelectMany(claims => At(claims.Address).SelectMany(workload => workload.Addresses)
            .Concat(_index.Holder(claims.Address)?.Addresses ?? []).Append(claims.Address)).Select(address => address.Address)];

    private static IEnumerable<ScopedAddress> TranslatedOf(Workload workload) =>
        workload.Sources.Concat(workload.Published.Select(publication => publication.Address)).Distinct();

    private static bool Contains(EquatableArray<ScopedAddress> addresses, ScopedAddress address) => addresses.AsSpan().Contains(address);

    private bool IsAnothers(Workload workload, Publication publication) =>
        At(publication.Address).Any(other => other.Id.CompareTo(workload.Id) < 0
            && other.Published.Any(theirs => theirs.Overlaps(publication) && !(theirs.Shared && publication.Shared)));

    private IEnumerable<Workload> At(ScopedAddress address) => _claims.Find(address)?.Ids.Select(id => _index.Find(id)!) ?? [];

    private List<Workload> ByHolder(ScopedAddress address, IEnumerable<Workload> others) =>
        [.. (_index.Holder(address) is { } holder ? others.Append(holder).DistinctBy(workload => workload.Id) : others).OrderBy(workload => workload.Id)];

    private Dictionary<ScopedAddress, Claims?> Changes(IEnumerable<(Workload? Old, Workload? Now)> changed)
    {
        var changes = new Dictionary<ScopedAddress, Claims?>();
        foreach (var (old, now) in changed)
        {
            foreach (var address in old is { Admitted: true } ? TranslatedOf(old) : [])
            {
                Change(address, ids => ids.Remove(old!.Id));
            }

            foreach (var address in now is { Admitted: true } ? TranslatedOf(now) : [])
            {
                Change(address, ids => ids.Add(now!.Id));
            }
        }

        return changes;

        void Change(ScopedAddress address, Func<ImmutableSortedSet<WorkloadId>, ImmutableSortedSet<WorkloadId>> change)
        {
            var claims = changes.TryGetValue(address, out var changed) ? changed : _claims.Find(address);
            var ids = change(claims?.Ids ?? []);
            changes[address] = ids.IsEmpty ? null : new(address, ids);
        }
    }

    /// <summary>The workloads that claim to be visible under an address.</summary>
    private sealed record Claims(ScopedAddress Address, ImmutableSortedSet<WorkloadId> Ids);
}
