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
    private readonly Dictionary<(int Group, PeerVariant Variant, View View), Dictionary<IpAddress, int>> _moves = [];

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
                        Move(group, set.Variant, move.Sight, move.Sign);
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
        foreach (var ((group, variant, view), moves) in _moves)
        {
            if (moves.Values.Any(change => change != 0))
            {
                var state = groups[group]!;
                groups[group] = state with
                {
                    Sets = [.. state.Sets.Select(set => set.Variant != variant ? set : view.Kind == ViewKind.Held
                        ? set with { Sums = Kin.Add(set.Sums, Sum(view.Space, moves)) }
                        : set.With(before.Lattice.Group(group), view, moves))],
                };
            }
        }
    }

    /// <summary>The changes, by name, of sets to which some host subscribed before and subscribes now.</summary>
    public IReadOnlyList<SubscribedChange> Done(PolicyState after)
    {
        var changes = new List<SubscribedChange>();
        foreach (var ((group, variant, view), moves) in _moves)
        {
            var net = (view.Kind == ViewKind.Held ? moves : Turned(group, variant, view, moves, after)).Where(move => move.Value != 0).ToList();
            if (net.Count > 0 && after.Groups[group] is { } state)
            {
                var entries = state.Peered.Where(entry => entry.Peer.Variant == variant && (view.Kind == ViewKind.Held || view.PortsOf(entry).Count > 0)).ToImmutableArray();
                var digest = view.Kind == ViewKind.Held ? state.SumOf(variant, view.Space).Digest : ViewOf(state, variant, view)?.Set.Digest ?? 0;
                changes.Add(new(new(before.Lattice.Group(group).NameOf(variant, view), digest, Prefixes(net, 1), Prefixes(net, -1)), entries, view.Space));
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
                foreach (var sight in Sight.Of(workload, workloads))
                {
                    Move(group, set.Variant, sight, sign);
                }
            }
        }
    }

    private static AddressSum Sum(AddressSpace space, Dictionary<IpAddress, int> moves)
    {
        var (count, digest) = (0, 0UL);
        foreach (var (address, sign) in moves)
        {
            count += sign;
            digest += PeerSetDigest.Of(IpPrefix.Host(address)) * (ulong)(long)sign;
        }

        return new(space, count, digest);
    }

    /// <summary>Where members may share an address: whether the first became visible there (1), or the last no longer is (-1).</summary>
    private IEnumerable<KeyValuePair<IpAddress, int>> Turned(int group, PeerVariant variant, View view, Dictionary<IpAddress, int> moves, PolicyState after)
    {
        var (old, now) = (ViewOf(before.Groups[group], variant, view), ViewOf(after.Groups[group], variant, view));
        return moves.Keys.Select(address => KeyValuePair.Create(address, (now?.Contains(address) == true ? 1 : 0) - (old?.Contains(address) == true ? 1 : 0)));
    }

    private static ViewSet? ViewOf(GroupState? state, PeerVariant variant, View view)
    {
        foreach (var set in state?.ViewsOf(variant) ?? [])
        {
            if (set.View == view)
            {
                return set;
            }
        }

        return null;
    }

    private void Move(int group, PeerVariant variant, Sight sight, int sign)
    {
        if (!sight.In(variant))
        {
            return;
        }

        var key = (group, variant, sight.View);
        if (!_moves.TryGetValue(key, out var moves))
        {
            _moves.Add(key, moves = []);
        }

        moves[sight.Address] = moves.GetValueOrDefault(sight.Address) + sign;
    }

    private static EquatableArray<IpPrefix> Prefixes(List<KeyValuePair<IpAddress, int>> net, int sign) =>
        net.Where(move => move.Value == sign).Select(move => IpPrefix.Host(move.Key)).Order().ToEquatableArray();
}
