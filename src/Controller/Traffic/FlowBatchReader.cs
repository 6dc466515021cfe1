using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Services;

namespace Bulkhead.Controller.Traffic;

/// <summary>Checks what an agent sends before it is stored. A batch is taken whole or not at all; only sightings at addresses that are not the agent's are left out, and counted.</summary>
public static class FlowBatchReader
{
    /// <summary>The most bytes of a batch.</summary>
    public const int MaxBytes = 8 * 1024 * 1024;

    /// <summary>The most flows of a batch.</summary>
    public const int MaxFlows = 50_000;

    /// <summary>The most processes of a batch.</summary>
    public const int MaxProcesses = MaxFlows;

    /// <summary>The longest path of an executable, in characters: Linux' PATH_MAX, and what the kernel appends to a deleted one.</summary>
    public const int MaxPath = 4096 + 10;

    /// <summary>The longest other name, in characters.</summary>
    public const int MaxName = 256;

    /// <summary>The longest name of an address, in characters: that of the domain name system.</summary>
    public const int MaxAddressName = 253;

    /// <summary>The most scans of a batch.</summary>
    public const int MaxScans = 500;

    /// <summary>The most samples of a scan.</summary>
    public const int MaxSamples = 32;

    /// <summary>The longest window, in milliseconds.</summary>
    public const uint MaxWindow = 3_600_000;

    /// <summary>The most of anything that is counted in a window.</summary>
    public const ulong MaxCount = 1UL << 50;

    /// <summary>Reads a batch.</summary>
    /// <param name="batch">As sent.</param>
    /// <param name="agent">Whose it is.</param>
    /// <param name="received">When, by the controller's clock.</param>
    /// <param name="oldest">Windows from before are not stored, and count as lost.</param>
    /// <param name="fault">What is wrong with it; null if nothing is.</param>
    /// <returns>Null if something is wrong.</returns>
    public static SightingBatch? Read(FlowBatch batch, Workload agent, DateTimeOffset received, DateTimeOffset oldest, out string? fault)
    {
        fault = FaultOf(batch);
        if (fault is not null)
        {
            return null;
        }

        // The agent's clock may be wrong, but the time between two of its readings is right, unless it was set in between: what nobody sets goes
        // before it. No window is over before it ends, though.
        var age = batch.AgeMs > 0 ? (long)batch.AgeMs : batch.SentUnixMs - batch.WindowUnixMs;
        var start = received.ToUnixTimeMilliseconds() - Math.Max(age, batch.WindowMs);
        // What was lost with batches that were dropped is among the events.
        var gaps = new Gaps(Counted(batch.LostEvents), Counted(batch.IncompleteConnections), Counted(batch.UnnamedConnections));
        var lost = 0L;
        var sightings = new List<Sighting>(batch.Flows.Count);
        var scans = new List<ScanSighting>();
        if (start < oldest.ToUnixTimeMilliseconds())
        {
            lost = batch.Flows.Sum(Held) + batch.Scans.Sum(Held);
            gaps = gaps with { Incomplete = 0, Unnamed = 0 };
        }
        else
        {
            var processes = batch.Processes.Select(process => new SeenProcess(process.Path, process.Name, process.Unit, process.User) { Owner = process.Owner, Container = process.Container }).ToArray();
            scans.AddRange(batch.Scans.Where(scan => IsOf(scan, agent)).Select(scan => ScanReader.ToSighting(scan, batch, agent, start)));
            lost += batch.Scans.Where(scan => !IsOf(scan, agent)).Sum(Held);
            foreach (var (flow, ofScan) in batch.Flows.Select(flow => (flow, false)).Concat(batch.Scans.SelectMany(scan => scan.Samples).Select(flow => (flow, true))))
            {
                var local = AddressOf(flow.LocalAddress.Span);
                if (local.IsLoopback)
                {
                    continue;
                }

                if (IsOwn(agent, local))
                {
                    sightings.Add(ToSighting(flow, local, processes, start) with { OfScan = ofScan });
                }
                else
                {
                    lost += Held(flow);
                }
            }
        }

        return new(agent.Id.Value, agent.Space, batch.SpoolEpoch, batch.Sequence, start, gaps.Plus(new(lost, 0, 0)), sightings)
        {
            Scans = scans,
            Names = [.. batch.Names.Select(name => new SeenAddressName(AddressOf(name.Address.Span), name.Name))],
        };
    }

    private static long Counted(ulong count) => (long)Math.Min(MaxCount, count);

    private static long Held(FlowSummary flow) => Math.Max(1, (long)flow.Connections);

    private static long Held(ScanSummary scan) => (long)Math.Clamp(scan.Connections, 1, MaxCount);

