namespace Bulkhead.Agent.Telemetry;

/// <summary>How many events were read, and of how much nothing can be told, since the agent started. Counted by one thread, read from any.</summary>
internal sealed class EventTally
{
    private ulong _events;
    private ulong _lost;

    /// <summary>Kernel events read.</summary>
    public ulong Events => Volatile.Read(ref _events);

    /// <summary>Connections and blocked packets of which nothing could be told.</summary>
    public ulong Lost => Volatile.Read(ref _lost);

    /// <summary>An event was read.</summary>
    public void Hear() => Volatile.Write(ref _events, _events + 1);

    /// <summary>Of some nothing can be told; a window says so.</summary>
    public void CountLost(FlowWindow window, ulong events)
    {
        Volatile.Write(ref _lost, _lost + events);
        window.CountLost(events);
    }
}
