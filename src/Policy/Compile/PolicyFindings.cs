using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Compile;

/// <summary>What a compiled policy leaves open: rules that do nothing, and rules that some host cannot enforce.</summary>
internal static class PolicyFindings
{
    private const int NamedAtMost = 3;

    /// <summary>Errors and warnings, by path.</summary>
    public static IReadOnlyList<Diagnostic> Diagnostics(PolicyState state) =>
        [.. Unenforceable(state).Concat(DomainNames(state)).Concat(Unidentified(state)).Concat(Unmatched(state)).Concat(IdleFindings.Diagnostics(state)).Concat(SharedAddressFindings.Diagnostics(state)).Distinct().OrderBy(d => d.Path, StringComparer.Ordinal).ThenBy(d => d.Message, StringComparer.Ordinal)];

    /// <summary>What hosts go without.</summary>
    public static IReadOnlyList<LeftOut> LeftOut(PolicyState state) =>
        [.. Conditional(state).SelectMany(entry => Lacking(state, entry).Concat(NotEnforcing(state, entry)).Concat(SharedAddressFindings.LeftOut(state, entry))).Distinct().OrderBy(l => l.Rule).ThenBy(l => l.Host).ThenBy(l => l.Direction).ThenBy(l => l.Reason, StringComparer.Ordinal)];

    /// <summary>The entries that not every host can decide, or that ask something of the other end.</summary>
    private static IEnumerable<Entry> Conditional(PolicyState state)
    {
        for (var group = 0; group < state.Lattice.GroupCount; group++)
        {
            foreach (var entry in state.Groups[group]?.Held ?? [])
            {
                if (entry.Needs != Feature.None || entry.Peer.Variant != PeerVariant.All)
                {
                    yield return entry;
                }
            }
        }
    }

    private static IEnumerable<LeftOut> Lacking(PolicyState state, Entry entry) => !entry.MayBeLeftOut ? [] :
        from kin in Hosts(state, entry.Subject)
        where (kin.Key.Features & entry.Needs) != entry.Needs
        from host in kin.Members
        select new LeftOut(entry.Rule, host.Id, entry.Direction, $"{host.Name} goes without it: its agent lacks {Names(entry.Needs & ~kin.Key.Features)}.");

    private static IEnumerable<LeftOut> NotEnforcing(PolicyState state, Entry entry) =>
        entry.Peer.Variant == PeerVariant.All || !Hosts(state, entry.Subject).Any() ? [] :
        from labelSet in entry.Peer.Group!.LabelSets.Span.ToArray()
        let population = state.Inhabited(labelSet)
        where population is not null
        from kin in population.Kins
        where kin.Key.In(PeerVariant.All, population.Assigned) && !kin.Key.In(entry.Peer.Variant, population.Assigned)
        from consumer in kin.Members
        select new LeftOut(entry.Rule, consumer.Id, Direction.Inbound,
            $"Providers do not open to {consumer.Name}: it does not enforce the rule's process or user condition outbound ({Names(entry.Peer.Variant.Enforcing)} in full).");

    private static IEnumerable<Kin> Hosts(PolicyState state, Group group) =>
        group.LabelSets.Span.ToArray().SelectMany(labelSet => state.Inhabited(labelSet)?.Kins ?? []).Where(kin => kin.Key.Managed);

    private static string Names(Feature features) => string.Join(", ", FeatureMask.Names(features));

