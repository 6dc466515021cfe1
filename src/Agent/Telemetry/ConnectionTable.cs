using System.Runtime.InteropServices;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Enforcement.Connections;

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
/// Live connections, with what of their traffic has been told already. Bounded: a connection beyond the bound is counted when it is made, and its traffic told
/// when it is gone, or once there is room and a dump shows it. While there may be such, what a dump shows and nobody knows was counted already. Those that have
/// said goodbye, which conntrack keeps for minutes, take no room of the others, but have a bound of their own.
/// </summary>
/// <param name="window">Where sums go.</param>
/// <param name="flowOf">Says which flow a connection belongs to.</param>
/// <param name="most">How many connections are remembered, apart from those that have said goodbye.</param>
/// <param name="resumes">Whether connections were followed before, so that of those there are some traffic went by unseen.</param>
internal sealed class ConnectionTable(FlowWindow window, FlowOf flowOf, int most, bool resumes = false)
{
    /// <summary>How many connections may wait for their process to become known.</summary>
    public const int MostPending = 8192;

    /// <summary>How many that have said goodbye are remembered for each other one that may be.</summary>
    public const int ClosedForEach = 2;

    private const int SettleEveryMs = 100;
    private const int FirstDump = 1;

    private readonly Dictionary<ulong, LiveConnection> _live = [];
    private readonly Dictionary<ulong, Pending> _pending = [];
    private readonly Dictionary<FlowTuple, ulong> _pendingAt = [];
    private readonly Dictionary<ulong, FlowTuple> _translated = [];
    private int _dump;
    private int? _overflowedIn;
    private bool _olderBeyond;
    private long? _settledAt;
    private bool _losing;
    private ulong _begun;
    private int _closed;
    private long _batch;

    /// <summary>How many are remembered.</summary>
    public int Count => _live.Count;

    /// <summary>
    /// Whether there may be connections that are counted but not remembered. Ends with the second dump of all that finds none; by then the
    /// events of those that ended have been read.
    /// </summary>
    public bool IsOverflowed => _overflowedIn is { } dump && _dump <= dump + 1;

    /// <summary>Takes in an event; false for the end of a connection that it never heard of, though nothing is said to be lost.</summary>
    public bool Observe(in ConntrackRecord record, long atMs)
    {
        if (record.Event == ConntrackEvent.New)
        {
            Made(record, atMs);
        }

        return record.Event != ConntrackEvent.Destroyed || Gone(record, atMs);
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
            if (IsFull(record))
            {
                Overflow();
                _olderBeyond |= !isNew;
                return;
            }

            if (flowOf(record, isLast: !isNew || IsOverflowed) is not { Key: { } key } resolved)
            {
                return;
            }

            Discover(record, key, resolved.IsSettled, isNew, atMs);
            connection = ref CollectionsMarshal.GetValueRefOrNullRef(_live, record.Id);
        }

