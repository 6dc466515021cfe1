using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Enforcement.Render;

/// <summary>Collects sets and chains; each once, by name.</summary>
internal sealed class DocumentBuilder
{
    private readonly SortedDictionary<string, AddressSet> _sets = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, FirewallChain> _chains = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, HelperObject> _helpers = new(StringComparer.Ordinal);

    public void Chain(string name, IEnumerable<FirewallRule> rules, Hook? hook = null) =>
        _chains[name] = new(name, hook, rules.ToEquatableArray());

    public void Helper(HelperObject helper) => _helpers[helper.Name] = helper;

    public bool HasChain(string name) => _chains.ContainsKey(name);

    /// <summary>
    /// Conditions, any of which says that an address is a member; sets are made for them. Hosts stand in hash sets and prefixes
    /// in interval sets, because an interval set costs more with each member and nft reads all of them before each change.
    /// </summary>
    public IEnumerable<Match> Addresses(string name, PacketEnd end, AddressMembers members)
    {
        foreach (var isV6 in (bool[])[false, true])
        {
            if (IsAll(members.Nets(isV6)))
            {
                yield return new Match.InPrefix(end, isV6 ? IpPrefix.AllV6 : IpPrefix.AllV4);
                continue;
            }

            foreach (var (isInterval, elements) in ((bool, PrefixList)[])[(false, members.Hosts(isV6)), (true, members.Nets(isV6))])
            {
                if (elements.Count > 0)
                {
                    var set = SetName(name, isV6, isInterval);
                    _sets.TryAdd(set, new(set, isV6, isInterval, elements));
                    yield return new Match.InSet(end, isV6, set);
                }
            }
        }
    }

    /// <summary>The same for few, in any order.</summary>
    public IEnumerable<Match> Addresses(string name, PacketEnd end, IEnumerable<IpPrefix> members) =>
        Addresses(name, end, AddressMembers.Of(members.Order()));

    /// <summary>Whether prefixes are all of their family, for which there is no set.</summary>
    public static bool IsAll(PrefixList nets) => nets.Count > 0 && nets[0].Length == 0;

    /// <summary>The name of the set that holds some members of those with a name.</summary>
    public static string SetName(string name, bool isV6, bool isInterval) => $"{name}_{(isV6 ? "v6" : "v4")}{(isInterval ? "_nets" : "")}";

    public FirewallDocument Build() => new(_sets.Values.ToEquatableArray(), _chains.Values.ToEquatableArray()) { Helpers = _helpers.Values.ToEquatableArray() };
}
