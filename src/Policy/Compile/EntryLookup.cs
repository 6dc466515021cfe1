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

    /// <summary>A label without which an entry's peer set does not hold a peer.</summary>
    internal readonly record struct Needed(int Key, int Value)
    {
        /// <summary>The entry asks nothing of labels.</summary>
        public const int NoLabels = -1;

        /// <summary>The entry asks for labels, but for no single one.</summary>
        public const int AnyLabels = -2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool MayCover(int[]? peer) => Key switch
        {
            NoLabels => true,
            AnyLabels => peer is not null,
            _ => peer is not null && Key < peer.Length && peer[Key] == Value,
        };
    }

    /// <summary>A range of ports of an entry, and the entry's place in the order of decision.</summary>
    internal readonly record struct Range(byte Protocol, ushort First, ushort Last, int Entry, Needed Needed)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool HasPort(byte protocol, ushort port) => (Protocol == protocol || Protocol == 0) && port >= First && port <= Last;
    }

    /// <summary>Entries by single ports, sorted by port and then place; by ranges, sorted by place.</summary>
    internal sealed class ByPort
    {
        public ByPort(Entry[] entries, Direction direction)
        {
            var (single, needed, ranges) = (new List<ulong>(), new List<Needed>(), new List<Range>());
            for (var i = 0; i < entries.Length; i++)
            {
                if (entries[i].Direction == direction)
                {
                    var label = Label(entries[i]);
                    foreach (var match in entries[i].Ports)
                    {
                        if (match.IsAny || match.First != match.Last)
                        {
                            ranges.Add(new(match.Protocol, match.First, match.Last, i, label));
                        }
                        else
                        {
                            single.Add(Of(match.Protocol, match.First) | (uint)i);
                            needed.Add(label);
                        }
                    }
                }
            }

            (Single, Needed, Ranges) = ([.. single], [.. needed], [.. ranges]);
            Array.Sort(Single, Needed);
        }

        /// <summary>Protocol, port and the entry's place, in 16, 16 and 32 bits.</summary>
        public ulong[] Single { get; }

        /// <summary>One for each of <see cref="Single"/>.</summary>
        public Needed[] Needed { get; }

        public Range[] Ranges { get; }

        public static ulong Of(byte protocol, ushort port) => ((ulong)protocol << 48) | ((ulong)port << 32);

        private static Needed Label(Entry entry)
        {
            if (entry.Peer.Group is not { } group)
            {
                return new(EntryLookup.Needed.NoLabels, 0);
            }

            foreach (var requirement in group.Requirements)
            {
                if (requirement.Kind == RequirementKind.OneOf && requirement.Values.Length == 1)
                {
                    return new(requirement.Key, requirement.Values[0]);
                }
            }

            return new(EntryLookup.Needed.AnyLabels, 0);
        }
    }

    /// <summary>Enumerates entries without allocating.</summary>
    internal ref struct Matches
    {
        private readonly Entry[] _entries;
        private readonly ByPort _index;
        private readonly ulong _port;
        private readonly int[]? _peer;
        private int _at;
        private int _range;
        private int _last = -1;

        public Matches(Entry[] entries, ByPort index, byte protocol, ushort port, int[]? peer)
        {
            (_entries, _index, _port, _peer) = (entries, index, ByPort.Of(protocol, port), peer);
            var first = Array.BinarySearch(index.Single, _port);
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
                var single = _at < _index.Single.Length ? (int)(uint)_index.Single[_at] : int.MaxValue;
                var range = _range < _index.Ranges.Length ? _index.Ranges[_range].Entry : int.MaxValue;
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
            var single = _index.Single;
            while (_at < single.Length && single[_at] >> 32 == _port >> 32)
            {
                if (_index.Needed[_at].MayCover(_peer))
                {
                    return;
                }

                _at++;
            }

            _at = single.Length;
        }

        private void NextRange()
        {
            var ranges = _index.Ranges;
            while (_range < ranges.Length && !(ranges[_range].HasPort((byte)(_port >> 48), (ushort)(_port >> 32)) && ranges[_range].Needed.MayCover(_peer)))
            {
                _range++;
            }
        }
    }
}
