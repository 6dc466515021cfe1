using System.Buffers;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Controller.Storage.Flows;

/// <summary>
/// What is known of all traffic, in memory and on disk. One thread commits and checkpoints; any thread samples.
/// <code>
///   batch ──► catalog.db (new names) ──► DAY.db (summaries, watermarks) ──► memory (edges, timeline)
///                    ▲                       ▲                                   │
///                    └── edge states ────────┴── roll-ups by hour ◄── checkpoint ┘
/// </code>
/// </summary>
internal sealed class FlowLedger : IDisposable
{
    private readonly FlowStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly Lock _memory = new();
    private readonly EdgeTable _table = new();
    private readonly FlowTimeline _timeline = new();
    private readonly GapLog _gaps = new();
    private readonly Dictionary<Spool, Watermark> _watermarks = [];
    private readonly ScanLog _scans = new();
    private readonly CatalogFile _catalog;
    private readonly Checkpointer _checkpointer;
    private PartitionFile _partition;

    /// <summary>Opens the folder's files, and takes up where the last process left off, however it ended.</summary>
    public FlowLedger(FlowStoreOptions options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        CreatePrivate(options.Folder);
        _catalog = CatalogFile.Open(options.Folder, _table);
        _checkpointer = new(_catalog);
        try
        {
            _partition = Recover();
        }
        catch
        {
            _catalog.Dispose();
            throw;
        }
    }

    /// <summary>How many edges are known.</summary>
    public int EdgeCount
    {
        get
        {
            lock (_memory)
            {
                return _table.Edges.Count;
            }
        }
    }

