namespace Bulkhead.Controller.Storage.Flows;

/// <summary>What one end of an edge counted.</summary>
/// <param name="EdgeSide">Twice the edge's id, plus one for the destination's side.</param>
/// <param name="Connections">Begun; attempts included.</param>
/// <param name="Blocked">Of these, stopped here.</param>
/// <param name="Packets">Both directions.</param>
/// <param name="Bytes">Both directions.</param>
internal readonly record struct Tally(int EdgeSide, uint Connections, uint Blocked, uint Packets, long Bytes)
{
    /// <summary>The tally of both; counts stop at the largest number.</summary>
    public Tally Plus(in Tally other) => this with
    {
        Connections = (uint)Math.Min(uint.MaxValue, (ulong)Connections + other.Connections),
        Blocked = (uint)Math.Min(uint.MaxValue, (ulong)Blocked + other.Blocked),
        Packets = (uint)Math.Min(uint.MaxValue, (ulong)Packets + other.Packets),
        Bytes = Bytes + other.Bytes,
    };
}

/// <summary>Tallies of one stretch of time: appended, and now and then sorted and summed, so that they stay few without an index.</summary>
internal sealed class TallyList
{
    private Tally[] _items = [];
    private int _count;
    private int _compacted;

    /// <summary>The tallies; an edge's side may have several.</summary>
    public ReadOnlySpan<Tally> Items => _items.AsSpan(0, _count);

    /// <summary>Adds one.</summary>
    public void Add(in Tally tally)
    {
        if (_count == _items.Length)
        {
            Compact();
            if (_count >= _items.Length / 2)
            {
                Array.Resize(ref _items, Math.Max(16, _items.Length * 2));
            }
        }

        _items[_count++] = tally;
    }

    /// <summary>Adds all of another list.</summary>
    public void Add(TallyList other)
    {
        foreach (ref readonly var tally in other.Items)
        {
            Add(tally);
        }
    }

    /// <summary>One tally for each edge's side, in order.</summary>
    public Tally[] Summed()
    {
        Compact();
        return Items.ToArray();
    }

    private void Compact()
    {
        if (_compacted == _count)
        {
            return;
        }

        var items = _items.AsSpan(0, _count);
        items.Sort((a, b) => a.EdgeSide.CompareTo(b.EdgeSide));
        var last = 0;
        for (var i = 1; i < items.Length; i++)
        {
            if (items[i].EdgeSide == items[last].EdgeSide)
            {
                items[last] = items[last].Plus(items[i]);
            }
            else
            {
                items[++last] = items[i];
            }
        }

        _count = _compacted = last + 1;
    }
}

/// <summary>
/// The counts of recent time in memory: by 10 seconds for ten minutes, by minute for two hours, by hour for two days. A tally moves to the
/// next coarser step as it ages, so each is in exactly one place. Times are Unix milliseconds.
/// </summary>
internal sealed class FlowTimeline
{
    /// <summary>An hour, in milliseconds.</summary>
    public const long Hour = 3_600_000;

    private static readonly (long Step, long Horizon)[] s_levels = [(10_000, 600_000), (60_000, 2 * Hour), (Hour, 48 * Hour)];
    private readonly SortedDictionary<long, TallyList>[] _slices = [[], [], []];

    /// <summary>The start of the first hour that is held, for a given now.</summary>
    public static long HorizonAt(long now) => Floor(now - s_levels[^1].Horizon, Hour);

    /// <summary>Adds a tally at a time; one from before the horizon is left out.</summary>
    public void Add(long at, in Tally tally, long now)
    {
        for (var level = 0; level < s_levels.Length; level++)
        {
            if (at >= Floor(now - s_levels[level].Horizon, s_levels[level].Step))
            {
                SliceOf(level, at).Add(tally);
                return;
            }
        }
    }

    /// <summary>Adds a tally of which only the hour is known.</summary>
    public void AddHour(long hour, in Tally tally) => SliceOf(s_levels.Length - 1, hour).Add(tally);

    /// <summary>Moves what has aged to coarser steps, and drops what is too old.</summary>
    public void Advance(long now)
    {
        for (var level = 0; level < s_levels.Length; level++)
        {
            var horizon = now - s_levels[level].Horizon;
            while (_slices[level].Count > 0 && _slices[level].First() is var (start, slice) && start + s_levels[level].Step <= horizon)
            {
                if (level + 1 < s_levels.Length)
                {
                    SliceOf(level + 1, start).Add(slice);
                }

                _slices[level].Remove(start);
            }
        }
    }

    /// <summary>Sums the slices that overlap a window into <paramref name="sums"/>, by edge and side, and answers the time that they cover.</summary>
    public (long From, long To) Sum(long since, long until, Span<Tally> sums, Span<bool> present)
    {
        var (from, to) = (since, until);
        for (var level = 0; level < s_levels.Length; level++)
        {
            foreach (var (start, slice) in _slices[level])
            {
                var end = start + s_levels[level].Step;
                if (start >= until || end <= since)
                {
                    continue;
                }

                (from, to) = (Math.Min(from, start), Math.Max(to, end));
                foreach (ref readonly var tally in slice.Items)
                {
                    sums[tally.EdgeSide] = sums[tally.EdgeSide].Plus(tally);
                    present[tally.EdgeSide] = true;
                }
            }
        }

        return (from, to);
    }

    /// <summary>The largest multiple of a step that is not above a time.</summary>
    public static long Floor(long time, long step) => time - (time % step);

    private TallyList SliceOf(int level, long at)
    {
        var start = Floor(at, s_levels[level].Step);
        if (!_slices[level].TryGetValue(start, out var slice))
        {
            _slices[level][start] = slice = new();
        }

        return slice;
    }
}
