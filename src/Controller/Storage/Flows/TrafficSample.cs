namespace Bulkhead.Controller.Storage.Flows;

/// <summary>What was seen in a window. Nothing of the asked window is missing, but older counts are kept by minute and by hour, so some may lie beside it.</summary>
/// <param name="From">No count is from before this: the start that was asked for, or earlier.</param>
/// <param name="To">No count is from after this.</param>
/// <param name="Edges">In order of their ids.</param>
/// <param name="Gaps">What is missing, by agent; of whole hours.</param>
public sealed record TrafficSample(DateTimeOffset From, DateTimeOffset To, IReadOnlyList<EdgeTraffic> Edges, IReadOnlyDictionary<Guid, Gaps> Gaps)
{
    /// <summary>Nothing was seen.</summary>
    public static TrafficSample Nothing { get; } = new(default, default, [], new Dictionary<Guid, Gaps>());
}

/// <summary>An edge with what was counted in a window.</summary>
/// <param name="Edge">The edge.</param>
/// <param name="Connections">Each once, though both ends report it; attempts included.</param>
/// <param name="Blocked">Of these, stopped at either end.</param>
/// <param name="Packets">Both directions.</param>
/// <param name="Bytes">Both directions.</param>
public readonly record struct EdgeTraffic(Edge Edge, long Connections, long Blocked, long Packets, long Bytes)
{
    /// <summary>Merges the reports of both ends: the consumer's counts where it reports, else the provider's; blocked ones of both.</summary>
    internal static EdgeTraffic Merge(Edge edge, in Tally source, in Tally destination)
    {
        var connections = source.Connections > 0 ? source.Connections : destination.Connections;
        // A provider counts each retransmission of an attempt that it drops, the consumer the attempt.
        var blocked = Math.Min(connections, (long)source.Blocked + destination.Blocked);
        return new(edge, connections, blocked, source.Packets > 0 ? source.Packets : destination.Packets, source.Bytes > 0 ? source.Bytes : destination.Bytes);
    }
}
