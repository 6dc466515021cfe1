using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Google.Protobuf;
using HostPolicy = Bulkhead.Contracts.Agent.HostPolicy;
using PeerSet = Bulkhead.Contracts.Agent.PeerSet;
using PeerSetChange = Bulkhead.Contracts.Agent.PeerSetChange;
using PolicyDelta = Bulkhead.Contracts.Agent.PolicyDelta;

namespace Bulkhead.Bench.Apply;

/// <summary>
/// A host policy of many peers: four peer sets, each of as many IPv4 as IPv6 members, every fifth of them a prefix and the others single addresses; each is let in
/// on one port and may be reached on another, in full enforcement both ways.
/// </summary>
internal sealed class BigPolicy
{
    private const int Sets = 4;

    private readonly Random _random;
    private readonly List<Group> _groups = [];
    private ulong _number;

    /// <summary>Draws one of so many members.</summary>
    public BigPolicy(int members, int seed)
    {
        _random = new(seed);
        foreach (var isV6 in (bool[])[false, true])
        {
            for (var set = 0; set < Sets; set++)
            {
                var each = members / Sets / 2;
                _groups.Add(new(set, isV6, IsNet: false, []));
                _groups.Add(new(set, isV6, IsNet: true, []));
                Fill(_groups[^2], each - (each / 5));
                Fill(_groups[^1], each / 5);
            }
        }
    }

    /// <summary>How many members there are.</summary>
    public int Count => _groups.Sum(group => group.Members.Count);

    /// <summary>Adds a member or takes one away, from any of the sets; returns the message that says so.</summary>
    public PolicyDelta Change()
    {
        var group = _groups[_random.Next(_groups.Count)];
        var change = new PeerSetChange { Name = Name(group.Set) };
        if (_random.Next(2) == 0)
        {
            IpPrefix one;
            while (!group.Members.Add(one = group.Draw(_random)))
            {
            }

            change.Added.Add(ToMessage(one));
        }
        else
        {
            var one = group.Members.ElementAt(_random.Next(group.Members.Count));
            group.Members.Remove(one);
            change.Removed.Add(ToMessage(one));
        }

        change.Digest = PeerSetDigest.Of(_groups.Where(other => other.Set == group.Set).SelectMany(other => other.Members));
        return new() { From = new() { Epoch = 1, Number = _number }, To = new() { Epoch = 1, Number = ++_number }, PeerSets = { change } };
    }

    /// <summary>The message, in a generation of its own.</summary>
    public HostPolicy ToMessage()
    {
        var policy = new HostPolicy
        {
            Generation = new() { Epoch = 1, Number = ++_number },
            RequiredFeatures = { Features.Base },
            Inbound = Mode.Full,
            Outbound = Mode.Full,
        };
        foreach (var direction in (Direction[])[Direction.Inbound, Direction.Outbound])
        {
            for (var set = 0; set < Sets; set++)
            {
                policy.Entries.Add(new Contracts.Agent.HostEntry
                {
                    Direction = direction,
                    Action = Contracts.Agent.Action.Allow,
                    Rule = 1 + set + (direction == Direction.Inbound ? 0 : Sets),
                    Peers = Name(set),
                    Ports = { new PortMatch { Protocol = 6, First = (uint)(5000 + set), Last = (uint)(5000 + set) } },
                });
            }
        }

        policy.PeerSets.AddRange(_groups.GroupBy(group => group.Set).Select(groups =>
        {
            var members = groups.SelectMany(group => group.Members).Order().ToList();
            return new PeerSet { Name = Name(groups.Key), Digest = PeerSetDigest.Of(members), Members = { members.Select(ToMessage) } };
        }));
        return policy;
    }

    private static Prefix ToMessage(IpPrefix prefix) =>
        new() { Address = UnsafeByteOperations.UnsafeWrap(prefix.Address.ToBytes()), Length = (uint)prefix.Length };

    private static string Name(int set) => $"s{set}";

    private void Fill(Group group, int count)
    {
        while (group.Members.Count < count)
        {
            group.Members.Add(group.Draw(_random));
        }
    }

    /// <summary>Members of one kind, from a range of addresses of their own.</summary>
    private sealed record Group(int Set, bool IsV6, bool IsNet, SortedSet<IpPrefix> Members)
    {
        public IpPrefix Draw(Random random)
        {
            var some = (ulong)random.NextInt64();
            return IsV6
                ? IpPrefix.Containing(IpAddress.V6(((UInt128)(ulong)(0xfd00 | (Set << 4) | (IsNet ? 1 : 0)) << 112) | ((UInt128)(some & 0xffffffffffff) << 64) | 7), IsNet ? 64 : 128)
                : IpPrefix.Containing(IpAddress.V4((uint)((10 + (2 * Set) + (IsNet ? 1 : 0)) << 24) | (uint)(some & 0xffffff)), IsNet ? 28 : 32);
        }
    }
}
