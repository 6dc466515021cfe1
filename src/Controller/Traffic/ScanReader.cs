using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Controller.Traffic;

/// <summary>Checks and reads the scans of a batch.</summary>
internal static class ScanReader
{
    /// <summary>What is wrong with a scan, but for its samples; null if nothing is.</summary>
    public static string? FaultOf(ScanSummary scan, FlowBatch batch) =>
        scan.Direction is not (Direction.Inbound or Direction.Outbound) ? "no direction"
        : !IpAddress.TryRead(scan.Source.Span, out _) ? "the source has neither 4 nor 16 bytes"
        : scan.Process > batch.Processes.Count ? "process is beyond the list"
        : Math.Max(Math.Max(scan.Targets, scan.Addresses), Math.Max(scan.Connections, scan.Blocked)) > FlowBatchReader.MaxCount ? "a count is absurd"
        : scan.FirstPort > scan.LastPort || scan.LastPort > ushort.MaxValue ? "first_port and last_port are no range"
        : scan.FirstMs < 0 || scan.LastMs < scan.FirstMs || scan.LastMs > batch.WindowMs ? "first_ms and last_ms are not within the window"
        : scan.Samples.Count > FlowBatchReader.MaxSamples ? $"more than {FlowBatchReader.MaxSamples} samples"
        : null;

    /// <summary>A scan that was checked.</summary>
    public static ScanSighting ToSighting(ScanSummary scan, FlowBatch batch, Workload agent, long start)
    {
        _ = IpAddress.TryRead(scan.Source.Span, out var source);
        return new()
        {
            Agent = agent.Id.Value,
            Side = scan.Direction == Direction.Inbound ? FlowSide.Destination : FlowSide.Source,
            Source = new(agent.Space, source),
            Process = scan.Process == 0 ? "" : batch.Processes[(int)scan.Process - 1].Path,
            First = start + scan.FirstMs,
            Last = start + scan.LastMs,
            Targets = (long)scan.Targets,
            Addresses = (long)scan.Addresses,
            Connections = (long)scan.Connections,
            Blocked = (long)scan.Blocked,
            FirstPort = (ushort)scan.FirstPort,
            LastPort = (ushort)scan.LastPort,
            Samples = [.. scan.Samples.Select(flow => $"{TargetOf(flow)} {TrafficPicture.PortText((byte)flow.Protocol, (ushort)flow.Port)}")],
        };
    }

    private static IpAddress TargetOf(FlowSummary flow)
    {
        _ = IpAddress.TryRead((flow.Direction == Direction.Inbound ? flow.LocalAddress : flow.RemoteAddress).Span, out var target);
        return target;
    }
}
