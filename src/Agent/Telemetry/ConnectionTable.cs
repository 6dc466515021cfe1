using Bulkhead.Enforcement.Connections;

namespace Bulkhead.Agent.Telemetry;

/// <summary>
/// Live connections, with what of their traffic has been told already. Bounded: a connection beyond the bound is summed up when it is
/// made and when it is gone, without what lies between.
/// </summary>
/// <param name="window">Where sums go.</param>
/// <param name="keyOf">Says which flow a connection belongs to, or null if it is not to be told of. Dear for new connections.</param>
/// <param name="most">How many connections are remembered.</param>
internal sealed class ConnectionTable(FlowWindow window, Func<ConntrackRecord, FlowKey?> keyOf, int most)
{
    private readonly Dictionary<ulong, Connection> _live = [];
    private int _dump;
    private bool _overflowed;

    /// <summary>How many are remembered.</summary>
    public int Count => _live.Count;

    /// <summary>Takes in an event.</summary>
    public void Observe(in ConntrackRecord record, long atMs)
    {
        if (record.Event == ConntrackEvent.New)
        {
            Made(record, atMs);
        }
        else if (record.Event == ConntrackEvent.Destroyed)
        {
            Gone(record, atMs);
        }
    }

    /// <summary>The connections that are remembered, as conntrack is asked for them; a copy.</summary>
    public IReadOnlyList<(FlowTuple Original, ushort Zone)> Names() => [.. _live.Values.Select(connection => (connection.Original, connection.Zone))];

    /// <summary>Begins a dump of all connections, to be followed by <see cref="Present"/> for each and <see cref="EndDump"/>.</summary>
    public void BeginDump() => _dump++;

    /// <summary>Takes in a connection of a dump.</summary>
    /// <param name="record">The connection.</param>
    /// <param name="isNew">Whether one that is not remembered was made since the last dump, rather than before the agent started.</param>
    /// <param name="atMs">Time into the window.</param>
    public void Present(in ConntrackRecord record, bool isNew, long atMs)
    {
        if (!_live.TryGetValue(record.Id, out var connection))
        {
            if (_live.Count >= most || keyOf(record) is not { } key)
            {
                return;
            }

            // What went over it before the agent looked was told by an earlier run, or by nobody; it is not of this window.
            _live[record.Id] = connection = new Connection(key, record.Original, record.Zone) { Told = isNew ? default : record.Traffic };
            if (isNew || !record.Closed)
            {
                var flow = window.Find(key);
                if (isNew)
                {
                    flow?.Connect(atMs);
                }
            }
        }

        Tell(connection, record, atMs);
        connection.Closed = record.Closed;
        connection.SeenIn = _dump;
    }

    /// <summary>Ends a dump; returns how many connections went without an event that said so.</summary>
    /// <param name="complete">Whether events may have been lost, so that a connection that the dump lacks is gone for sure.</param>
    public ulong EndDump(bool complete)
    {
        // An event that says so may still wait to be read; two dumps later it has been.
        var oldest = complete ? _dump : _dump - 1;
        var missing = _live.Where(entry => entry.Value.SeenIn < oldest).Select(entry => entry.Key).ToList();
        missing.ForEach(id => _live.Remove(id));
        return (ulong)missing.Count;
    }

    /// <summary>Counts, in the flows of this window, the connections that are still open.</summary>
    public void CountOpen()
    {
        foreach (var connection in _live.Values)
        {
            if (!connection.Closed && window.TryGet(connection.Key) is { } flow)
            {
                flow.Open++;
            }
        }
    }

    private void Made(in ConntrackRecord record, long atMs)
    {
        // A dump may have told of it already.
        if (_live.ContainsKey(record.Id) || keyOf(record) is not { } key)
        {
            return;
        }

        if (_live.Count < most)
        {
            _live[record.Id] = new Connection(key, record.Original, record.Zone) { SeenIn = _dump };
        }
        else
        {
            _overflowed = true;
        }

        window.Find(key)?.Connect(atMs);
    }

    private void Gone(in ConntrackRecord record, long atMs)
    {
        if (_live.Remove(record.Id, out var connection))
        {
            Tell(connection, record, atMs);
        }
        else if (_overflowed && keyOf(record) is { } key)
        {
            Tell(new Connection(key, record.Original, record.Zone), record, atMs);
        }
    }

    private void Tell(Connection connection, in ConntrackRecord record, long atMs)
    {
        var since = record.Traffic.Since(connection.Told);
        if (since == default)
        {
            return;
        }

        connection.Told = record.Traffic;
        window.Find(connection.Key)?.Add(record.Consumer == connection.Key.Local ? since : since.Reverse(), atMs);
    }

    private sealed class Connection(FlowKey key, FlowTuple original, ushort zone)
    {
        public FlowKey Key { get; } = key;

        public FlowTuple Original { get; } = original;

        public ushort Zone { get; } = zone;

        public Traffic Told { get; set; }

        public bool Closed { get; set; }

        public int SeenIn { get; set; }
    }
}
