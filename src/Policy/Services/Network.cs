using Bulkhead.Policy.Addresses;

namespace Bulkhead.Policy.Services;

/// <summary>Named addresses, matched whoever owns them.</summary>
/// <param name="Name">Unique.</param>
/// <param name="Prefixes">Sorted and disjoint; ranges and exclusions are already worked into them.</param>
public sealed record Network(string Name, EquatableArray<IpPrefix> Prefixes);