        Tell(ref connection, record, atMs);
        _closed += (record.Closed ? 1 : 0) - (connection.Closed ? 1 : 0);
        connection.Closed = record.Closed;
        connection.SeenIn = _dump;
    }

    private void Discover(in ConntrackRecord record, in FlowKey key, bool isSettled, bool isNew, long atMs)
    {
        var isBeyond = isNew && IsOverflowed;
        Begin(record, key, isSettled, isNew && !isBeyond ? atMs : null);
        ref var connection = ref CollectionsMarshal.GetValueRefOrNullRef(_live, record.Id);
        if (isBeyond)
        {
            connection.Uncounted = true;
            if (_olderBeyond)
            {
                // It may be older than the agent: how much of its traffic is, nobody knows.
                connection.Told = record.Traffic;
                window.CountIncomplete(1);
            }
        }
        else if (isNew)
        {
            connection.Unannounced = _losing;
            _begun += _losing ? 1UL : 0;
        }
        else
        {
            // What went over it before the agent looked was told by an earlier run, or by nobody; it is not of this window. Unless it was made since the agent
            // listens, as an event that waits to be read will say.
            connection.Told = record.Traffic;
            connection.IsEarlier = true;
            window.CountIncomplete(resumes ? 1UL : 0);
        }

        if (!isNew && !record.Closed)
        {
            _ = window.Find(key);
        }
    }

    /// <summary>Ends a dump; returns how many connections went without an event that said so, which the window counts as told of in part.</summary>
    /// <param name="complete">Whether events may have been lost, so that a connection that the dump lacks is gone for sure.</param>
    public ulong EndDump(bool complete)
    {
        // An event that says so may still wait to be read; two dumps later it has been.
        var oldest = complete ? _dump : _dump - 1;
        var missing = _live.Where(entry => entry.Value.SeenIn < oldest).Select(entry => entry.Key).ToList();
        missing.ForEach(Forget);
        window.CountIncomplete((ulong)missing.Count);
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

    /// <summary>Settles what is pending; before a dump, which tells of no traffic of what is.</summary>
    public void SettleAll()
    {
        foreach (var id in _pending.Keys.ToList())
        {
            Settle(id);
        }
    }

    /// <summary>All events were read that there were when this was called last, and what our programs tell is read anew.</summary>
    public void NextBatch() => _batch++;

    /// <summary>
    /// Settles the connection between some ends that is pending the longest, since before a batch, now that it is known who took it; false if there is none such.
    /// </summary>
    /// <param name="ends">As it comes: from the remote end.</param>
    /// <param name="process">Who took it.</param>
    /// <param name="ago">How many batches ago that was read.</param>
    public bool TrySettle(FlowTuple ends, ProcessFacts? process, long ago)
    {
        if (!_pendingAt.TryGetValue(ends, out var id) || _pending[id].Batch >= _batch - ago)
        {
            return false;
        }

        SettleAs(id, _live[id].Flow.Key with { Process = process });
        return true;
    }

    /// <summary>Settles what is pending as what is known of it, without asking anybody; for whoever stops before the window ends.</summary>
    public void Abandon()
    {
        foreach (var id in _pending.Keys.ToList())
        {
            SettleAs(id, null);
        }
    }

    /// <summary>Settles what is pending and counts, in the flows of this window, the connections that are still open; at the end of a window.</summary>
    /// <param name="withIdle">Whether those are told as well of which there is nothing else to tell.</param>
    public void CountOpen(bool withIdle = false)
    {
        SettleAll();
        foreach (var connection in _live.Values)
        {
            if (!connection.Closed && (window.TryGet(connection.Flow.Key) ?? (withIdle ? window.Remind(connection.Flow.Key) : null)) is { } flow)
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
            if (told.Uncounted || told.IsEarlier)
            {
                // The dump was faster.
                told.Told = told.IsEarlier && told.SeenIn == FirstDump ? default : told.Told;
                (told.Uncounted, told.IsEarlier) = (false, false);
                told.Flow = Connect(told.Flow.Key, atMs) ?? told.Flow;
            }

            return;
        }

        if (flowOf(record, isLast: IsFull(record)) is { Key: { } key } resolved)
        {
            Begin(record, key, resolved.IsSettled, atMs);
        }
    }

    private bool Gone(in ConntrackRecord record, long atMs)
    {
        ref var connection = ref CollectionsMarshal.GetValueRefOrNullRef(_live, record.Id);
        if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref connection))
        {
            Settle(record.Id);
            Tell(ref connection, record, atMs);
            Forget(record.Id);
            return true;
        }

        if ((IsOverflowed || _losing) && flowOf(record, isLast: true) is { Key: { } key })
        {
            if (!IsOverflowed)
            {
                _begun++;
                window.Find(key)?.Connect(atMs);
            }
            else if (_olderBeyond)
            {
                window.CountIncomplete(1);
                return true;
            }

            var passed = new LiveConnection(new Flow(key), record);
            Tell(ref passed, record, atMs);
        }

        return IsOverflowed || _losing;
    }

    private void Begin(in ConntrackRecord record, in FlowKey key, bool isSettled, long? madeAtMs)
    {
        if (IsFull(record))
        {
            Overflow();
            Connect(key, madeAtMs);
            return;
        }

        if (!isSettled && _pending.Count >= MostPending && madeAtMs is { } at)
        {
            SettleKnown(at);
        }

        var isPending = !isSettled && _pending.Count < MostPending && madeAtMs is not null;
        var flow = isPending ? null : Connect(key, madeAtMs);
        var connection = new LiveConnection(flow ?? new Flow(key), record) { SeenIn = _dump, IsPending = isPending };
        if (isPending)
        {
            _pending[record.Id] = new(record, madeAtMs!.Value, _batch);
            _pendingAt.TryAdd(EndsOf(record), record.Id);
        }

        if (connection.Original != record.Original)
        {
            _translated[record.Id] = record.Original;
        }

        _live[record.Id] = connection;
    }

    private static FlowTuple EndsOf(in ConntrackRecord record) => new(record.Protocol, record.Consumer, record.ConsumerPort, record.Provider, record.Port);

    private bool IsFull(in ConntrackRecord record) => _live.Count >= most * (1 + ClosedForEach) || (!record.Closed && _live.Count - _closed >= most);

    private void Overflow()
    {
        _olderBeyond &= IsOverflowed;
        _overflowedIn = _dump;
    }

    private Flow? Connect(in FlowKey key, long? atMs)
    {
        var flow = atMs is null ? null : window.Find(key);
        flow?.Connect(atMs!.Value);
        return flow;
    }

    private void Settle(ulong id)
    {
        if (_pending.TryGetValue(id, out var pending))
        {
            SettleAs(id, flowOf(pending.Record, isLast: true).Key);
        }
    }

    private void SettleAs(ulong id, FlowKey? found)
    {
        // Who asks may have had it settled meanwhile: what the programs tell is read on for the answer.
        if (!_pending.Remove(id, out var pending))
        {
            return;
        }

        var ends = EndsOf(pending.Record);
        if (_pendingAt.TryGetValue(ends, out var oldest) && oldest == id)
        {
            _pendingAt.Remove(ends);
        }

        ref var connection = ref CollectionsMarshal.GetValueRefOrNullRef(_live, id);
        var key = found ?? connection.Flow.Key;
        connection.IsPending = false;
        connection.Flow = Connect(key, pending.AtMs) ?? new Flow(key);
    }

    /// <summary>Makes room among what is pending, where who made it is known by now; now and then, since that may be nothing.</summary>
    private void SettleKnown(long atMs)
    {
        if (_settledAt is { } before && atMs >= before && atMs - before < SettleEveryMs)
        {
            return;
        }

        _settledAt = atMs;
        foreach (var (id, pending) in _pending)
        {
            if (flowOf(pending.Record, isLast: false) is { IsSettled: true } resolved)
            {
                SettleAs(id, resolved.Key);
            }
        }
    }

    private void Forget(ulong id)
    {
        Settle(id);
        _closed -= _live.Remove(id, out var gone) && gone.Closed ? 1 : 0;
        _translated.Remove(id);
    }

    private void Tell(ref LiveConnection connection, in ConntrackRecord record, long atMs)
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

    /// <summary>A connection that waits for its process, since a batch.</summary>
    private readonly record struct Pending(ConntrackRecord Record, long AtMs, long Batch);
}