    private static IEnumerable<Diagnostic> Unenforceable(PolicyState state)
    {
        var denies = Conditional(state).Where(entry => !entry.MayBeLeftOut).ToLookup(entry => entry.Rule);
        if (denies.Count == 0)
        {
            yield break;
        }

        foreach (var (ruleset, rule) in Rules(state).Where(pair => denies.Contains(pair.Rule.Source.Id)))
        {
            var lacking = denies[rule.Source.Id]
                .SelectMany(entry => Hosts(state, entry.Subject).Where(kin => (kin.Key.Features & entry.Needs) != entry.Needs)
                    .SelectMany(kin => kin.Members.Select(host => (host.Name, Missing: entry.Needs & ~kin.Key.Features))))
                .Distinct().OrderBy(host => host.Name, StringComparer.Ordinal).ToList();
            if (lacking.Count > 0)
            {
                var named = string.Join(", ", lacking.Take(NamedAtMost).Select(host => host.Name));
                var more = lacking.Count > NamedAtMost ? $" and {lacking.Count - NamedAtMost} more hosts" : "";
                var missing = Names(lacking.Aggregate(Feature.None, (all, host) => all | host.Missing));
                yield return Diagnostic.Error("unenforceable-deny", $"rulesets[{ruleset.Source.Name}].rules[id={rule.Source.Id}]",
                    lacking.Count == 1
                        ? $"{named} cannot decide this deny: its agent lacks {missing}. Upgrade the agent, or write whereUnenforceable: skip."
                        : $"{named}{more} cannot decide this deny: their agents lack {missing}. Upgrade the agents, or write whereUnenforceable: skip.");
            }
        }
    }

    /// <summary>Domain names are understood, but no host resolves them yet.</summary>
    private static IEnumerable<Diagnostic> DomainNames(PolicyState state)
    {
        foreach (var (ruleset, rule) in Rules(state))
        {
            foreach (var network in new[] { rule.Source.From, rule.Source.To }.OfType<RuleEnd.Addresses>().Select(end => end.Network).Where(network => network.Fqdn.Count > 0))
            {
                // The parser refuses a deny that does not ask to be skipped.
                yield return Diagnostic.Warning("not-yet-enforceable", $"rulesets[{ruleset.Source.Name}].rules[id={rule.Source.Id}]",
                    $"Domain names are not yet enforceable: of network '{network.Name}' this rule covers the addresses, not {string.Join(", ", network.Fqdn)}.");
            }
        }
    }

    /// <summary>A condition of a deny is not met by a socket that the kernel could not identify, unless the rule says so: what escapes that way is listed.</summary>
    private static IEnumerable<Diagnostic> Unidentified(PolicyState state)
    {
        foreach (var (ruleset, rule) in Rules(state))
        {
            if (rule.Source.Action != RuleAction.Allow && !rule.Source.UnidentifiedMatches
                && (rule.Source.HasConsumerCondition || rule.Source.Services.Any(service => service.Process is not null)))
            {
                yield return Diagnostic.Warning("unidentified-escapes", $"rulesets[{ruleset.Source.Name}].rules[id={rule.Source.Id}]",
                    "This deny asks for a process or user, so sockets that the kernel cannot identify escape it. Write unidentified: match to block those too.");
            }
        }
    }

    /// <summary>No silent rules: an end that chooses no workload today is said.</summary>
    private static IEnumerable<Diagnostic> Unmatched(PolicyState state)
    {
        foreach (var ruleset in state.Rulesets.Values)
        {
            for (var i = 0; i < ruleset.Scopes.Length; i++)
            {
                if (!HasMembers(state, ruleset.Scopes[i]))
                {
                    yield return Diagnostic.Warning("matches-nothing", $"rulesets[{ruleset.Source.Name}].scopes", $"The scope {ruleset.Source.Scopes[i].Selector} holds no workload today.");
                }
            }
        }

        foreach (var (ruleset, rule) in Rules(state))
        {
            foreach (var end in rule.Ends)
            {
                if (!end.Groups.Any(group => HasMembers(state, group)))
                {
                    yield return Diagnostic.Warning("matches-nothing", $"rulesets[{ruleset.Source.Name}].rules[id={rule.Source.Id}].{end.Side}",
                        $"'{end.End}'{(end.Bound ? " within the scope" : "")} chooses no workload today, so the rule does nothing.");
                }
            }
        }
    }

    private static bool HasMembers(PolicyState state, Group group)
    {
        foreach (var labelSet in group.LabelSets.Span)
        {
            foreach (var kin in state.Inhabited(labelSet)?.Kins ?? [])
            {
                if (kin.Key.Admitted)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static IEnumerable<(CompiledRuleset Ruleset, CompiledRule Rule)> Rules(PolicyState state) =>
        state.Rulesets.Values.SelectMany(ruleset => ruleset.Rules.Values.Select(rule => (ruleset, rule)));
}
