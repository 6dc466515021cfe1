using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Telemetry;

/// <summary>
/// Sums up what happens into flows, window by window, within bounds: when it holds as many flows as it may, connections are first summed up
/// without their process, and what does not fit even so is counted as lost.
/// </summary>
/// <param name="mostFlows">How many flows a window may have.</param>
internal sealed class FlowWindow(int mostFlows)
{
    private readonly Dictionary<FlowKey, Flow> _flows = [];
    private readonly HashSet<(Flow Flow, ushort SourcePort)> _blocked = [];
    private int _number;

    /// <summary>Connections and blocked packets that the window does not tell of.</summary>
    public ulong Lost { get; private set; }

    /// <summary>Whether it had better end before its time, lest it cannot hold what comes.</summary>
    public bool IsNearlyFull => _flows.Count >= mostFlows - (mostFlows / 4);

    /// <summary>Connections whose traffic the window tells only in part, because their end was lost or the window is full.</summary>
    public ulong Incomplete { get; private set; }

    /// <summary>Connections of which it is not known who made them, since what our programs told was lost; at most.</summary>
    public ulong Unnamed { get; private set; }

    /// <summary>Counts connections and blocked packets of which nothing came, or that did not fit.</summary>
    public void CountLost(ulong events) => Lost += events;

    /// <summary>Counts connections whose traffic is told only in part.</summary>
    public void CountIncomplete(ulong connections) => Incomplete += connections;

    /// <summary>Counts connections that may lack their process.</summary>
    public void CountUnnamed(ulong connections) => Unnamed += connections;

    /// <summary>The flow of a key in this window, or null if the window is full; the caller's event then counts as lost.</summary>
    public Flow? Find(in FlowKey key)
    {
        if (_flows.TryGetValue(key, out var flow))
        {
            return flow;
        }

        // Protocol 0 is none: what bears it is somebody's mistake or malice, and no flow that the controller takes.
        if (key.Protocol == 0)
        {
            Lost++;
            return null;
        }

        if (_flows.Count < mostFlows)
        {
            return _flows[key] = new Flow(key, _number);
        }

        if (key.Process is not null && _flows.TryGetValue(key with { Process = null }, out flow))
        {
            return flow;
        }

        Lost++;
        return null;
    }

    private static long Within(long ms, uint lengthMs) => Math.Clamp(ms, 0, lengthMs);

    /// <summary>
    /// The flow of this window that goes on with one that may be of an earlier window; null if the window is full, which then tells that
    /// it lacks traffic.
    /// </summary>
    public Flow? Continue(Flow flow)
    {
        if (flow.Window == _number)
        {
            return flow;
        }

        if (_flows.Count < mostFlows || _flows.ContainsKey(flow.Key))
        {
            return Find(flow.Key);
        }

        CountIncomplete(1);
        return null;
    }

    /// <summary>The flow of a key if the window has it.</summary>
    public Flow? TryGet(in FlowKey key) => _flows.GetValueOrDefault(key);

    /// <summary>A flow of which there is nothing new, so that it is not forgotten; null if the window has no room to spare.</summary>
    public Flow? Remind(in FlowKey key) => IsNearlyFull || key.Protocol == 0 ? null : Find(key);

    /// <summary>How many flows have new connections of whose traffic nothing is known yet.</summary>
    public int CountUndecided() => _flows.Values.Count(flow => flow.IsUndecided);

    /// <summary>Counts a blocked packet. One from a source port that the window has seen already is a connection's next try, not a new one.</summary>
    public void Block(in FlowKey key, ushort sourcePort, Traffic traffic, long atMs)
    {
        if (Find(key) is not { } flow)
        {
            return;
        }

        if (sourcePort == 0 || (_blocked.Count < mostFlows && _blocked.Add((flow, sourcePort))))
        {
            flow.Connect(atMs);
        }

        flow.Add(traffic, atMs);
    }

    /// <summary>Ends the window: what it has to tell, or null if that is nothing. The next one is empty.</summary>
    /// <param name="startUnixMs">When it began.</param>
    /// <param name="lengthMs">How long it was.</param>
    public FlowBatch? Close(long startUnixMs, uint lengthMs)
    {
        _number++;
        if (_flows.Count == 0 && Lost == 0 && Incomplete == 0 && Unnamed == 0)
        {
            return null;
        }

        var batch = new FlowBatch { WindowUnixMs = startUnixMs, WindowMs = lengthMs, LostEvents = Lost, IncompleteConnections = Incomplete, UnnamedConnections = Unnamed };
        var processes = new Dictionary<ProcessFacts, uint>(ReferenceEqualityComparer.Instance);
        foreach (var flow in _flows.Values)
        {
            var wire = flow.ToWire(IndexOf(flow.Key.Process, processes, batch));
            (wire.FirstMs, wire.LastMs) = (Within(wire.FirstMs, lengthMs), Within(wire.LastMs, lengthMs));
            batch.Flows.Add(wire);
        }

        (Lost, Incomplete, Unnamed) = (0, 0, 0);
        _blocked.Clear();
        _flows.Clear();
        // After a storm its memory is given back.
        _flows.TrimExcess(Math.Min(batch.Flows.Count, 1024));
        return batch;
    }

    private static uint IndexOf(ProcessFacts? process, Dictionary<ProcessFacts, uint> indexes, FlowBatch batch)
    {
        if (process is null)
        {
            return 0;
        }

        if (!indexes.TryGetValue(process, out var index))
        {
            batch.Processes.Add(process.ToWire());
            indexes[process] = index = (uint)batch.Processes.Count;
        }

        return index;
    }
}
