using System.Collections.Immutable;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Compile;

/// <summary>Hands entries to the groups and networks at their ends.</summary>
internal sealed class GroupChange(
    PolicyState before, List<Entry> added, List<Entry> dropped, WorkloadIndex workloads, PagedList<Population>.Builder populations, PagedList<GroupState>.Builder groups, PagedList<HeldEntries>.Builder held)
{
    /// <summary>The groups of which a peer set holds only the members that enforce something.</summary>
    public ImmutableHashSet<int>.Builder Enforcing { get; } = before.Enforcing.ToBuilder();

    /// <summary>Hands the entries to the groups at their ends.</summary>
    public ImmutableDictionary<string, NetworkState> Hand(IReadOnlyDictionary<string, Network> named)
    {
        CancelWhatStays();
        var holding = new Dictionary<int, EntryChange>();
        var peered = new Dictionary<int, EntryChange>();
        var networks = named.Keys.ToDictionary(name => name, _ => new EntryChange(), StringComparer.Ordinal);
        foreach (var entry in added)
        {
            At(holding, entry.Subject.Id).Add(entry);
            (entry.Peer.Group is { } group ? At(peered, group.Id) : At(networks, entry.Peer.Network!)).Add(entry);
        }

        foreach (var entry in dropped)
        {
            At(holding, entry.Subject.Id).Drop(entry);
            (entry.Peer.Group is { } group ? At(peered, group.Id) : At(networks, entry.Peer.Network!)).Drop(entry);
        }

        foreach (var (group, change) in holding)
        {
            var state = groups[group] ?? GroupState.Empty;
            groups[group] = state with { Held = change.ApplyTo(state.Held) };
            foreach (var labelSet in before.Lattice.Group(group).LabelSets.Span)
            {
                // Even if nobody asked yet: a reader of the version before may be about to.
                if (held[labelSet] is not null)
                {
                    held[labelSet] = new();
                }
            }
        }

        foreach (var (group, change) in peered)
        {
            var state = groups[group] ?? GroupState.Empty;
            var entries = change.ApplyTo(state.Peered);
            groups[group] = state with { Peered = entries, Sets = Sums(before.Lattice.Group(group), state, entries) };
        }

        return ChangeNetworks(networks, named);
    }

    /// <summary>A rule that was compiled anew often says again what it said.</summary>
    private void CancelWhatStays()
    {
        if (added.Count == 0 || dropped.Count == 0)
        {
            return;
        }

        var change = new EntryChange();
        dropped.ForEach(change.Drop);
        added.RemoveAll(change.Undrop);
        dropped.Clear();
        dropped.AddRange(change.Dropped);
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
            sets.Add(known.Sums.IsDefault ? Gather(group, variant) : known);
        }

        if (sets.Any(set => set.Variant != PeerVariant.All))
        {
            Enforcing.Add(group.Id);
        }
        else
        {
            Enforcing.Remove(group.Id);
        }

        return sets.ToImmutable();
    }

    private SetSums Gather(Group group, PeerVariant variant)
    {
        ImmutableArray<AddressSum> sums = [];
        Dictionary<View, Dictionary<IpAddress, int>>? translated = null;
        foreach (var labelSet in group.LabelSets.Span)
        {
            if (populations[labelSet] is { } population)
            {
                foreach (var kin in population.Kins)
                {
                    if (kin.Key.In(variant, population.Assigned))
                    {
                        foreach (var sum in kin.Sums)
                        {
                            sums = Kin.Add(sums, sum);
                        }

                        if (!kin.Translated.IsEmpty)
                        {
                            sums = Correct(sums, translated ??= [], kin, variant);
                        }
                    }
                }
            }
        }

        return new(variant, sums, translated is null ? [] : [.. translated.OrderBy(view => view.Key).Select(view => ViewSet.Empty(view.Key, group.NameOf(variant, view.Key)).With(view.Value)!)]);
    }

    /// <summary>Takes off the held addresses that are not in a variant, and counts who is visible under others.</summary>
    private ImmutableArray<AddressSum> Correct(ImmutableArray<AddressSum> sums, Dictionary<View, Dictionary<IpAddress, int>> translated, Kin kin, PeerVariant variant)
    {
        foreach (var sight in kin.Translated.SelectMany(workload => Sight.Of(workload, workloads)))
        {
            if (sight.View.Kind == ViewKind.Held)
            {
                sums = sight.In(variant) ? sums : Kin.Add(sums, [new ScopedAddress(sight.View.Space, sight.Address)], -1);
            }
            else if (sight.In(variant))
            {
                translated.TryAdd(sight.View, []);
                translated[sight.View][sight.Address] = translated[sight.View].GetValueOrDefault(sight.Address) + 1;
            }
        }

        return sums;
    }

    private ImmutableDictionary<string, NetworkState> ChangeNetworks(Dictionary<string, EntryChange> changes, IReadOnlyDictionary<string, Network> named)
    {
        var networks = before.Networks.ToBuilder();
        foreach (var (name, change) in changes)
        {
            var known = networks.GetValueOrDefault(name);
            var entries = change.ApplyTo(known?.Peered ?? []);
            var network = named.GetValueOrDefault(name) ?? known!.Network;
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
