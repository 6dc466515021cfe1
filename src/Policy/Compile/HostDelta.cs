using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Compile;

/// <summary>How one host policy differs from another: applied to the one it gives the other, and to anything else it does not apply.</summary>
/// <param name="Header">The new policy without entries and peer sets; null if nothing but those differs.</param>
/// <param name="RemovedEntries">In canonical order.</param>
/// <param name="AddedEntries">In canonical order.</param>
/// <param name="DroppedSets">Names, sorted.</param>
/// <param name="NewSets">Whole, by name.</param>
/// <param name="ChangedSets">By name.</param>
public sealed record HostDelta(
    HostPolicy? Header,
    EquatableArray<HostEntry> RemovedEntries,
    EquatableArray<HostEntry> AddedEntries,
    EquatableArray<string> DroppedSets,
    EquatableArray<PeerSet> NewSets,
    EquatableArray<PeerSetChange> ChangedSets)
{
    /// <summary>Whether the two do not differ.</summary>
    public bool IsEmpty => Header is null && RemovedEntries.Count + AddedEntries.Count + DroppedSets.Count + NewSets.Count + ChangedSets.Count == 0;

    /// <summary>What leads from one policy to another. The generation is no difference.</summary>
    public static HostDelta Between(HostPolicy before, HostPolicy after) => Between(before, after, _ => null);

    /// <summary>The same, where some changes of peer sets are known already.</summary>
    internal static HostDelta Between(HostPolicy before, HostPolicy after, Func<string, PeerSetChange?> known)
    {
        var sameHeader = HeaderOf(before) with { Generation = after.Generation } == HeaderOf(after);
        if (sameHeader && before.Entries == after.Entries && before.PeerSets == after.PeerSets)
        {
            return new(null, [], [], [], [], []);
        }

        var (removed, added) = Entries(before.Entries, after.Entries);
        var oldSets = before.PeerSets.ToDictionary(set => set.Name, StringComparer.Ordinal);
        var newNames = after.PeerSets.Select(set => set.Name).ToHashSet(StringComparer.Ordinal);
        return new(
            sameHeader ? null : HeaderOf(after),
            removed.ToEquatableArray(),
            added.ToEquatableArray(),
            before.PeerSets.Where(set => !newNames.Contains(set.Name)).Select(set => set.Name).ToEquatableArray(),
            after.PeerSets.Where(set => !oldSets.ContainsKey(set.Name)).ToEquatableArray(),
            after.PeerSets.Where(set => oldSets.TryGetValue(set.Name, out var old) && !old.Equals(set))
                .Select(set => known(set.Name) is { } change && change.Digest == set.Digest ? change : Change(oldSets[set.Name], set)).ToEquatableArray());
    }

    /// <summary>The policy after the delta; null if it does not fit, and the host must ask for a whole policy.</summary>
    public HostPolicy? ApplyTo(HostPolicy policy, Generation generation)
    {
        var entries = policy.Entries.ToHashSet();
        var sets = policy.PeerSets.ToDictionary(set => set.Name, StringComparer.Ordinal);
        var fits = RemovedEntries.All(entries.Remove) && AddedEntries.All(entries.Add)
            && DroppedSets.All(sets.Remove) && NewSets.All(set => sets.TryAdd(set.Name, set)) && ChangedSets.All(change => Apply(change, sets));
        return !fits || entries.Any(entry => !sets.ContainsKey(entry.Peers)) ? null : (Header ?? policy) with
        {
            Generation = generation,
            Entries = entries.Order(EntryOrder.Instance).ToEquatableArray(),
            PeerSets = sets.Values.OrderBy(set => set.Name, StringComparer.Ordinal).ToEquatableArray(),
        };
    }

    /// <summary>Both are in canonical order, and most entries are the same objects.</summary>
    private static (List<HostEntry> Removed, List<HostEntry> Added) Entries(EquatableArray<HostEntry> before, EquatableArray<HostEntry> after)
    {
        var (removed, added) = (new List<HostEntry>(), new List<HostEntry>());
        for (int i = 0, j = 0; i < before.Count || j < after.Count;)
        {
            var order = i == before.Count ? 1 : j == after.Count ? -1
                : ReferenceEquals(before[i], after[j]) ? 0 : EntryOrder.Instance.Compare(before[i], after[j]);
            if (order < 0 || (order == 0 && before[i] != after[j]))
            {
                removed.Add(before[i]);
            }

            if (order > 0 || (order == 0 && before[i] != after[j]))
            {
                added.Add(after[j]);
            }

            i += order <= 0 ? 1 : 0;
            j += order >= 0 ? 1 : 0;
        }

        return (removed, added);
    }

    private static HostPolicy HeaderOf(HostPolicy policy) => policy with { Entries = [], PeerSets = [] };

    private static PeerSetChange Change(PeerSet before, PeerSet after)
    {
        var (held, holds) = (before.Members.ToHashSet(), after.Members.ToHashSet());
        return new(after.Name, after.Digest, after.Members.Where(member => !held.Contains(member)).ToEquatableArray(), before.Members.Where(member => !holds.Contains(member)).ToEquatableArray());
    }

    private static bool Apply(PeerSetChange change, Dictionary<string, PeerSet> sets)
    {
        if (!sets.TryGetValue(change.Name, out var set))
        {
            return false;
        }

        var members = set.Members.ToHashSet();
        var fits = change.Removed.All(members.Remove) && change.Added.All(members.Add) && PeerSetDigest.Of(members) == change.Digest;
        sets[change.Name] = new(change.Name, change.Digest, members.Order().ToEquatableArray());
        return fits;
    }
}

/// <summary>The canonical order of entries: direction, tier, rule, peers, process.</summary>
internal sealed class EntryOrder : IComparer<HostEntry>
{
    /// <summary>The only one.</summary>
    public static EntryOrder Instance { get; } = new();

    /// <inheritdoc/>
    public int Compare(HostEntry? x, HostEntry? y)
    {
        var order = (x!.Direction, x.Action, x.Rule).CompareTo((y!.Direction, y.Action, y.Rule));
        order = order != 0 ? order : string.CompareOrdinal(x.Peers, y.Peers);
        order = order != 0 ? order : string.CompareOrdinal(x.Process?.ToString(), y.Process?.ToString());
        order = order != 0 ? order : PortMatch.Compare(x.Ports, y.Ports);
        return order != 0 ? order : Handling.Compare(x.Stateless, x.Helper, y.Stateless, y.Helper);
    }

    /// <summary>Entries in canonical order, each once: translated ports of two may be the same.</summary>
    public static IEnumerable<HostEntry> Sort(IEnumerable<HostEntry> entries)
    {
        HostEntry? last = null;
        foreach (var entry in entries.Order(Instance))
        {
            if (entry != last)
            {
                yield return last = entry;
            }
        }
    }
}
