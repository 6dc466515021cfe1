using System.Collections.Immutable;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Compile;

/// <summary>
/// Makes the next version of a compiled policy. A compile from scratch is the change from nothing, so there is one way only:
/// <code>
/// workloads ─► populations ─┬─► addresses that join or leave groups ─► sums of peer sets ─┐
/// modes     ─► populations ─┘                                                             ├─► state and delta
/// rules     ─► entries ─► groups that hold them, groups they name ─► held entries ────────┘
/// </code>
/// </summary>
internal sealed class PolicyChange
{
    private readonly PolicyState _before;
    private readonly PolicyModel _policy;
    private readonly WorkloadIndex _workloads;
    private readonly CompileSettings _settings;
    private readonly Lattice _lattice;
    private readonly RuleExpansion _expansion;
    private readonly PagedList<Population>.Builder _populations;
    private readonly PagedList<GroupState>.Builder _groups;
    private readonly PagedList<HeldEntries>.Builder _held;
    private readonly List<AddressMove> _moves = [];
    private readonly HashSet<int> _entered = [];
    private readonly HashSet<int> _remoded = [];
    private readonly List<WorkloadId> _moved = [];
    private readonly List<WorkloadId> _removed = [];
    private readonly List<Entry> _added = [];
    private readonly List<Entry> _dropped = [];
    private readonly Dictionary<string, Network> _named = new(StringComparer.Ordinal);
    private readonly ImmutableHashSet<int>.Builder _enforcing;
    private ImmutableDictionary<WorkloadId, Workload> _quarantined;

    private PolicyChange(PolicyState before, PolicyModel policy, WorkloadIndex workloads, CompileSettings settings)
    {
        (_before, _policy, _workloads, _settings) = (before, policy, workloads, settings);
        _lattice = before.Lattice;
        _expansion = new(_lattice);
        _populations = before.Populations.Change();
        _groups = before.Groups.Change();
        _held = before.Held.Change();
        _enforcing = before.Enforcing.ToBuilder();
        _quarantined = before.Quarantined;
    }

    /// <summary>An address that a workload of a label set gained (1) or lost (-1).</summary>
    private readonly record struct AddressMove(int LabelSet, KinKey Key, Modes Assigned, ScopedAddress Address, int Sign);

    /// <summary>The next version, and what hosts must be told.</summary>
    public static (PolicyState After, PolicyDelta Delta) Make(PolicyState before, PolicyModel policy, WorkloadIndex workloads, CompileSettings settings) =>
        new PolicyChange(before, policy, workloads, settings).Make();

    private (PolicyState, PolicyDelta) Make()
    {
        MoveWorkloads();
        AssignModes();
        EnterCompartments();
        var rulesets = DiffRulesets();
        var sets = new PeerSetChanges(_before, _lattice);
        foreach (var move in _moves)
        {
            sets.Move(_groups, move.LabelSet, move.Key, move.Assigned, move.Address, move.Sign);
        }

        Remode(sets);
        sets.Settle(_groups);
        var networks = ChangeEntries();
        var after = new PolicyState
        {
            Lattice = _lattice,
            Policy = _policy,
            Workloads = _workloads,
            Settings = _settings,
            Populations = _populations.Done(),
            Groups = _groups.Done(),
            Held = _held.Done(),
            Networks = networks,
            Rulesets = rulesets,
            Quarantined = _quarantined,
            Enforcing = _enforcing.ToImmutable(),
        };
        return (after, new(_before, after, sets.Done(after), [.. _moved], [.. _removed], [.. _remoded], [.. _added.Concat(_dropped).Select(e => e.Subject.Id).Distinct()]));
    }

    private void MoveWorkloads()
    {
        if (_before.Workloads.Count == 0)
        {
            Settle(_workloads.Workloads);
            return;
        }

        foreach (var id in _workloads.TouchedSince(_before.Workloads))
        {
            var (old, now) = (_before.Workloads.Find(id), _workloads.Find(id));
            if (old is not null)
            {
                Leave(old);
            }

            if (now is not null)
            {
                Enter(now);
            }

            if (now is { Quarantined: true })
            {
                _quarantined = _quarantined.SetItem(id, now);
            }
            else if (old is { Quarantined: true })
            {
                _quarantined = _quarantined.Remove(id);
            }

            if (now is null)
            {
                _removed.Add(id);
            }
            else if (old is null || old.Labels != now.Labels || KinKey.Of(old) != KinKey.Of(now))
            {
                _moved.Add(id);
            }
        }
    }

