namespace Bulkhead.Policy.Addresses;

/// <summary>
/// The realm in which an address means one thing: two containers on different hosts, or two VPCs, may use one address for two workloads.
/// Names are as the operator declares them; the default space has the empty name.
/// </summary>
public readonly record struct AddressSpace(string Name) : IComparable<AddressSpace>
{
    private readonly string? _name = Name;

    /// <summary>The name; empty for the default space.</summary>
    public string Name
    {
        get => _name ?? "";
        init => _name = value;
    }

    /// <summary>The space of workloads of which nothing else is declared.</summary>
    public static AddressSpace Default => default;

    /// <inheritdoc/>
    public int CompareTo(AddressSpace other) => string.CompareOrdinal(Name, other.Name);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <inheritdoc/>
    public bool Equals(AddressSpace other) => string.Equals(Name, other.Name, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => string.GetHashCode(Name, StringComparison.Ordinal);
}

/// <summary>An address within its space.</summary>
public readonly record struct ScopedAddress(AddressSpace Space, IpAddress Address) : IComparable<ScopedAddress>
{
    /// <summary>An address in the default space.</summary>
    public static ScopedAddress Of(IpAddress address) => new(AddressSpace.Default, address);

    /// <inheritdoc/>
    public int CompareTo(ScopedAddress other) =>
        Space.CompareTo(other.Space) is var order and not 0 ? order : Address.CompareTo(other.Address);

    /// <inheritdoc/>
    public override string ToString() => Space.Name.Length == 0 ? Address.ToString() : $"{Space.Name}/{Address}";
}
