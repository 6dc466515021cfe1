using System.Collections.Immutable;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Policy.Compile;

/// <summary>Members that a peer set gains and loses.</summary>
/// <param name="Name">The set.</param>
/// <param name="Digest">Of all members after the change.</param>
/// <param name="Added">Sorted.</param>
/// <param name="Removed">Sorted.</param>
public sealed record PeerSetChange(string Name, ulong Digest, EquatableArray<IpPrefix> Added, EquatableArray<IpPrefix> Removed);

/// <summary>Gathers what moving workloads do to the peer sets that entries name.</summary>
internal sealed class PeerSetChanges(PolicyState before)
{
    private readonly Dictionary<(int Group, PeerVariant Variant, AddressSpace Space), Dictionary<IpAddress, int>> _moves = [];

    /// <summary>Workloads moved.</summary>
    public void Move(PagedList<GroupState>.Builder groups, IEnumerable<AddressMove> moves)
    {
        foreach (var move in moves)
        {
            foreach (var group in before.Lattice.GroupsOf(move.LabelSet))
            {
                foreach (var set in groups[group]?.Sets ?? [])
                {
                    if (move.Key.In(set.Variant, move.Assigned))
                    {
                        Move(group, set.Variant, move.Address, move.Sign);
                    }
                }
            }
        }
    }

    /// <summary>Where modes changed, a peer set of those that enforce something may gain or lose members.</summary>
    public void Remode(PagedList<GroupState>.Builder groups, PopulationChange people, WorkloadIndex workloads)
    {
        foreach (var group in before.Enforcing.Where(_ => people.Remoded.Count > 0))
        {
            foreach (var labelSet in before.Lattice.Group(group).LabelSets.Span)
            {
                if (people.Remoded.Contains(labelSet))
                {
                    var (old, now) = (before.Populations[labelSet]!.Assigned, people.Populations[labelSet]!);
                    foreach (var kin in now.Kins)
                    {
                        Remode(group, groups[group]!, kin, old, now.Assigned, workloads);
                    }
                }
            }
        }
    }

    /// <summary>Brings the sums of the sets up to date.</summary>
    public void Settle(PagedList<GroupState>.Builder groups)
    {
        foreach (var ((group, variant, space), moves) in _moves)
        {
            var (count, digest) = (0, 0UL);
            foreach (var (address, sign) in moves)
            {
                count += sign;
                digest += PeerSetDigest.Of(IpPrefix.Host(address)) * (ulong)(long)sign;
            }

            if (count != 0 || digest != 0)
            {
                var state = groups[group]!;
                groups[group] = state with
                {
                    Sets = [.. state.Sets.Select(set => set.Variant != variant ? set : new(variant, Kin.Add(set.Sums, new AddressSum(space, count, digest))))],
                };
            }
        }
    }

    /// <summary>The changes, by name, of sets to which some host subscribed before and subscribes now.</summary>
    public IReadOnlyList<SubscribedChange> Done(PolicyState after)
    {
        var changes = new List<SubscribedChange>();
        foreach (var ((group, variant, space), moves) in _moves)
        {
            var net = moves.Where(move => move.Value != 0).ToList();
            if (net.Count > 0 && after.Groups[group] is { } state)
            {
                var entries = state.Peered.Where(entry => entry.Peer.Variant == variant).ToImmutableArray();
                changes.Add(new(
                    new(before.Lattice.Group(group).NameOf(variant, space), state.SumOf(variant, space).Digest, Prefixes(net, 1), Prefixes(net, -1)),
                    entries,
                    space));
            }
        }

        foreach (var (name, network) in after.Networks)
        {
            if (before.Networks.TryGetValue(name, out var old) && !ReferenceEquals(old.Set, network.Set) && !old.Set.Equals(network.Set))
            {
                var (held, holds) = (old.Set.Members.ToHashSet(), network.Set.Members.ToHashSet());
                changes.Add(new(
                    new(network.Set.Name, network.Set.Digest, holds.Except(held).Order().ToEquatableArray(), held.Except(holds).Order().ToEquatableArray()),
                    network.Peered,
                    null));
            }
        }

        changes.RemoveAll(change => !change.HasSubscriber(after));
        changes.Sort((a, b) => string.CompareOrdinal(a.Change.Name, b.Change.Name));
        return changes;
    }

    private void Remode(int group, GroupState state, Kin kin, Modes old, Modes now, WorkloadIndex workloads)
    {
        foreach (var set in state.Sets)
        {
            var sign = (kin.Key.In(set.Variant, now) ? 1 : 0) - (kin.Key.In(set.Variant, old) ? 1 : 0);
            foreach (var workload in sign == 0 ? [] : kin.Members)
            {
                foreach (var address in workloads.Held(workload))
                {
                    Move(group, set.Variant, address, sign);
                }
            }
        }
    }

    private void Move(int group, PeerVariant variant, ScopedAddress address, int sign)
    {
        var key = (group, variant, address.Space);
        if (!_moves.TryGetValue(key, out var moves))
        {
            _moves.Add(key, moves = []);
        }

        moves[address.Address] = moves.GetValueOrDefault(address.Address) + sign;
    }

    private static EquatableArray<IpPrefix> Prefixes(List<KeyValuePair<IpAddress, int>> net, int sign) =>
        net.Where(move => move.Value == sign).Select(move => IpPrefix.Host(move.Key)).Order().ToEquatableArray();
}

/// <summary>A change with the entries whose hosts must hear of it.</summary>
/// <param name="Change">The change.</param>
/// <param name="Entries">Those that name the set.</param>
/// <param name="Space">The space that its subscribers see; null for all.</param>
internal sealed record SubscribedChange(PeerSetChange Change, ImmutableArray<Entry> Entries, AddressSpace? Space)
{
    /// <summary>Whether any host holds one of the entries.</summary>
    public bool HasSubscriber(PolicyState state)
    {
        foreach (var entry in Entries)
        {
            foreach (var labelSet in entry.Subject.LabelSets.Span)
            {
                if (IsSubscriber(state, labelSet, entry))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private bool IsSubscriber(PolicyState state, int labelSet, Entry entry)
    {
        foreach (var kin in state.Inhabited(labelSet)?.Kins ?? [])
        {
            if (kin.Key.Managed && (Space is null || Space == kin.Key.Space) && (kin.Key.Features & entry.Needs) == entry.Needs)
            {
                return true;
            }
        }

        return false;
    }
}