    private void Leave(Workload workload)
    {
        var labelSet = _lattice.Find(workload.Labels)!.Value;
        var population = _populations[labelSet]!;
        _populations[labelSet] = population.Without(workload, _before.Workloads);
        Move(labelSet, population.Assigned, workload, _before.Workloads, -1);
    }

    private void Enter(Workload workload)
    {
        var labelSet = _lattice.Add(workload.Labels);
        if (_populations[labelSet] is not { Kins.IsEmpty: false } population)
        {
            population = new(_policy.ModesOf(workload.Labels), []);
            _entered.Add(labelSet);
        }

        _populations[labelSet] = population.With(workload, _workloads);
        Move(labelSet, population.Assigned, workload, _workloads, 1);
    }

    private void Move(int labelSet, Modes assigned, Workload workload, WorkloadIndex index, int sign)
    {
        var key = KinKey.Of(workload);
        foreach (var address in index.Held(workload))
        {
            _moves.Add(new(labelSet, key, assigned, address, sign));
        }
    }

    /// <summary>Lets the first workloads of all in, at once.</summary>
    private void Settle(IReadOnlyList<Workload> workloads)
    {
        foreach (var kindred in workloads.GroupBy(workload => workload.Labels))
        {
            var labelSet = _lattice.Add(kindred.Key);
            _entered.Add(labelSet);
            var kins = kindred.GroupBy(KinKey.Of).Select(kin => new Kin(kin.Key, [.. kin], Kin.Add([], kin.SelectMany(_workloads.Held), 1)));
            _populations[labelSet] = new(_policy.ModesOf(kindred.Key), [.. kins]);
        }

        _moved.AddRange(workloads.Select(workload => workload.Id));
        _quarantined = workloads.Where(workload => workload.Quarantined).ToImmutableDictionary(workload => workload.Id);
    }

    private void AssignModes()
    {
        if (_before.Policy.Modes == _policy.Modes)
        {
            return;
        }

        for (var labelSet = 0; labelSet < _lattice.LabelSetCount; labelSet++)
        {
            if (_populations[labelSet] is { Kins.IsEmpty: false } population
                && _policy.ModesOf(_lattice.LabelsOf(labelSet)) is var assigned && assigned != population.Assigned)
            {
                _populations[labelSet] = population with { Assigned = assigned };
                _remoded.Add(labelSet);
            }
        }
    }

    /// <summary>Where modes changed, a peer set of those that enforce something may gain or lose members.</summary>
    private void Remode(PeerSetChanges sets)
    {
        foreach (var group in _enforcing.Where(_ => _remoded.Count > 0))
        {
            foreach (var labelSet in _lattice.Group(group).LabelSets.Span)
            {
                if (_remoded.Contains(labelSet))
                {
                    var (old, now) = (_before.Populations[labelSet]!.Assigned, _populations[labelSet]!);
                    foreach (var kin in now.Kins)
                    {
                        sets.Remode(_groups, group, kin, old, now.Assigned, _workloads);
                    }
                }
            }
        }
    }

    private LayeredMap<string, CompiledRuleset> DiffRulesets()
    {
        var changes = new Dictionary<string, CompiledRuleset?>(StringComparer.Ordinal);
        var kept = 0;
        foreach (var ruleset in _policy.Rulesets)
        {
            var old = _before.Rulesets.Find(ruleset.Name);
            kept += old is null ? 0 : 1;
            if (old is null || !Same(old.Source, ruleset) || Expired(ruleset))
            {
                changes[ruleset.Name] = Compile(ruleset, old);
            }
        }

        if (kept < _before.Rulesets.Count)
        {
            var names = _policy.Rulesets.Select(ruleset => ruleset.Name).ToHashSet(StringComparer.Ordinal);
            foreach (var gone in _before.Rulesets.Values.Where(ruleset => !names.Contains(ruleset.Source.Name)))
            {
                changes[gone.Source.Name] = null;
                foreach (var rule in gone.Rules.Values)
                {
                    Drop(rule);
                }
            }
        }

        return _before.Rulesets.With(changes);
    }

