using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Inventory;

/// <summary>The identity of a workload, for its whole life.</summary>
public readonly record struct WorkloadId(Guid Value) : IComparable<WorkloadId>
{
    /// <inheritdoc/>
    public int CompareTo(WorkloadId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString();
}

/// <summary>Anything with addresses, as policy sees it.</summary>
public sealed record Workload
{
    /// <summary>Its identity.</summary>
    public required WorkloadId Id { get; init; }

    /// <summary>For people.</summary>
    public required string Name { get; init; }

    /// <summary>Its labels.</summary>
    public LabelSet Labels { get; init; } = LabelSet.Empty;

    /// <summary>The addresses it holds; sorted.</summary>
    public EquatableArray<ScopedAddress> Addresses { get; init; }

    /// <summary>The space in which it sees its peers.</summary>
    public AddressSpace Space { get; init; }

    /// <summary>Whether an agent enforces policy on it.</summary>
    public bool Managed { get; init; }

    /// <summary>What its agent can decide; sorted. Empty if unmanaged.</summary>
    public EquatableArray<string> Features { get; init; }

    /// <summary>Modes that override the assigned ones.</summary>
    public Modes? Pin { get; init; }

    /// <summary>Whether it is cut off from all but the responders.</summary>
    public bool Quarantined { get; init; }

    /// <summary>Whether its addresses count in others' peer sets; false while a pairing waits for approval.</summary>
    public bool Admitted { get; init; } = true;
}

/// <summary>All workloads, immutable, found by id and by address.</summary>
public sealed class WorkloadIndex
{
    private readonly Dictionary<WorkloadId, Workload> _byId = [];
    private readonly Dictionary<ScopedAddress, Workload> _byAddress = [];

    /// <summary>Indexes workloads; of two that hold one address, the one with the lower id has it.</summary>
    /// <exception cref="ArgumentException">An id stands twice.</exception>
    public WorkloadIndex(IEnumerable<Workload> workloads)
    {
        Workloads = [.. workloads.OrderBy(workload => workload.Id)];
        foreach (var workload in Workloads)
        {
            _byId.Add(workload.Id, workload);
            if (!workload.Admitted)
            {
                continue;
            }

            foreach (var address in workload.Addresses)
            {
                _byAddress.TryAdd(address, workload);
            }
        }
    }

    /// <summary>No workloads.</summary>
    public static WorkloadIndex Empty { get; } = new([]);

    /// <summary>In id order.</summary>
    public IReadOnlyList<Workload> Workloads { get; }

    /// <summary>The workload with an id, or null.</summary>
    public Workload? Find(WorkloadId id) => _byId.GetValueOrDefault(id);

    /// <summary>The admitted workload that holds an address, or null.</summary>
    public Workload? Holder(ScopedAddress address) => _byAddress.GetValueOrDefault(address);
}
