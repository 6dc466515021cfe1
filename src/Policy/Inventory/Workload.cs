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

    /// <summary>What leads to it besides its own addresses, in any space; sorted.</summary>
    public EquatableArray<Publication> Published { get; init; }

    /// <summary>The addresses under which connections that it makes appear elsewhere, alone or with others' (source NAT); sorted.</summary>
    public EquatableArray<ScopedAddress> Sources { get; init; }

    /// <summary>Whether it is visible under other addresses than its own.</summary>
    public bool IsTranslated => Published.Count + Sources.Count > 0;

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

    /// <summary>Whether it claims an address.</summary>
    public bool Claims(ScopedAddress address)
    {
        foreach (var held in Addresses)
        {
            if (held == address)
            {
                return Admitted;
            }
        }

        return false;
    }
}