    private static bool Same(Ruleset a, Ruleset b) => ReferenceEquals(a, b) || a == b;

    private bool Applies(Rule rule) => rule.Expires is not { } expiry || expiry > _settings.Now;

    private bool Expired(Ruleset ruleset)
    {
        foreach (var rule in ruleset.Rules)
        {
            if (rule.Expires is { } expiry && expiry > _before.Settings.Now != expiry > _settings.Now)
            {
                return true;
            }
        }

        return false;
    }

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
            _added.AddRange(compiled.Entries);
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

        return new(ruleset, sameScopes ? old!.Scopes : [.. ruleset.Scopes.Select(_expansion.Members)], rules.ToImmutable());
    }

    private void Name(RuleEnd end)
    {
        if (end is RuleEnd.Addresses { Network: var network })
        {
            _named[network.Name] = network;
        }
    }

    private void Drop(CompiledRule rule)
    {
        _dropped.AddRange(rule.Entries);
        foreach (var compartmented in rule.Compartmented)
        {
            var state = _groups[compartmented.Members.Id]!;
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var labelSet in compartmented.Members.LabelSets.Span)
            {
                var labels = _lattice.LabelsOf(labelSet);
                var compartment = compartmented.CompartmentOf(labels);
                if (state.Compartments.Contains(Key(compartmented, compartment)) && seen.Add(compartment))
                {
                    _dropped.AddRange(_expansion.Entries(compartmented, labels));
                }
            }

            var rest = state.Compartmented.Remove(compartmented);
            _groups[compartmented.Members.Id] = state with
            {
                Compartmented = rest,
                Compartments = rest.Any(other => other.Scope.Per == compartmented.Scope.Per) ? state.Compartments : state.Compartments.Except(state.Compartments.Where(key => key.StartsWith(Key(compartmented, ""), StringComparison.Ordinal))),
            };
        }
    }

    /// <summary>Gives a rule its entries in every compartment that there is.</summary>
    private void Add(Compartmented compartmented)
    {
        var state = _groups[compartmented.Members.Id] ?? GroupState.Empty;
        var compartments = state.Compartments.ToBuilder();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var labelSet in compartmented.Members.LabelSets.Span)
        {
            var labels = _lattice.LabelsOf(labelSet);
            var compartment = compartmented.CompartmentOf(labels);
            if (_populations[labelSet] is { Kins.IsEmpty: false } || compartments.Contains(Key(compartmented, compartment)))
            {
                compartments.Add(Key(compartmented, compartment));
                if (seen.Add(compartment))
                {
                    _added.AddRange(_expansion.Entries(compartmented, labels));
                }
            }
        }

        _groups[compartmented.Members.Id] = state with { Compartmented = state.Compartmented.Add(compartmented), Compartments = compartments.ToImmutable() };
    }

    /// <summary>Label sets that came to life may be the first of their compartments.</summary>
    private void EnterCompartments()
    {
        foreach (var labelSet in _entered)
        {
            _held[labelSet] = new();
            foreach (var group in _lattice.GroupsOf(labelSet))
            {
                if (_groups[group] is { Compartmented.IsEmpty: false } state)
                {
                    Enter(group, state, _lattice.LabelsOf(labelSet));
                }
            }
        }
    }

    private void Enter(int group, GroupState state, LabelSet labels)
    {
        var compartments = state.Compartments;
        foreach (var compartmented in state.Compartmented)
        {
            var key = Key(compartmented, compartmented.CompartmentOf(labels));
            if (!state.Compartments.Contains(key))
            {
                compartments = compartments.Add(key);
                _added.AddRange(_expansion.Entries(compartmented, labels));
            }
        }

        _groups[group] = state with { Compartments = compartments };
    }

    private static string Key(Compartmented compartmented, string compartment) => $"{string.Join('\n', compartmented.Scope.Per)}\n\n{compartment}";

    /// <summary>Hands the entries to the groups at their ends.</summary>
    private ImmutableDictionary<string, NetworkState> ChangeEntries()
    {
        CancelWhatStays();
        var held = new Dictionary<int, EntryChange>();
        var peered = new Dictionary<int, EntryChange>();
        var networks = _named.Keys.ToDictionary(name => name, _ => new EntryChange(), StringComparer.Ordinal);
        foreach (var entry in _added)
        {
            At(held, entry.Subject.Id).Add(entry);
            (entry.Peer.Group is { } group ? At(peered, group.Id) : At(networks, entry.Peer.Network!)).Add(entry);
        }

        foreach (var entry in _dropped)
        {
            At(held, entry.Subject.Id).Drop(entry);
            (entry.Peer.Group is { } group ? At(peered, group.Id) : At(networks, entry.Peer.Network!)).Drop(entry);
        }

        foreach (var (group, change) in held)
        {
            var state = _groups[group] ?? GroupState.Empty;
            _groups[group] = state with { Held = change.ApplyTo(state.Held) };
            foreach (var labelSet in _lattice.Group(group).LabelSets.Span)
            {
                // Even if nobody asked yet: a reader of the version before may be about to.
                if (_held[labelSet] is not null)
                {
                    _held[labelSet] = new();
                }
            }
        }

        foreach (var (group, change) in peered)
        {
            var state = _groups[group] ?? GroupState.Empty;
            var entries = change.ApplyTo(state.Peered);
            _groups[group] = state with { Peered = entries, Sets = Sums(_lattice.Group(group), state, entries) };
        }

        return ChangeNetworks(networks);
    }

    /// <summary>A rule that was compiled anew often says again what it said.</summary>
    private void CancelWhatStays()
    {
        if (_added.Count == 0 || _dropped.Count == 0)
        {
            return;
        }

        var dropped = new EntryChange();
        _dropped.ForEach(dropped.Drop);
        _added.RemoveAll(dropped.Undrop);
        _dropped.Clear();
        _dropped.AddRange(dropped.Dropped);
    }

    private static EntryChange At<TKey>(Dictionary<TKey, EntryChange> changes, TKey key)
        where TKey : notnull
    {
        if (!changes.TryGetValue(key, out var change))
        {
            changes.Add(key, change = new());
        }

        return change;
    }

    private ImmutableArray<SetSums> Sums(Group group, GroupState state, ImmutableArray<Entry> peered)
    {
        var sets = ImmutableArray.CreateBuilder<SetSums>();
        foreach (var variant in peered.Select(entry => entry.Peer.Variant).Distinct().OrderBy(variant => variant.Enforcing))
        {
            var known = state.Sets.FirstOrDefault(set => set.Variant == variant);
            sets.Add(known.Sums.IsDefault ? new(variant, Sum(group, variant)) : known);
        }

        if (sets.Any(set => set.Variant != PeerVariant.All))
        {
            _enforcing.Add(group.Id);
        }
        else
        {
            _enforcing.Remove(group.Id);
        }

        return sets.ToImmutable();
    }

    private ImmutableArray<AddressSum> Sum(Group group, PeerVariant variant)
    {
        ImmutableArray<AddressSum> sums = [];
        foreach (var labelSet in group.LabelSets.Span)
        {
            if (_populations[labelSet] is { } population)
            {
                foreach (var kin in population.Kins)
                {
                    if (kin.Key.In(variant, population.Assigned))
                    {
                        foreach (var sum in kin.Sums)
                        {
                            sums = Kin.Add(sums, sum);
                        }
                    }
                }
            }
        }

        return sums;
    }

    private ImmutableDictionary<string, NetworkState> ChangeNetworks(Dictionary<string, EntryChange> changes)
    {
        var networks = _before.Networks.ToBuilder();
        foreach (var (name, change) in changes)
        {
            var known = networks.GetValueOrDefault(name);
            var entries = change.ApplyTo(known?.Peered ?? []);
            var network = _named.GetValueOrDefault(name) ?? known!.Network;
            if (entries.IsEmpty)
            {
                networks.Remove(name);
            }
            else
            {
                networks[name] = known is null || known.Network != network ? new(network, entries) : known with { Peered = entries };
            }
        }

        return networks.ToImmutable();
    }
}