    /// <summary>Summaries that a restart would have to read again.</summary>
    public long SinceCheckpoint => _checkpointer.Pending;

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private DateOnly Today => DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime);

    /// <summary>Stores the batches that are not stored yet, all of them durably or none; answers how many summaries that were.</summary>
    /// <exception cref="FlowStoreException">Nothing was stored.</exception>
    public int Commit(IReadOnlyList<SightingBatch> batches)
    {
        if (Today > _partition.Day)
        {
            TurnPage();
        }

        var now = Now;
        var marks = new Dictionary<Spool, Watermark>();
        var rows = new List<SummaryRow>();
        var gaps = new List<HourOfGaps>();
        var scans = new List<ScanSighting>();
        var named = new HashSet<FlowEndpoint>();
        foreach (var batch in batches)
        {
            var spool = new Spool(batch.Agent, batch.SpoolEpoch);
            var stored = marks.TryGetValue(spool, out var mark) || _watermarks.TryGetValue(spool, out mark) ? mark.Sequence : 0;
            if (batch.Sequence > stored)
            {
                marks[spool] = new(batch.Sequence, now);
                Resolve(batch, rows, gaps);
                scans.AddRange(batch.Scans);
                Name(batch, now, named);
            }
        }

        if (marks.Count == 0)
        {
            return 0;
        }

        _catalog.SaveNew(_table);
        _catalog.SaveNames(named);
        _partition.Append(rows, marks, gaps, scans);
        lock (_memory)
        {
            _timeline.Advance(now);
            foreach (var row in rows)
            {
                Apply(row, now);
            }

            foreach (var hour in gaps)
            {
                _gaps.Add(hour);
            }

            scans.ForEach(_scans.Add);
        }

        foreach (var (spool, mark) in marks)
        {
            _watermarks[spool] = mark;
        }

        return rows.Count;
    }

    /// <summary>Does a slice of the running checkpoint, or begins one; false once it is complete.</summary>
    /// <exception cref="FlowStoreException">The checkpoint was given up; the next one makes up for it.</exception>
    public bool CheckpointStep() => _checkpointer.Step(_partition);

    /// <summary>The edge of a key that was seen, or null.</summary>
    public Edge? Find(ScopedAddress source, ScopedAddress destination, byte protocol, ushort port)
    {
        lock (_memory)
        {
            return _table.Find(source, destination, protocol, port) is { LastSeen: > 0 } edge ? edge : null;
        }
    }

    /// <summary>The scans from one time to another (Unix milliseconds), the newest first.</summary>
    public IReadOnlyList<ScanSighting> Scans(long since, long until)
    {
        lock (_memory)
        {
            return _scans.Between(since, until);
        }
    }

    /// <summary>The endpoint of an address that was seen, or null.</summary>
    public FlowEndpoint? FindEndpoint(ScopedAddress address)
    {
        lock (_memory)
        {
            return _table.FindEndpoint(address);
        }
    }

    /// <summary>What was seen from one time to another (Unix milliseconds).</summary>
    public TrafficSample Sample(long since, long until)
    {
        Tally[] sums;
        bool[] present;
        Edge[] edges;
        long from, to, horizon;
        IReadOnlyDictionary<Guid, Gaps> gaps;
        lock (_memory)
        {
            edges = [.. _table.Edges];
            sums = ArrayPool<Tally>.Shared.Rent(edges.Length * 2);
            present = ArrayPool<bool>.Shared.Rent(edges.Length * 2);
            sums.AsSpan().Clear();
            present.AsSpan().Clear();
            horizon = FlowTimeline.HorizonAt(Now);
            (from, to) = _timeline.Sum(since, until, sums, present);
            gaps = _gaps.Between(since, until);
        }

        if (since < horizon)
        {
            from = Math.Min(from, FlowTimeline.Floor(since, FlowTimeline.Hour));
            SumFiles(from, Math.Min(until, horizon), sums.AsSpan(0, edges.Length * 2), present);
        }

        var seen = new List<EdgeTraffic>();
        foreach (var edge in edges)
        {
            var side = edge.Id * 2;
            if (present[side] || present[side + 1])
            {
                seen.Add(EdgeTraffic.Merge(edge, sums[side], sums[side + 1]));
            }
        }

        ArrayPool<Tally>.Shared.Return(sums);
        ArrayPool<bool>.Shared.Return(present);
        return new(DateTimeOffset.FromUnixTimeMilliseconds(from), DateTimeOffset.FromUnixTimeMilliseconds(to), seen, gaps);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _partition.Dispose();
        _catalog.Dispose();
    }

    private static void CreatePrivate(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private void Resolve(SightingBatch batch, List<SummaryRow> rows, List<HourOfGaps> gaps)
    {
        var beyond = 0L;
        lock (_memory)
        {
            foreach (var sighting in batch.Sightings)
            {
                if (_table.Resolve(batch.Space, sighting, _options.MaxEdges) is { } edge)
                {
                    rows.Add(new(edge, _table.Attribute(edge, sighting), sighting, batch.Window));
                }
                else
                {
                    beyond++;
                }
            }
        }

        var missing = batch.Gaps.Plus(new(beyond, 0, 0));
        if (!missing.IsNone)
        {
            gaps.Add(new(batch.Agent, FlowTimeline.Floor(batch.Window, FlowTimeline.Hour), missing));
        }
    }

    private void Name(SightingBatch batch, long now, HashSet<FlowEndpoint> named)
    {
        lock (_memory)
        {
            foreach (var (address, name) in batch.Names)
            {
                if (_table.FindEndpoint(new(batch.Space, address)) is { } endpoint
                    && EndpointName.With(endpoint.Names, new(name, batch.Agent, now)) is var names && !ReferenceEquals(names, endpoint.Names))
                {
                    endpoint.Names = names;
                    named.Add(endpoint);
                }
            }
        }
    }

    private void Apply(in SummaryRow row, long now)
    {
        row.Edge.Observe(row.Sighting, row.Process, row.Window);
        var tally = row.Tally;
        _timeline.Add(row.Sighting.Last, tally, now);
        _checkpointer.Note(row.Edge, row.Sighting.Last, tally);
    }

    private PartitionFile Recover()
    {
        var today = Today;
        var now = Now;
        var horizon = FlowTimeline.HorizonAt(now);
        PartitionFile? current = null;
        foreach (var day in DropOld(today))
        {
            current?.Dispose();
            _partition = current = PartitionFile.Open(_options.Folder, day);
            foreach (var (spool, mark) in current.Watermarks())
            {
                if (mark.Sequence >= _watermarks.GetValueOrDefault(spool).Sequence)
                {
                    _watermarks[spool] = mark;
                }
            }

            foreach (var hour in current.Gaps())
            {
                _gaps.Add(hour);
            }

            foreach (var scan in current.Scans())
            {
                _scans.Add(scan);
            }

            foreach (var (hour, tally) in current.Rollups(horizon, long.MaxValue))
            {
                _timeline.AddHour(hour, tally);
            }

            foreach (var row in current.SummariesSinceCheckpoint(_table))
            {
                Apply(row, now);
            }

            if (day < today)
            {
                _checkpointer.Complete(_partition);
            }
        }

        if (current?.Day >= today)
        {
            return current;
        }

        current?.Dispose();
        return OpenPage(today);
    }

    private void TurnPage()
    {
        _checkpointer.Complete(_partition);
        DropOld(Today);
        var next = OpenPage(Today);
        _partition.Dispose();
        _partition = next;
    }

    /// <summary>Opens a new day's file. It repeats the watermarks, so that older files can be dropped whole.</summary>
    private PartitionFile OpenPage(DateOnly day)
    {
        var oldest = Now - (long)_options.Retention.TotalMilliseconds;
        foreach (var (spool, _) in _watermarks.Where(entry => entry.Value.At < oldest).ToList())
        {
            _watermarks.Remove(spool);
        }

        lock (_memory)
        {
            _gaps.Drop(oldest);
            _scans.Drop(oldest);
        }

        var partition = PartitionFile.Open(_options.Folder, day);
        partition.Append([], _watermarks, [], []);
        return partition;
    }

    /// <summary>Deletes days that are past retention; answers the others.</summary>
    private List<DateOnly> DropOld(DateOnly today)
    {
        var oldest = today.AddDays(-(int)_options.Retention.TotalDays);
        var days = PartitionFile.Days(_options.Folder);
        foreach (var day in days.Where(day => day < oldest))
        {
            PartitionFile.Drop(_options.Folder, day);
        }

        return [.. days.Where(day => day >= oldest)];
    }

    private void SumFiles(long from, long to, Span<Tally> sums, Span<bool> present)
    {
        // A late batch of an old hour is in a later day's file.
        var first = DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(from).UtcDateTime);
        foreach (var day in PartitionFile.Days(_options.Folder).Where(day => day >= first))
        {
            foreach (var (_, tally) in PartitionFile.Rollups(_options.Folder, day, from, to))
            {
                if (tally.EdgeSide < sums.Length)
                {
                    sums[tally.EdgeSide] = sums[tally.EdgeSide].Plus(tally);
                    present[tally.EdgeSide] = true;
                }
            }
        }
    }
}
