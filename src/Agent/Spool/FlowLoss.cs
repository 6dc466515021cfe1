using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Spool;

/// <summary>What is lost with batches that nobody gets, and what they had to tell of losses before.</summary>
/// <param name="Connections">Connections and blocked packets of which nobody hears.</param>
/// <param name="Incomplete">Connections of which nobody hears all: those that older windows told of, or later ones will.</param>
/// <param name="Unnamed">Connections that lack their process, at most.</param>
/// <param name="Batches">Batches that were dropped before them.</param>
internal readonly record struct FlowLoss(ulong Connections, ulong Incomplete, ulong Unnamed, ulong Batches)
{
    /// <summary>What is lost with a batch of which nothing is known; something is.</summary>
    public static FlowLoss Unknown => new(1, 0, 0, 0);

    /// <summary>What is lost with a batch.</summary>
    public static FlowLoss Of(FlowBatch batch) => new(
        Sum([batch.LostEvents, .. batch.Flows.Select(flow => flow.Connections), .. batch.Scans.Select(scan => scan.Connections)]),
        Sum([batch.IncompleteConnections, .. batch.Flows.Where(HasTraffic).Select(Older)]),
        batch.UnnamedConnections,
        batch.DroppedBatches);

    /// <summary>Both.</summary>
    public static FlowLoss operator +(FlowLoss a, FlowLoss b) =>
        new(a.Connections + b.Connections, a.Incomplete + b.Incomplete, a.Unnamed + b.Unnamed, a.Batches + b.Batches);

    /// <summary>What a batch says that was lost.</summary>
    public static FlowLoss ToldBy(FlowBatch batch) => new(batch.LostEvents, batch.IncompleteConnections, batch.UnnamedConnections, batch.DroppedBatches);

    /// <summary>Has a batch say it, in place of what it says.</summary>
    public void TellBy(FlowBatch batch) =>
        (batch.LostEvents, batch.IncompleteConnections, batch.UnnamedConnections, batch.DroppedBatches) = (Connections, Incomplete, Unnamed, Batches);

    private static bool HasTraffic(FlowSummary flow) => flow.PacketsIn > 0 || flow.PacketsOut > 0;

    /// <summary>Connections of a flow that were made in an earlier window and are still open, as far as the flow shows: those made in this one are lost as they are.</summary>
    private static ulong Older(FlowSummary flow) => flow.Open - Math.Min(flow.Open, flow.Connections);

    private static ulong Sum(IEnumerable<ulong> counts) => counts.Aggregate(0UL, (sum, count) => sum + count);
}
