using System.Collections.Immutable;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Policy.Inventory;

/// <summary>All workloads, immutable, found by id and by address; the next version costs what it changes.</summary>
public sealed class WorkloadIndex
{
    private readonly LayeredMap<WorkloadId, Workload> _byId;
    private readonly LayeredMap<ScopedAddress, Workload> _holders;
    private readonly LayeredMap<ScopedAddress, WorkloadId[]> _contested;
    private readonly Lazy<Workload[]> _sorted;
    private readonly Lazy<AddressRows> _rows;
    private readonly Ancestry _ancestry;

    /// <summary>Indexes workloads; of two that hold one address, the one with the lower id has it.</summary>
    /// <exception cref="ArgumentException">An id stands twice.</exception>
    public WorkloadIndex(IEnumerable<Workload> workloads)
    {
        var byId = new Dictionary<WorkloadId, Workload>();
        var holders = new Dictionary<ScopedAddress, Workload>();
        var contested = new Dictionary<ScopedAddress, WorkloadId[]>();
        foreach (var workload in workloads)
        {
            byId.Add(workload.Id, workload);
            foreach (var address in workload.Admitted ? workload.Addresses : [])
            {
                if (holders.TryAdd(address, workload) || holders[address].Id == workload.Id)
                {
                    continue;
                }

                WorkloadId[] claims = [.. (contested.GetValueOrDefault(address) ?? [holders[address].Id]).Append(workload.Id).Order()];
                contested[address] = claims;
                holders[address] = byId[claims[0]];
            }
        }

        (_byId, _holders, _contested) = (new(byId), new(holders), new(contested));
        _ancestry = new(null, []);
        _sorted = Sort();
        _rows = new(() => new(this));
        Translations = new(this, byId.Values.Where(workload => workload.IsTranslated));
    }

    private WorkloadIndex(
        WorkloadIndex before, LayeredMap<WorkloadId, Workload> byId, LayeredMap<ScopedAddress, Workload> holders, LayeredMap<ScopedAddress, WorkloadId[]> contested,
        IReadOnlyCollection<(Workload? Old, Workload? Now)> changed, HashSet<WorkloadId> touched)
    {
        (_byId, _holders, _contested) = (byId, holders, contested);
        _sorted = Sort();
        _rows = new(() => new(this));
        Translations = before.Translations.With(this, changed, touched);
        _ancestry = new(before._ancestry, [.. touched]);
    }

    /// <summary>No workloads.</summary>
    public static WorkloadIndex Empty { get; } = new([]);

    /// <summary>The number of workloads.</summary>
    public int Count => _byId.Count;

    /// <summary>In id order.</summary>
    public IReadOnlyList<Workload> Workloads => _sorted.Value;

    /// <summary>The places of addresses' holders among <see cref="Workloads"/>.</summary>
    internal AddressRows Rows => _rows.Value;

    /// <summary>Who is visible under other addresses than those that it holds.</summary>
    public Translations Translations { get; }

    /// <summary>The workload with an id, or null.</summary>
    public Workload? Find(WorkloadId id) => _byId.Find(id);

    /// <summary>The admitted workload that holds an address, or null.</summary>
    public Workload? Holder(ScopedAddress address) => _holders.Find(address);

    /// <summary>The addresses that a workload holds: those that it claims and no other workload has.</summary>
    public IEnumerable<ScopedAddress> Held(Workload workload)
    {
        foreach (var address in workload.Addresses)
        {
            if (_holders.Find(address) is { } holder && holder.Id == workload.Id)
            {
                yield return address;
            }
        }
    }

    /// <summary>The next version: workloads added or changed, and others taken out. Whatever is not named stays.</summary>
    public WorkloadIndex With(IEnumerable<Workload> changed, IEnumerable<WorkloadId> removed)
    {
        var after = removed.ToDictionary(id => id, _ => (Workload?)null);
        foreach (var workload in changed)
        {
            after[workload.Id] = workload;
        }

        var addresses = new HashSet<ScopedAddress>();
        foreach (var (id, workload) in after)
        {
            addresses.UnionWith(Find(id)?.Addresses ?? []);
            addresses.UnionWith(workload?.Addresses ?? []);
        }

        var touched = new HashSet<WorkloadId>(after.Keys);
        var holders = new Dictionary<ScopedAddress, Workload?>();
        var contested = new Dictionary<ScopedAddress, WorkloadId[]?>();
        foreach (var address in addresses)
        {
            var before = Holder(address);
            var claims = Claims(address, after);
            holders[address] = claims.Length == 0 ? null : after.GetValueOrDefault(claims[0]) ?? Find(claims[0]);
            contested[address] = claims.Length > 1 ? claims : null;
            if (before is { } loser && (claims.Length == 0 || claims[0] != loser.Id))
            {
                touched.Add(loser.Id);
            }

            if (claims.Length > 0 && before?.Id != claims[0])
            {
                touched.Add(claims[0]);
            }
        }

        foreach (var (address, claims) in contested.ToList())
        {
            if (claims is null && _contested.Find(address) is null)
            {
                contested.Remove(address);
            }
        }

        return new(this, _byId.With(after), _holders.With(holders), _contested.With(contested), [.. after.Select(pair => (Find(pair.Key), pair.Value))], touched);
    }

    /// <summary>The workloads that differ, or hold other addresses, from an earlier or any other version; some may turn out to be equal.</summary>
    internal IEnumerable<WorkloadId> TouchedSince(WorkloadIndex other) =>
        ReferenceEquals(this, other) ? []
        : ReferenceEquals(_ancestry.Parent?.Target, other._ancestry) ? _ancestry.Touched
        : _byId.Values.Select(w => w.Id).Union(other._byId.Values.Select(w => w.Id)).Where(id => Differs(id, other));

    private bool Differs(WorkloadId id, WorkloadIndex other) =>
        Find(id) is not { } here || other.Find(id) is not { } there || here != there || !Held(here).SequenceEqual(other.Held(there)) || Translations.Differs(here, other.Translations);

    private WorkloadId[] Claims(ScopedAddress address, Dictionary<WorkloadId, Workload?> after)
    {
        var before = _contested.Find(address) ?? (Holder(address) is { } holder ? [holder.Id] : []);
        var stay = before.Where(id => !after.ContainsKey(id));
        return [.. stay.Concat(after.Values.Where(w => w is not null && w.Claims(address)).Select(w => w!.Id)).Order()];
    }

    private Lazy<Workload[]> Sort() => new(() => [.. _byId.Values.OrderBy(workload => workload.Id)]);

    /// <summary>Knows what changed since the parent, without keeping the parent alive.</summary>
    private sealed class Ancestry(Ancestry? parent, ImmutableArray<WorkloadId> touched)
    {
        public WeakReference? Parent { get; } = parent is null ? null : new(parent);

        public ImmutableArray<WorkloadId> Touched { get; } = touched;
    }
}
