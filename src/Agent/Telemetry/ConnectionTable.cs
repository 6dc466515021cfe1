using System.Runtime.InteropServices;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Agent.Telemetry;

/// <summary>Which flow a connection belongs to.</summary>
/// <param name="Key">The flow, or null if the connection is not to be told of.</param>
/// <param name="IsSettled">Whether that stands, rather than that its process may become known until the window ends.</param>
internal readonly record struct Resolution(FlowKey? Key, bool IsSettled);

/// <summary>Says which flow a connection belongs to.</summary>
/// <param name="record">The connection.</param>
/// <param name="isLast">Whether it has to be settled now, whatever that costs.</param>
internal delegate Resolution FlowOf(in ConntrackRecord record, bool isLast);

/// <summary>
/// Live connections, with what of their traffic has been told already. Bounded: a connection beyond the bound is summed up when it is
/// made and when it is gone, without what lies between.
/// </summary>
/// <param name="window">Where sums go.</param>
/// <param name="flowOf">Says which flow a connection belongs to.</param>
/// <param name="most">How many connections are remembered.</param>
internal sealed class ConnectionTable(FlowWindow window, FlowOf flowOf, int most)
{
    private const int MostPending = 8192;

    private readonly Dictionary<ulong, Connection> _live = [];
    private readonly Dictionary<ulong, (ConntrackRecord Record, long AtMs)> _pending = [];
    private readonly Dictionary<ulong, FlowTuple> _translated = [];
    private int _dump;
    private bool _overflowed;
    private bool _losing;
    private ulong _begun;

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
    public IReadOnlyList<(FlowTuple Original, ushort Zone)> Names() =>
        [.. _live.Select(entry => (_translated.TryGetValue(entry.Key, out var original) ? original : entry.Value.Original, entry.Value.Zone))];

    /// <summary>Begins a dump of all connections, to be followed by <see cref="Present"/> for each and <see cref="EndDump"/>.</summary>
    public void BeginDump() => _dump++;

