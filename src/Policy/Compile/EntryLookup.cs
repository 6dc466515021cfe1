using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Compile;

/// <summary>The entries of hosts of one label set, to be found by direction, protocol and port in the order in which they decide.</summary>
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

    /// <summary>The entries whose ports match, in the order in which they decide.</summary>
    public Matches Find(Direction direction, byte protocol, ushort port) =>
        new(_entries, direction == Direction.Inbound ? _inbound : _outbound, protocol, port);

    private static uint Key(byte protocol, ushort port) => ((uint)protocol << 16) | port;

    /// <summary>Numbers of entries: by single ports, sorted by port and then number; and of those with ranges, sorted.</summary>
    internal sealed class ByPort
    {
        public ByPort(Entry[] entries, Direction direction)
        {
            var single = new List<ulong>();
            var ranges = new List<int>();
            for (var i = 0; i < entries.Length; i++)
            {
                if (entries[i].Direction != direction)
                {
                    continue;
                }

                var wide = false;
                foreach (var match in entries[i].Ports)
                {
                    wide |= match.IsAny || match.First != match.Last;
                }

                if (wide)
                {
                    ranges.Add(i);
                    continue;
                }

                foreach (var match in entries[i].Ports)
                {
                    single.Add(((ulong)Key(match.Protocol, match.First) << 32) | (uint)i);
                }
            }

            single.Sort();
            (Single, Ranges) = ([.. single], [.. ranges]);
        }

        public ulong[] Single { get; }

        public int[] Ranges { get; }
    }

    /// <summary>Enumerates entries whose ports match, without allocating.</summary>
    internal ref struct Matches
    {
        private readonly Entry[] _entries;
        private readonly ulong[] _single;
        private readonly int[] _ranges;
        private readonly byte _protocol;
        private readonly ushort _port;
        private int _at;
        private int _range;

        public Matches(Entry[] entries, ByPort index, byte protocol, ushort port)
        {
            (_entries, _single, _ranges, _protocol, _port) = (entries, index.Single, index.Ranges, protocol, port);
            var first = Array.BinarySearch(_single, (ulong)Key(protocol, port) << 32);
            _at = first < 0 ? ~first : first;
            SkipRanges();
        }

        public Entry Current { get; private set; } = null!;

        public readonly Matches GetEnumerator() => this;

        public bool MoveNext()
        {
            var single = _at < _single.Length && (uint)(_single[_at] >> 32) == Key(_protocol, _port) ? (int)(uint)_single[_at] : int.MaxValue;
            var range = _range < _ranges.Length ? _ranges[_range] : int.MaxValue;
            if (single == int.MaxValue && range == int.MaxValue)
            {
                return false;
            }

            if (single < range)
            {
                Current = _entries[single];
                _at++;
            }
            else
            {
                Current = _entries[range];
                _range++;
                SkipRanges();
            }

            return true;
        }

        private void SkipRanges()
        {
            while (_range < _ranges.Length && !Covers(_entries[_ranges[_range]]))
            {
                _range++;
            }
        }

        private readonly bool Covers(Entry entry)
        {
            foreach (var match in entry.Ports)
            {
                if (match.Matches(_protocol, _port))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
