using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Compile;

/// <summary>What rules and quarantines do to workloads that they are not about, because these share a translated address with some that they are.</summary>
internal static class SharedAddressFindings
{
    private const int NamedAtMost = 3;

    /// <summary>Warnings; in no order.</summary>
    public static IEnumerable<Diagnostic> Diagnostics(PolicyState state) =>
        state.Workloads.Translations.IsEmpty ? [] : [.. OfRules(state), .. OfQuarantines(state), .. Contested(state)];

    /// <summary>The consumers to whom rules with a condition on their sockets do not open, since others connect from the same address.</summary>
    public static IEnumerable<LeftOut> LeftOut(PolicyState state, Entry entry)
    {
        var translations = state.Workloads.Translations;
        foreach (var labelSet in translations.IsEmpty || entry.Peer.Variant == PeerVariant.All ? [] : entry.Peer.Group!.LabelSets.Span.ToArray())
        {
            foreach (var kin in state.Inhabited(labelSet) is { } population ? population.Kins.Where(kin => kin.Key.In(entry.Peer.Variant, population.Assigned)) : [])
            {
                foreach (var consumer in kin.Translated)
                {
                    foreach (var address in consumer.Sources.Concat(state.Workloads.Held(consumer)).Distinct().Where(address => translations.IsShared(address) && HasHostIn(state, entry, address.Space)))
                    {
                        yield return new(entry.Rule, consumer.Id, Direction.Inbound,
                            $"Providers do not open to {consumer.Name} from {address}, which it shares with {Names(translations.ComingFrom(address).Where(other => other.Id != consumer.Id))}: connections from there need not meet the rule's process or user condition.");
                    }
                }
            }
        }
    }

    private static IEnumerable<Diagnostic> OfRules(PolicyState state)
    {
        var found = new SortedDictionary<(RuleId Rule, Direction Direction), (RuleAction Action, SortedSet<ScopedAddress> Addresses, HashSet<Workload> Others)>();
        foreach (var address in state.Workloads.Translations.Addresses)
        {
            foreach (var (entry, others) in Inbound(state, address).Concat(Outbound(state, address)))
            {
                var key = (entry.Rule, entry.Direction);
                if (!found.TryGetValue(key, out var rule))
                {
                    found.Add(key, rule = (entry.Action, [], []));
                }

                rule.Addresses.Add(address);
                rule.Others.UnionWith(others);
            }
        }

        var rulesets = found.Count == 0 ? [] : state.Rulesets.Values.SelectMany(ruleset => ruleset.Rules.Keys.Select(id => (id, ruleset.Source.Name))).ToDictionary(pair => pair.id, pair => pair.Name);
        foreach (var ((id, direction), (action, addresses, others)) in found)
        {
            var verb = action == RuleAction.Allow ? "opens" : "closes";
            var what = direction == Direction.Inbound ? $"to {Names(others)}, whose connections come from {Some(addresses)} too" : $"the way to {Names(others)}, behind {Some(addresses)} too";
            yield return Diagnostic.Warning("shared-address", $"rulesets[{rulesets[id]}].rules[id={id}]", $"It also {verb} {what}: hosts cannot tell them from those that it is for.");
        }
    }

    /// <summary>The entries that meet connections from an address because of some that come from there, and the others that do.</summary>
    private static IEnumerable<(Entry Entry, IEnumerable<Workload> Others)> Inbound(PolicyState state, ScopedAddress address)
    {
        var coming = state.Workloads.Translations.ComingFrom(address);
        return coming.Count < 2 ? [] : Of(state, address, coming, Direction.Inbound, (_, _) => coming);
    }

    /// <summary>The entries that meet connections to an address because of some that they may lead to, and the others behind the same ports.</summary>
    private static IEnumerable<(Entry Entry, IEnumerable<Workload> Others)> Outbound(PolicyState state, ScopedAddress address)
    {
        var translations = state.Workloads.Translations;
        var published = translations.VisibleAt(address).SelectMany(workload => translations.PublishedBy(workload).Where(publication => publication.Address == address).Select(publication => (Workload: workload, publication.Ports))).ToList();
        var holder = state.Workloads.Holder(address);
        var reached = holder is null ? published : [.. published, (holder, PortMapping.Everything)];
        return Of(state, address, reached.Select(end => end.Workload).Distinct(), Direction.Outbound, (entry, matches) =>
        {
            var open = reached.Where(end => matches(end.Workload)).SelectMany(end => entry.Ports.Select(port => end.Ports.VisibleOf(port))).OfType<Services.PortMatch>().ToList();
            return published.Where(end => open.Any(port => PortMapping.Same(port).VisibleOf(end.Ports.Visible) is not null)).Select(end => end.Workload);
        });
    }

