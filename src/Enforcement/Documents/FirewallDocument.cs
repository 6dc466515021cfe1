using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Enforcement.Documents;

/// <summary>
/// All that stands in our one firewall table, as a value. Sets and chains are sorted by name (ordinal), so that equal
/// policies give equal documents.
/// </summary>
/// <param name="Sets">The named address sets.</param>
/// <param name="Chains">Base chains and the chains that they reach.</param>
public sealed record FirewallDocument(EquatableArray<AddressSet> Sets, EquatableArray<FirewallChain> Chains)
{
    /// <summary>The table's name, of family inet. Whoever finds it may take it for ours.</summary>
    public const string Table = "bulkhead";

    /// <summary>The NFLOG group that blocked packets are sent to.</summary>
    public const int LogGroup = 4077;
}

/// <summary>A named set of addresses of one family.</summary>
/// <param name="Name">Unique in the document.</param>
/// <param name="IsV6">The family.</param>
/// <param name="IsInterval">Whether it holds prefixes; else single addresses only.</param>
/// <param name="Elements">Sorted and disjoint; never empty.</param>
public sealed record AddressSet(string Name, bool IsV6, bool IsInterval, PrefixList Elements);

/// <summary>A list of rules.</summary>
/// <param name="Name">Unique in the document.</param>
/// <param name="Hook">For a base chain, the direction of packets that start here; else null.</param>
/// <param name="Rules">In the order in which they are tried.</param>
public sealed record FirewallChain(string Name, Direction? Hook, EquatableArray<FirewallRule> Rules);