    /// <summary>Takes in a connection of a dump.</summary>
    /// <param name="record">The connection.</param>
    /// <param name="isNew">Whether one that is not remembered was made since the last dump, rather than before the agent started.</param>
    /// <param name="atMs">Time into the window.</param>
    public void Present(in ConntrackRecord record, bool isNew, long atMs)
    {
        ref var connection = ref CollectionsMarshal.GetValueRefOrNullRef(_live, record.Id);
        if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref connection))
        {
            // What went over it before the agent looked was told by an earlier run, or by nobody; it is not of this window.
            if (_live.Count >= most || flowOf(record, isLast: !isNew) is not { Key: { } key } resolved)
            {
                return;
            }

            Begin(record, key, resolved.IsSettled, isNew ? atMs : null);
            connection = ref CollectionsMarshal.GetValueRefOrNullRef(_live, record.Id);
            connection.Unannounced = _losing;
            connection.Told = isNew ? default : record.Traffic;
            _begun += _losing ? 1UL : 0;
            if (!isNew && !record.Closed)
            {
                _ = window.Find(key);
            }
        }

        Tell(ref connection, record, atMs);
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
        missing.ForEach(Forget);
        return (ulong)missing.Count;
    }

    /// <summary>Events were lost: until <see cref="EndLoss"/> whatever is heard of for the first time is a connection whose making was lost.</summary>
    public void BeginLoss() => (_losing, _begun) = (true, _losing ? _begun : 0);

    /// <summary>
    /// Everything that was not lost has been read, and there was a dump: how many connections there are, or were, whose making was lost, and
    /// how many are gone whose end was lost.
    /// </summary>
    public (ulong Begun, ulong Ended) EndLoss()
    {
        _losing = false;
        return (_begun, EndDump(complete: true));
    }

    /// <summary>Settles what is pending and counts, in the flows of this window, the connections that are still open; at the end of a window.</summary>
    public void CountOpen()
    {
        foreach (var id in _pending.Keys.ToList())
        {
            Settle(id);
        }

        foreach (var connection in _live.Values)
        {
            if (!connection.Closed && window.TryGet(connection.Flow.Key) is { } flow)
            {
                flow.Open++;
            }
        }
    }

    private void Made(in ConntrackRecord record, long atMs)
    {
        // A dump may have told of it already.
        ref var told = ref CollectionsMarshal.GetValueRefOrNullRef(_live, record.Id);
        if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref told))
        {
            _begun -= told.Unannounced && _losing ? 1UL : 0;
            told.Unannounced = false;
            return;
        }

        if (flowOf(record, isLast: _live.Count >= most) is { Key: { } key } resolved)
        {
            Begin(record, key, resolved.IsSettled, atMs);
        }
    }

    private void Gone(in ConntrackRecord record, long atMs)
    {
        ref var connection = ref CollectionsMarshal.GetValueRefOrNullRef(_live, record.Id);
        if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref connection))
        {
            Settle(record.Id);
            Tell(ref connection, record, atMs);
            Forget(record.Id);
        }
        else if ((_overflowed || _losing) && flowOf(record, isLast: true) is { Key: { } key })
        {
            if (!_overflowed)
            {
                _begun++;
                window.Find(key)?.Connect(atMs);
            }

            var passed = new Connection(new Flow(key), record);
            Tell(ref passed, record, atMs);
        }
    }

    private void Begin(in ConntrackRecord record, in FlowKey key, bool isSettled, long? madeAtMs)
    {
        if (_live.Count >= most)
        {
            _overflowed = true;
            Connect(key, madeAtMs);
            return;
        }

        var isPending = !isSettled && _pending.Count < MostPending && madeAtMs is not null;
        var flow = isPending ? null : Connect(key, madeAtMs);
        var connection = new Connection(flow ?? new Flow(key), record) { SeenIn = _dump, IsPending = isPending };
        if (isPending)
        {
            _pending[record.Id] = (record, madeAtMs!.Value);
        }

        if (connection.Original != record.Original)
        {
            _translated[record.Id] = record.Original;
        }

        _live[record.Id] = connection;
    }

    private Flow? Connect(in FlowKey key, long? atMs)
    {
        var flow = atMs is null ? null : window.Find(key);
        flow?.Connect(atMs!.Value);
        return flow;
    }

    private void Settle(ulong id)
    {
        if (_pending.Remove(id, out var pending))
        {
            ref var connection = ref CollectionsMarshal.GetValueRefOrNullRef(_live, id);
            var key = flowOf(pending.Record, isLast: true).Key ?? connection.Flow.Key;
            connection.IsPending = false;
            connection.Flow = Connect(key, pending.AtMs) ?? new Flow(key);
        }
    }

    private void Forget(ulong id)
    {
        Settle(id);
        _live.Remove(id);
        _translated.Remove(id);
    }

    private void Tell(ref Connection connection, in ConntrackRecord record, long atMs)
    {
        var since = record.Traffic.Since(connection.Told);
        if (since == default || connection.IsPending)
        {
            return;
        }

        connection.Told = record.Traffic;
        if (window.Continue(connection.Flow) is { } flow)
        {
            connection.Flow = flow;
            flow.Add(record.Consumer == flow.Key.Local ? since : since.Reverse(), atMs);
        }
    }

    /// <summary>A connection. Most are what their flow is, and a port; what was translated is kept beside.</summary>
    private struct Connection(Flow flow, in ConntrackRecord record)
    {
        private readonly ushort _consumerPort = record.ConsumerPort;

        public Flow Flow = flow;
        public Traffic Told;
        public int SeenIn;
        public readonly ushort Zone = record.Zone;
        public bool Closed;
        public bool IsPending;
        public bool Unannounced;

        public readonly FlowTuple Original
        {
            get
            {
                var key = Flow.Key;
                return key.Direction == Direction.Outbound
                    ? new(key.Protocol, key.Local, _consumerPort, key.Remote, key.Port)
                    : new(key.Protocol, key.Remote, _consumerPort, key.Local, key.Port);
            }
        }
    }
}
