using System.Runtime.CompilerServices;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Compile;

/// <summary>
/// The entries of hosts of one label set, to be found by direction, port and peer in the order in which they decide. All that a search
/// reads before it knows an entry to be likely lies side by side, since a search that follows references costs ten times as much.
/// </summary>
internal sealed class EntryLookup
{
    private readonly Entry[] _entries;
    private readonly ByPort _inbound;
    private readonly ByPort _outbound;

    /// <summary>Indexes entries in canonical order.</summary>
    public EntryLookup(Entry[] entries)
    {
        _entries = entries;
        _inbound = new(entries, Direction.Inbound);
        _outbound = new(entries, Direction.Outbound);
    }

    /// <summary>The entries whose ports match and that may cover a peer, in the order in which they decide.</summary>
    /// <param name="direction">Of the connection.</param>
    /// <param name="protocol">Of the connection.</param>
    /// <param name="port">Of the connection.</param>
    /// <param name="peer">The coded labels of the peer; null if it is no workload.</param>
    public Matches Find(Direction direction, byte protocol, ushort port, int[]? peer) =>
        new(_entries, direction == Direction.Inbound ? _inbound : _outbound, protocol, port, peer);

    /// <summary>Ports of an entry, its place in the order of decision, and a label without which its peer set does not hold a peer.</summary>
    internal readonly record struct Slot(byte Protocol, ushort First, ushort Last, int Entry, int Key, int Value)
    {
        /// <summary>The entry asks nothing of labels.</summary>
        public const int NoLabels = -1;

        /// <summary>The entry asks for labels, but for no single one.</summary>
        public const int AnyLabels = -2;

        public ulong Order => ((ulong)Protocol << 48) | ((ulong)First << 32) | (uint)Entry;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool MayCover(int[]? peer) => Key switch
        {
            NoLabels => true,
            AnyLabels => peer is not null,
            _ => peer is not null && Key < peer.Length && peer[Key] == Value,
        };

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool HasPort(byte protocol, ushort port) => (Protocol == protocol || Protocol == 0) && port >= First && port <= Last;
    }

    /// <summary>Single ports, sorted by port and then place; ranges, sorted by place.</summary>
    internal sealed class ByPort
    {
        public ByPort(Entry[] entries, Direction direction)
        {
            var (single, ranges) = (new List<Slot>(), new List<Slot>());
            for (var i = 0; i < entries.Length; i++)
            {
                if (entries[i].Direction == direction)
                {
                    var (key, value) = Label(entries[i]);
                    foreach (var match in entries[i].Ports)
                    {
                        (match.IsAny || match.First != match.Last ? ranges : single).Add(new(match.Protocol, match.First, match.Last, i, key, value));
                    }
                }
            }

            single.Sort((a, b) => a.Order.CompareTo(b.Order));
            (Single, Ranges, Orders) = ([.. single], [.. ranges], [.. single.Select(slot => slot.Order)]);
        }

        public Slot[] Single { get; }

        public ulong[] Orders { get; }

        public Slot[] Ranges { get; }

        private static (int Key, int Value) Label(Entry entry)
        {
            if (entry.Peer.Group is not { } group)
            {
                return (Slot.NoLabels, 0);
            }

            foreach (var requirement in group.Requirements)
            {
                if (requirement.Kind == RequirementKind.OneOf && requirement.Values.Length == 1)
                {
                    return (requirement.Key, requirement.Values[0]);
                }
            }

            return (Slot.AnyLabels, 0);
        }
    }

    /// <summary>Enumerates entries without allocating.</summary>
    internal ref struct Matches
    {
        private readonly Entry[] _entries;
        private readonly Slot[] _single;
        private readonly Slot[] _ranges;
        private readonly byte _protocol;
        private readonly ushort _port;
        private readonly int[]? _peer;
        private int _at;
        private int _range;
        private int _last = -1;

        public Matches(Entry[] entries, ByPort index, byte protocol, ushort port, int[]? peer)
        {
            (_entries, _single, _ranges, _protocol, _port, _peer) = (entries, index.Single, index.Ranges, protocol, port, peer);
            var first = Array.BinarySearch(index.Orders, ((ulong)protocol << 48) | ((ulong)port << 32));
            _at = first < 0 ? ~first : first;
            NextSingle();
            NextRange();
        }

        public Entry Current { get; private set; } = null!;

        public readonly Matches GetEnumerator() => this;

        public bool MoveNext()
        {
            while (true)
            {
                var single = _at < _single.Length ? _single[_at].Entry : int.MaxValue;
                var range = _range < _ranges.Length ? _ranges[_range].Entry : int.MaxValue;
                var next = Math.Min(single, range);
                if (next == int.MaxValue)
                {
                    return false;
                }

                if (single == next)
                {
                    _at++;
                    NextSingle();
                }
                else
                {
                    _range++;
                    NextRange();
                }

                // Several of an entry's ports may match.
                if (next != _last)
                {
                    _last = next;
                    Current = _entries[next];
                    return true;
                }
            }
        }

        private void NextSingle()
        {
            while (_at < _single.Length && _single[_at].First == _port && _single[_at].Protocol == _protocol)
            {
                if (_single[_at].MayCover(_peer))
                {
                    return;
                }

                _at++;
            }

            _at = _single.Length;
        }

        private void NextRange()
        {
            while (_range < _ranges.Length && !(_ranges[_range].HasPort(_protocol, _port) && _ranges[_range].MayCover(_peer)))
            {
                _range++;
            }
        }
    }
}
