using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Spool;

/// <summary>What is lost with a batch that nobody gets.</summary>
internal static class FlowLoss
{
    /// <summary>The connections that it tells of, and those that it says were lost before.</summary>
    public static ulong Of(FlowBatch batch) => Sum(
        [batch.LostEvents, .. batch.Flows.Select(flow => flow.Connections), .. batch.Scans.Select(scan => scan.Connections)]);

    private static ulong Sum(IEnumerable<ulong> counts) => counts.Aggregate(0UL, (sum, count) => sum + count);
}
