using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Services;
using Google.Protobuf;

namespace Bulkhead.Agent.Spool;

/// <summary>
/// Finds in a window the sources that tried many addresses or ports of which hardly any answered, and sums up each as one scan with a few samples.
/// What was answered, and everything else, stays as it is.
/// </summary>
internal static class ScanCondenser
{
    /// <summary>From how many targets without an answer on it is a scan.</summary>
    public const int Threshold = 100;

    /// <summary>From how many targets on it is a scan, though it is not known yet whether they answer.</summary>
    public const int SureThreshold = 1000;

    // Of datagrams, to one target, that expect an answer.
    private const int MostTries = 3;

    /// <summary>The most samples of a scan.</summary>
    public const int MostSamples = 16;

    /// <summary>Replaces the flows of scans.</summary>
    public static void Condense(FlowBatch batch)
    {
        if (batch.Flows.Count < Threshold)
        {
            return;
        }

        var scans = batch.Flows.Where(flow => IsUnanswered(flow) || IsUndecided(flow)).GroupBy(SourceOf).SelectMany(ScansOf).ToList();
        if (scans.Count == 0)
        {
            return;
        }

        var condensed = new HashSet<FlowSummary>(scans.SelectMany(flows => flows), ReferenceEqualityComparer.Instance);
        batch.Scans.AddRange(scans.Select(flows => Sum(SourceOf(flows[0]), flows)));
        var rest = batch.Flows.Where(flow => !condensed.Contains(flow)).ToList();
        batch.Flows.Clear();
        batch.Flows.AddRange(rest);
    }

    private static IEnumerable<List<FlowSummary>> ScansOf(IEnumerable<FlowSummary> ofSource)
    {
        var all = ofSource.ToList();
        if (Targets(all) >= SureThreshold)
        {
            return [all];
        }

        var unanswered = all.Where(IsUnanswered).ToList();
        return Targets(unanswered) >= Threshold ? [unanswered] : [];
    }

    /// <summary>Whether nothing has been counted yet of what went over new connections.</summary>
    private static bool IsUndecided(FlowSummary flow) => flow is { Connections: > 0, PacketsIn: 0, PacketsOut: 0 };

    /// <summary>
    /// Whether nobody answered, or only to refuse: blocked here, or at most one packet each way of a TCP connection, or none back of a few of another. Who sends
    /// more than a few without an answer is no scanner: logs and measurements are sent so, and dead hosts watched.
    /// </summary>
    private static bool IsUnanswered(FlowSummary flow)
    {
        if (flow.Outcome == Outcome.Blocked)
        {
            return true;
        }

        var tries = Math.Max(1, flow.Connections);
        var (asked, answered) = flow.Direction == Direction.Inbound ? (flow.PacketsIn, flow.PacketsOut) : (flow.PacketsOut, flow.PacketsIn);
        // A SYN is sent again and again while nobody answers; who was answered at all sends one packet more than the answers to its SYNs.
        // Where nothing was begun or something stays open, as many packets each way are the signs of life of idle connections.
        return asked > 0 && (flow.Protocol == IpProtocol.Tcp
            ? answered == 0 || (flow is { Connections: > 0, Open: 0 } && answered <= tries && asked <= answered)
            : flow.Connections > 0 && answered == 0 && asked <= MostTries * tries);
    }

    private static (Direction Direction, ByteString Source, uint Process) SourceOf(FlowSummary flow) =>
        flow.Direction == Direction.Inbound ? (flow.Direction, flow.RemoteAddress, 0) : (flow.Direction, flow.LocalAddress, flow.Process);

    private static (ByteString Address, uint Protocol, uint Port) TargetOf(FlowSummary flow) =>
        (flow.Direction == Direction.Inbound ? flow.LocalAddress : flow.RemoteAddress, flow.Protocol, flow.Port);

    private static int Targets(IEnumerable<FlowSummary> flows) => flows.Select(TargetOf).Distinct().Count();

    private static ScanSummary Sum((Direction Direction, ByteString Source, uint Process) source, List<FlowSummary> flows)
    {
        var ordered = flows.OrderBy(flow => flow.FirstMs).ToList();
        var scan = new ScanSummary
        {
            Direction = source.Direction,
            Source = source.Source,
            Process = source.Process,
            Targets = (ulong)Targets(ordered),
            Addresses = (ulong)ordered.Select(flow => TargetOf(flow).Address).Distinct().Count(),
            FirstPort = ordered.Min(flow => flow.Port),
            LastPort = ordered.Max(flow => flow.Port),
            FirstMs = ordered[0].FirstMs,
            LastMs = ordered.Max(flow => flow.LastMs),
        };
        foreach (var flow in ordered)
        {
            scan.Connections += flow.Connections;
            scan.Blocked += flow.Outcome == Outcome.Blocked ? flow.Connections : 0;
            scan.Packets += flow.PacketsIn + flow.PacketsOut;
            scan.Bytes += flow.BytesIn + flow.BytesOut;
        }

        // Spread over the whole of it, the first and the last among them.
        var samples = Math.Min(MostSamples, ordered.Count);
        for (var i = 0; i < samples; i++)
        {
            scan.Samples.Add(ordered[i * (ordered.Count - 1) / Math.Max(1, samples - 1)]);
        }

        return scan;
    }
}