    private static string? FaultOf(FlowBatch batch)
    {
        var fault =
            batch.SpoolEpoch == 0 || batch.Sequence == 0 ? "spool_epoch and sequence start at 1"
            : batch.WindowMs is 0 or > MaxWindow ? $"window_ms is not from 1 to {MaxWindow}"
            : batch.AgeMs > MaxCount ? "age_ms is absurd"
            : batch.WindowUnixMs <= 0 || batch.SentUnixMs <= 0 ? "window_unix_ms and sent_unix_ms are not times"
            : batch.Flows.Count > MaxFlows ? $"more than {MaxFlows} flows"
            : batch.Names.Count > MaxFlows || batch.Scans.Count > MaxScans ? $"more than {MaxFlows} names or {MaxScans} scans"
            : batch.Processes.Count > MaxProcesses ? $"more than {MaxProcesses} processes"
            : null;
        for (var i = 0; fault is null && i < batch.Processes.Count; i++)
        {
            fault = FaultOf(batch.Processes[i]) is { } what ? $"processes[{i}]: {what}" : null;
        }

        for (var i = 0; fault is null && i < batch.Flows.Count; i++)
        {
            fault = FaultOf(batch.Flows[i], batch) is { } what ? $"flows[{i}]: {what}" : null;
        }

        for (var i = 0; fault is null && i < batch.Names.Count; i++)
        {
            fault = FaultOf(batch.Names[i]) is { } what ? $"names[{i}]: {what}" : null;
        }

        for (var i = 0; fault is null && i < batch.Scans.Count; i++)
        {
            fault = (ScanReader.FaultOf(batch.Scans[i], batch) ?? batch.Scans[i].Samples.Select(flow => FaultOf(flow, batch)).FirstOrDefault(what => what is not null)) is { } what
                ? $"scans[{i}]: {what}"
                : null;
        }

        return fault;
    }

    private static string? FaultOf(AddressName name) =>
        !IpAddress.TryRead(name.Address.Span, out _) ? "an address has neither 4 nor 16 bytes"
        : name.Name.Length is 0 or > MaxAddressName || name.Name.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)) ? "the name is none"
        : null;

    private static bool IsOf(ScanSummary scan, Workload agent) => scan.Direction == Direction.Inbound || IsOwn(agent, AddressOf(scan.Source.Span));

    private static string? FaultOf(ProcessInfo process) =>
        process.Path.Length > MaxPath ? $"the path has more than {MaxPath} characters"
        : process.Name.Length > MaxName || process.Unit.Length > MaxName || process.User.Length > MaxName || process.Owner.Length > MaxName || process.Container.Length > MaxName ? $"a name has more than {MaxName} characters"
        : null;

    private static string? FaultOf(FlowSummary flow, FlowBatch batch) =>
        flow.Direction is not (Direction.Inbound or Direction.Outbound) ? "no direction"
        : flow.Outcome is not (Outcome.Passed or Outcome.Blocked) ? "no outcome"
        : !IpAddress.TryRead(flow.LocalAddress.Span, out var local) || !IpAddress.TryRead(flow.RemoteAddress.Span, out var remote) ? "an address has neither 4 nor 16 bytes"
        : local.IsV6 != remote.IsV6 ? "the addresses are of two families"
        : flow.Protocol is 0 or > byte.MaxValue ? "protocol is not from 1 to 255"
        : flow.Port > ushort.MaxValue || (IpProtocol.IsIcmp((byte)flow.Protocol) && flow.Port > byte.MaxValue) ? "port is out of range"
        : flow.Process > batch.Processes.Count ? "process is beyond the list"
        : flow.DecidedBy < BlockedBy.Invalid ? "decided_by is unknown"
        : flow.FirstMs < 0 || flow.LastMs < flow.FirstMs || flow.LastMs > batch.WindowMs ? "first_ms and last_ms are not within the window"
        : Math.Max(flow.Connections, flow.Open) > uint.MaxValue >> 1 || flow.BytesIn > MaxCount || flow.BytesOut > MaxCount || flow.PacketsIn > MaxCount || flow.PacketsOut > MaxCount
            ? "a count is absurd"
        : null;

    private static IpAddress AddressOf(ReadOnlySpan<byte> bytes) => IpAddress.TryRead(bytes, out var address) ? address : default;

    // Link-local addresses are in no inventory, and what is sent to a group of hosts arrives at the group's address.
    private static bool IsOwn(Workload agent, IpAddress local) =>
        FlowEndpoint.IsNoiseAddress(local) || agent.Addresses.Contains(new ScopedAddress(agent.Space, local));

    private static Sighting ToSighting(FlowSummary flow, IpAddress local, SeenProcess[] processes, long start)
    {
        var remote = AddressOf(flow.RemoteAddress.Span);
        var outbound = flow.Direction == Direction.Outbound;
        return new()
        {
            Source = outbound ? local : remote,
            Destination = outbound ? remote : local,
            Protocol = (byte)flow.Protocol,
            Port = (ushort)flow.Port,
            Side = outbound ? FlowSide.Source : FlowSide.Destination,
            Process = flow.Process == 0 ? null : processes[flow.Process - 1],
            Blocked = flow.Outcome == Outcome.Blocked,
            DecidedBy = flow.DecidedBy,
            First = start + flow.FirstMs,
            Last = start + flow.LastMs,
            Connections = (long)flow.Connections,
            BytesOut = (long)flow.BytesOut,
            BytesIn = (long)flow.BytesIn,
            PacketsOut = (long)flow.PacketsOut,
            PacketsIn = (long)flow.PacketsIn,
            Open = (int)flow.Open,
        };
    }
}
