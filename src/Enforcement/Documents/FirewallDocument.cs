using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;

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

    /// <summary>The NFLOG group that answers of name servers are copied to.</summary>
    public const int NamesGroup = 4078;

    /// <summary>The helpers that rules give to connections; by name.</summary>
    public EquatableArray<HelperObject> Helpers { get; init; }
}

/// <summary>A named connection-tracking helper that rules give to connections.</summary>
/// <param name="Name">Unique in the document.</param>
/// <param name="Type">The kernel's name of it.</param>
/// <param name="Protocol">IP protocol number of the connections that it is for; others it leaves alone.</param>
public sealed record HelperObject(string Name, string Type, byte Protocol);

/// <summary>A named set of addresses of one family.</summary>
/// <param name="Name">Unique in the document.</param>
/// <param name="IsV6">The family.</param>
/// <param name="IsInterval">Whether it holds prefixes; else single addresses only.</param>
/// <param name="Elements">Sorted and disjoint; never empty.</param>
public sealed record AddressSet(string Name, bool IsV6, bool IsInterval, PrefixList Elements);

/// <summary>Where packets start in a base chain.</summary>
public enum Hook
{
    /// <summary>To the host, tracked.</summary>
    Input,

    /// <summary>From the host, tracked.</summary>
    Output,

    /// <summary>To the host or to be forwarded, before they are tracked.</summary>
    Arriving,

    /// <summary>From the host, before they are tracked.</summary>
    Leaving,
}

/// <summary>A list of rules.</summary>
/// <param name="Name">Unique in the document.</param>
/// <param name="Hook">For a base chain, where packets start in it; else null.</param>
/// <param name="Rules">In the order in which they are tried.</param>
public sealed record FirewallChain(string Name, Hook? Hook, EquatableArray<FirewallRule> Rules);