    private static IEnumerable<(Entry Entry, IEnumerable<Workload> Others)> Of(
        PolicyState state, ScopedAddress address, IEnumerable<Workload> visible, Direction direction, Func<Entry, Func<Workload, bool>, IEnumerable<Workload>> met)
    {
        var labelSets = visible.ToDictionary(workload => workload.Id, workload => state.Lattice.Find(workload.Labels)!.Value);
        var entries = labelSets.Values.Distinct().SelectMany(labelSet => state.Lattice.GroupsOf(labelSet).ToArray()).Distinct()
            .SelectMany(group => state.Groups[group]?.Peered ?? [])
            .Where(entry => entry.Direction == direction && entry.Peer.Variant == PeerVariant.All && HasHostIn(state, entry, address.Space));
        foreach (var alike in entries.GroupBy(entry => (entry.Rule, entry.Subject)))
        {
            // Scopes of a ruleset are ORed: what one of them lets in is no stranger to the rule.
            var meant = labelSets.Values.Distinct().Where(labelSet => alike.Any(entry => state.Lattice.GroupsOf(labelSet).Contains(entry.Peer.Group!.Id))).ToHashSet();
            bool IsMeant(Workload workload) => meant.Contains(labelSets[workload.Id]);
            foreach (var entry in alike)
            {
                var others = met(entry, IsMeant).Where(workload => !IsMeant(workload)).ToList();
                if (others.Count > 0)
                {
                    yield return (entry, others);
                }
            }
        }
    }

    private static IEnumerable<Diagnostic> OfQuarantines(PolicyState state)
    {
        var cut = state.QuarantinedAddresses.ToHashSet();
        foreach (var workload in state.Quarantined.Values)
        {
            foreach (var address in workload.Sources.Concat(workload.Addresses).Concat(workload.Published.Select(publication => publication.Address)).Distinct())
            {
                var others = state.Workloads.Translations.VisibleAt(address).Where(other => !other.Quarantined).ToList();
                if (others.Count > 0 && state.Workloads.Translations.VisibleAt(address).Any(visible => visible.Id == workload.Id))
                {
                    yield return Diagnostic.Warning("shared-quarantine", $"workloads[{workload.Name}]", cut.Contains(address)
                        ? $"Its quarantine also cuts off {Names(others)} at {address}: peers cannot tell who connects from there."
                        : $"Peers still connect to {address}, which leads to {Names(others)} as well as to this workload in quarantine.");
                }
            }
        }
    }

    private static IEnumerable<Diagnostic> Contested(PolicyState state)
    {
        foreach (var workload in state.Workloads.Translations.Addresses.SelectMany(state.Workloads.Translations.Claiming).DistinctBy(workload => workload.Id))
        {
            foreach (var lost in workload.Published.Except(state.Workloads.Translations.PublishedBy(workload)))
            {
                yield return Diagnostic.Warning("contested-publication", $"workloads[{workload.Name}]",
                    $"{lost.Address} {lost.Ports.Visible} leads to another workload, which was there first, so peers do not reach this one by it. Declare it shared at both, or remove it at one.");
            }
        }
    }

    private static bool HasHostIn(PolicyState state, Entry entry, AddressSpace space)
    {
        foreach (var labelSet in entry.Subject.LabelSets.Span)
        {
            foreach (var kin in state.Inhabited(labelSet)?.Kins ?? [])
            {
                if (kin.Key.Managed && kin.Key.Space == space && entry.IsHeldWith(kin.Key.Features))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static string Some(SortedSet<ScopedAddress> addresses) => addresses.Count == 1 ? addresses.Min.ToString() : $"{addresses.Min} and {addresses.Count - 1} more addresses";

    private static string Names(IEnumerable<Workload> workloads)
    {
        var names = workloads.Select(workload => workload.Name).Distinct().Order(StringComparer.Ordinal).ToList();
        return $"{string.Join(", ", names.Take(NamedAtMost))}{(names.Count > NamedAtMost ? $" and {names.Count - NamedAtMost} more" : "")}";
    }
}
