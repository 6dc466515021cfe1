using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Render;

/// <summary>What is to be tried for packets to some ports.</summary>
/// <param name="Ports">Protocols with ports or ICMP types.</param>
/// <param name="Rules">Tried in order; each asks for matches, and decides if they hold.</param>
internal sealed record DispatchEntry(EquatableArray<PortMatch> Ports, EquatableArray<FirewallRule> Rules);

/// <summary>
/// Renders an ordered list of entries so that a packet crosses a number of rules that does not grow with the list: one look-up
/// by protocol, one by port, then only what is to be tried for that port. Ports of a protocol with the same things to try share a chain.
/// </summary>
/// <param name="document">Gets the chains.</param>
/// <param name="name">What their names begin with.</param>
/// <param name="tcpFirst">Tried before everything else for TCP, or null.</param>
/// <param name="end">Whose port decides.</param>
internal sealed class PortDispatch(DocumentBuilder document, string name, FirewallRule? tcpFirst, PacketEnd end = PacketEnd.Destination)
{
    /// <summary>The rules to begin with; they return if nothing decides.</summary>
    public IEnumerable<FirewallRule> Render(IReadOnlyList<DispatchEntry> entries)
    {
        var protocols = entries.SelectMany(e => e.Ports).Where(p => !p.IsAny).Select(p => p.Protocol).ToHashSet();
        var specific = protocols.ToHashSet();
        if (tcpFirst is not null)
        {
            protocols.Add(IpProtocol.Tcp);
        }

        var cases = new List<DispatchCase>();
        foreach (var protocol in protocols.Order())
        {
            var chain = $"{name}_{IpProtocol.NameOf(protocol)}";
            document.Chain(chain,
            [
                .. protocol == IpProtocol.Tcp && tcpFirst is not null ? [tcpFirst] : Array.Empty<FirewallRule>(),
                .. specific.Contains(protocol) ? RulesOf(protocol, entries, chain) : [],
            ]);
            cases.Add(new(protocol, protocol, new Verdict.Jump(chain)));
        }

        return
        [
            .. cases.Count == 0 ? Array.Empty<FirewallRule>() : [new FirewallRule.Dispatch(DispatchKey.Protocol, cases.ToEquatableArray())],
            .. Join(entries.Where(e => e.Ports.Any(p => p.IsAny))),
        ];
    }

    private IEnumerable<FirewallRule> RulesOf(byte protocol, IReadOnlyList<DispatchEntry> entries, string chain)
    {
        var otherwise = Join(entries.Where(e => e.Ports.Any(p => IsWhole(p, protocol))));
        var cases = new List<DispatchCase>();
        var leaves = new Dictionary<EquatableArray<FirewallRule>, string>();
        foreach (var (first, last, rules) in Intervals(protocol, entries, otherwise))
        {
            if (!leaves.TryGetValue(rules, out var leaf))
            {
                leaves.Add(rules, leaf = $"{chain}_{first}");
                document.Chain(leaf, rules);
            }

            cases.Add(new(first, last, new Verdict.Goto(leaf)));
        }

        // Single ports apart from ranges: a map without intervals is a hash table.
        foreach (var part in cases.ToLookup(c => c.First != c.Last).OrderBy(part => part.Key))
        {
            yield return new FirewallRule.Dispatch(KeyOf(protocol), part.ToEquatableArray());
        }

        foreach (var rule in otherwise)
        {
            yield return rule;
        }
    }

    /// <summary>The largest intervals of ports for which the same rules are to be tried, other than those of the whole protocol.</summary>
    private static IEnumerable<(ushort First, ushort Last, EquatableArray<FirewallRule> Rules)> Intervals(
        byte protocol, IReadOnlyList<DispatchEntry> entries, EquatableArray<FirewallRule> otherwise)
    {
        var edges = new SortedDictionary<int, List<(int Entry, int Step)>>();
        var active = new SortedDictionary<int, int>();
        for (var i = 0; i < entries.Count; i++)
        {
            foreach (var match in entries[i].Ports)
            {
                if (IsWhole(match, protocol))
                {
                    active[i] = active.GetValueOrDefault(i) + 1;
                }
                else if (match.Protocol == protocol)
                {
                    At(edges, match.First).Add((i, 1));
                    At(edges, match.Last + 1).Add((i, -1));
                }
            }
        }

        (int First, EquatableArray<FirewallRule> Rules) open = (0, otherwise);
        foreach (var (port, steps) in edges)
        {
            foreach (var (entry, step) in steps)
            {
                if ((active[entry] = active.GetValueOrDefault(entry) + step) == 0)
                {
                    active.Remove(entry);
                }
            }

            var rules = Join(active.Keys.Select(i => entries[i]));
            if (rules != open.Rules)
            {
                if (open.Rules != otherwise)
                {
                    yield return ((ushort)open.First, (ushort)(port - 1), open.Rules);
                }

                open = (port, rules);
            }
        }
    }

    private static List<(int Entry, int Step)> At(SortedDictionary<int, List<(int Entry, int Step)>> edges, int port)
    {
        if (!edges.TryGetValue(port, out var list))
        {
            edges.Add(port, list = []);
        }

        return list;
    }

    private static bool IsWhole(PortMatch match, byte protocol) => match.IsAny || (match.Protocol == protocol && match.IsWholeProtocol);

    /// <summary>The rules of entries in order, without those that an earlier one with the same conditions leaves nothing to; a jump may come back.</summary>
    private static EquatableArray<FirewallRule> Join(IEnumerable<DispatchEntry> entries) =>
        entries.SelectMany(e => e.Rules)
            .DistinctBy(rule => rule is FirewallRule.When { Verdict: not Verdict.Jump } when ? (object)when.Matches : rule)
            .ToEquatableArray();

    private DispatchKey KeyOf(byte protocol) => protocol switch
    {
        IpProtocol.Icmp => DispatchKey.IcmpType,
        IpProtocol.IcmpV6 => DispatchKey.IcmpV6Type,
        _ => end == PacketEnd.Destination ? DispatchKey.Port : DispatchKey.SourcePort,
    };
}
