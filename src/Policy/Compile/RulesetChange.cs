using System.Collections.Immutable;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Compile;

/// <summary>Finds the entries that rules gain and lose, by rulesets that differ and compartments that are new.</summary>
internal sealed class RulesetChange(PolicyState before, PolicyModel policy, CompileSettings settings, PagedList<Population>.Builder populations, PagedList<GroupState>.Builder groups)
{
    private readonly Lattice _lattice = before.Lattice;
    private readonly RuleExpansion _expansion = new(before.Lattice);

    /// <summary>Entries that are new.</summary>
    public List<Entry> Added { get; } = [];

    /// <summary>Entries that are gone; the same may be in both lists.</summary>
    public List<Entry> Dropped { get; } = [];

    /// <summary>The networks that rules name which were compiled.</summary>
    public Dictionary<string, Network> Named { get; } = new(StringComparer.Ordinal);

    /// <summary>The rulesets, of which those that differ are compiled.</summary>
    public LayeredMap<string, CompiledRuleset> DiffRulesets()
    {
        if (ReferenceEquals(policy, before.Policy) && !(before.NextExpiry <= settings.Now) && settings.Now >= before.Settings.Now)
        {
            return before.Rulesets;
        }

        var changes = new Dictionary<string, CompiledRuleset?>(StringComparer.Ordinal);
        var kept = 0;
        foreach (var ruleset in policy.Rulesets)
        {
            var old = before.Rulesets.Find(ruleset.Name);
            kept += old is null ? 0 : 1;
            if (old is null || !Same(old.Source, ruleset) || Expired(old))
            {
                changes[ruleset.Name] = Compile(ruleset, old);
            }
        }

        if (kept < before.Rulesets.Count)
        {
            var names = policy.Rulesets.Select(ruleset => ruleset.Name).ToHashSet(StringComparer.Ordinal);
            foreach (var gone in before.Rulesets.Values.Where(ruleset => !names.Contains(ruleset.Source.Name)))
            {
                changes[gone.Source.Name] = null;
                foreach (var rule in gone.Rules.Values)
                {
                    Drop(rule);
                }
            }
        }

        return before.Rulesets.With(changes);
    }

    private static bool Same(Ruleset a, Ruleset b) => ReferenceEquals(a, b) || a == b;

    private bool Applies(Rule rule) => rule.Expires is not { } expiry || expiry > settings.Now;

    private bool Expired(CompiledRuleset old) =>
        !old.Expiries.IsEmpty && old.Expiries.Any(expiry => expiry > before.Settings.Now != expiry > settings.Now);

    private CompiledRuleset Compile(Ruleset ruleset, CompiledRuleset? old)
    {
        var sameScopes = old is not null && old.Source.Scopes == ruleset.Scopes;
        var rules = ImmutableDictionary.CreateBuilder<RuleId, CompiledRule>();
        foreach (var rule in ruleset.Rules)
        {
            if (!Applies(rule))
            {
                continue;
            }

            if (sameScopes && old!.Rules.TryGetValue(rule.Id, out var same) && (ReferenceEquals(same.Source, rule) || same.Source == rule))
            {
                rules.Add(rule.Id, same);
                continue;
            }

            Name(rule.From);
            Name(rule.To);
            var compiled = new CompiledRule(rule, [.. _expansion.Entries(ruleset, rule)], [.. _expansion.Compartmented(ruleset, rule)], [.. _expansion.Ends(ruleset, rule)]);
            rules.Add(rule.Id, compiled);
            Added.AddRange(compiled.Entries);
            foreach (var compartmented in compiled.Compartmented)
            {
                Add(compartmented);
            }
        }

        foreach (var rule in old is null ? [] : old.Rules)
        {
            if (!rules.TryGetValue(rule.Key, out var now) || !ReferenceEquals(now, rule.Value))
            {
                Drop(rule.Value);
            }
        }

        return new(
            ruleset,
            sameScopes ? old!.Scopes : [.. ruleset.Scopes.Select(_expansion.Members)],
            rules.ToImmutable(),
            [.. ruleset.Rules.Where(rule => rule.Expires is not null).Select(rule => rule.Expires!.Value)]);
    }

    private void Name(RuleEnd end)
    {
        if (end is RuleEnd.Addresses { Network: var network })
        {
            Named[network.Name] = network;
        }
    }

    private void Drop(CompiledRule rule)
    {
        Dropped.AddRange(rule.Entries);
        foreach (var compartmented in rule.Compartmented)
        {
            var state = groups[compartmented.Members.Id]!;
            var compartments = state.Compartments.Single(list => list.Per == compartmented.Scope.Per);
            foreach (var labels in compartments.Known.Values)
            {
                Dropped.AddRange(_expansion.Entries(compartmented, labels));
            }

            var rest = state.Compartmented.Remove(compartmented);
            groups[compartmented.Members.Id] = state with
            {
                Compartmented = rest,
                Compartments = rest.Any(other => other.Scope.Per == compartments.Per) ? state.Compartments : state.Compartments.Remove(compartments),
            };
        }
    }

    /// <summary>Gives a rule its entries in every compartment that there is.</summary>
    private void Add(Compartmented compartmented)
    {
        var state = groups[compartmented.Members.Id] ?? GroupState.Empty;
        var compartments = state.Compartments.FirstOrDefault(list => list.Per == compartmented.Scope.Per);
        if (compartments is null)
        {
            compartments = Find(compartmented);
            state = state with { Compartments = state.Compartments.Add(compartments) };
        }

        groups[compartmented.Members.Id] = state with { Compartmented = state.Compartmented.Add(compartmented) };
        foreach (var labels in compartments.Known.Values)
        {
            Added.AddRange(_expansion.Entries(compartmented, labels));
        }
    }

    private Compartments Find(Compartmented compartmented)
    {
        var known = new Dictionary<string, LabelSet>(StringComparer.Ordinal);
        foreach (var labelSet in compartmented.Members.LabelSets.Span)
        {
            if (populations[labelSet] is { Kins.IsEmpty: false })
            {
                var labels = _lattice.LabelsOf(labelSet);
                known.TryAdd(Compartments.ValuesOf(compartmented.Scope.Per, labels), labels);
            }
        }

        return new(compartmented.Scope.Per, known.ToImmutableDictionary(StringComparer.Ordinal));
    }

    /// <summary>Label sets that came to life may be the first of their compartments.</summary>
    public void Enter(IEnumerable<int> labelSets)
    {
        if (before.Rulesets.Count == 0)
        {
            return;
        }

        foreach (var labelSet in labelSets)
        {
            foreach (var group in _lattice.GroupsOf(labelSet))
            {
                if (groups[group] is { Compartments.IsEmpty: false } state)
                {
                    Enter(group, state, _lattice.LabelsOf(labelSet));
                }
            }
        }
    }

    private void Enter(int group, GroupState state, LabelSet labels)
    {
        for (var i = 0; i < state.Compartments.Length; i++)
        {
            var compartments = state.Compartments[i];
            var values = Compartments.ValuesOf(compartments.Per, labels);
            if (!compartments.Known.ContainsKey(values))
            {
                state = state with { Compartments = state.Compartments.SetItem(i, compartments with { Known = compartments.Known.Add(values, labels) }) };
                foreach (var compartmented in state.Compartmented.Where(rule => rule.Scope.Per == compartments.Per))
                {
                    Added.AddRange(_expansion.Entries(compartmented, labels));
                }
            }
        }

        groups[group] = state;
    }
}
