using Bulkhead.Policy.Addresses;

namespace Bulkhead.Policy.Services;

/// <summary>Named addresses, matched whoever owns them.</summary>
/// <param name="Name">Unique.</param>
/// <param name="Prefixes">Sorted and disjoint; ranges and exclusions are already worked into them. May be empty if there are names in <see cref="Fqdn"/>.</param>
public sealed record Network(string Name, EquatableArray<IpPrefix> Prefixes)
{
    /// <summary>Names and <c>*.</c> patterns in lower case; sorted and distinct. Nothing enforces them yet.</summary>
    public EquatableArray<string> Fqdn { get; init; }
}
