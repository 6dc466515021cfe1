using System.Diagnostics;
using Bulkhead.Policy.Rules;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Telemetry;

/// <summary>
/// Reads the kernel's events and lists of connections into a window, and makes up for events that were lost. For one thread, and one <see cref="EventSource"/>.
/// </summary>
/// <param name="source">The kernel's side.</param>
/// <param name="connections">Gets connections.</param>
/// <param name="resolver">Says which flow a blocked packet belongs to.</param>
/// <param name="owners">Read before connections are; null where the kernel does not take our programs.</param>
/// <param name="strays">Looks whether a blocked packet shows that connections were deleted.</param>
/// <param name="missed">Hears of each blocked packet.</param>
/// <param name="window">Where sums go.</param>
/// <param name="tally">Counts what is read and lost.</param>
/// <param name="clock">Says when in the window something was.</param>
/// <param name="own">The netlink port of the agent's own changes to conntrack.</param>
/// <param name="gap">When answers may be taken for first packets.</param>
/// <param name="connectionsLost">Called when somebody else deleted connections.</param>
/// <param name="blocked">Gets each blocked packet, with its flow.</param>
/// <param name="log">Told of losses.</param>
internal sealed class EventReader(
    EventSource source, ConnectionTable connections, FlowResolver resolver, OwnerFeed? owners, StrayPackets strays, MissedBlocks missed, FlowWindow window, EventTally tally,
    WindowClock clock, uint own, TrackingGap gap, System.Action connectionsLost, Action<BlockedPacket, FlowKey?> blocked, ILogger log)
{
    private const int MostDumpsAfterLoss = 3;

    // What the kernel keeps for us is read within it, on any machine that an agent runs on; without it, whoever asks to stop would not be heard.
    private static readonly TimeSpan _longestMend = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _betweenDumps = TimeSpan.FromSeconds(1);

    private readonly SequenceGap _sequence = new();
    private bool _isReadOut = true;
    private bool _isLosing;
    private bool _isGone;
    private int _dumps;
    private long? _dumpedAt;
    private uint _droppedThen = source.Dropped;

    /// <summary>How long connections' events are read at once, unless it is said otherwise.</summary>
    public static TimeSpan StandardDrain => TimeSpan.FromMilliseconds(200);

    /// <summary>How long connections' events are read at once; what is left then is read the next time.</summary>
    public TimeSpan Longest { get; init; } = StandardDrain;

    /// <summary>Reads what there is, but not for long: however much comes, windows end, and whoever asks to stop is heard.</summary>
    public void Drain()
    {
        if (_isReadOut)
        {
            connections.NextBatch();
        }

        owners?.Read(_isReadOut);
        _isReadOut = ReadConnections(Longest);
        if (_isLosing)
        {
            Resynchronise(isLast: false);
        }

        var began = Stopwatch.GetTimestamp();
        while (source.ReadBlocked(Block) != Reading.Done && Stopwatch.GetElapsedTime(began) < Longest)
        {
        }

        if (_isGone)
        {
            _isGone = false;
            connectionsLost();
        }
    }

    /// <summary>Reads what there is at the end of a window, and looks whether the kernel dropped events without saying so: it says so once, until all that it kept is read.</summary>
    /// <param name="isLast">Whether all of it is to be read and a loss made up for now, since nothing will be read after.</param>
    public void DrainAll(bool isLast)
    {
        if (source.Dropped != _droppedThen)
        {
            BeginLoss();
        }

        Drain();
        if (isLast)
        {
            _isReadOut = _isReadOut || ReadConnections(_longestMend);
            if (_isLosing)
            {
                Resynchronise(isLast);
            }
        }
    }

    /// <summary>Lists connections.</summary>
    public void Dump(DumpKind kind)
    {
        var at = clock.OffsetMs;
        if (kind != DumpKind.AfterLoss)
        {
            connections.SettleAll();
        }

        connections.BeginDump();
        if (kind == DumpKind.Named)
        {
            source.Ask(connections.Names(), Present);
        }
        else
        {
            source.Dump(Present);
        }

        if (kind != DumpKind.AfterLoss)
        {
            connections.EndDump(complete: false);
        }

        void Present(ConntrackRecord record) => connections.Present(record with { MayBeAnswer = gap.IsOpen }, kind != DumpKind.First, at);
    }

    /// <summary>Reads connections' events; whether all that there were.</summary>
    private bool ReadConnections(TimeSpan longest)
    {
        var began = Stopwatch.GetTimestamp();
        var at = clock.OffsetMs;
        do
        {
            switch (source.ReadConnections(Observe))
            {
                case Reading.Done:
                    return true;
                case Reading.Overrun:
                    BeginLoss();
                    break;
            }
        }
        while (Stopwatch.GetElapsedTime(began) < longest);
        return false;

        void Observe(ConntrackRecord record)
        {
            tally.Hear();
            if (record.RequestedBy != 0)
            {
                gap.Begin();
                _isGone |= record.RequestedBy != own;
            }

            record = record with { MayBeAnswer = gap.IsOpen };
            if (!connections.Observe(record, at) && source.Dropped != _droppedThen)
            {
                // The kernel said so when a loss began, and that one's account is closed: another has begun without a word.
                BeginLoss();
                _ = connections.Observe(record, at);
            }
        }
    }

    private void BeginLoss()
    {
        // Deletions may be among what was lost.
        (_isLosing, _isGone) = (true, true);
        connections.BeginLoss();
    }

    /// <summary>
    /// Events were lost. The kernel counts them: each was the making or the end of a connection. Those of connections that are still there, or whose
    /// other event came, are made up for by a dump; of the rest nothing is known but how many there were, two events each. All that was not lost is to be read for that, before the
    /// dump, since the kernel drops whatever comes until then, and after it; where that takes too long, it goes on with the next reading.
    /// </summary>
    private void Resynchronise(bool isLast)
    {
        while (_isReadOut || (_isReadOut = ReadConnections(_longestMend)))
        {
            if (!isLast && _dumpedAt is { } before && Stopwatch.GetElapsedTime(before) < _betweenDumps)
            {
                return;
            }

            var dropped = source.Dropped;
            Dump(DumpKind.AfterLoss);
            _dumpedAt = Stopwatch.GetTimestamp();
            _dumps++;
            _isReadOut = ReadConnections(_longestMend);
            if (_isReadOut && (source.Dropped == dropped || _dumps >= MostDumpsAfterLoss))
            {
                EndLoss();
                return;
            }
        }
    }

    private void EndLoss()
    {
        (_isLosing, _dumps) = (false, 0);
        var (begun, ended) = connections.EndLoss();
        var now = source.Dropped;
        var dropped = (ulong)unchecked(now - _droppedThen);
        _droppedThen = now;
        var unseen = (dropped - Math.Min(dropped, begun + ended) + 1) / 2;
        tally.CountLost(window, unseen);
        log.EventsLost(dropped, unseen, ended);
    }

    private void Block(BlockedPacket packet)
    {
        tally.Hear();
        var gap = _sequence.Before(packet.Sequence);
        tally.CountLost(window, gap);
        missed.Hear(1UL + gap);
        _isGone = _isGone || strays.ShowLoss(packet);
        var flow = resolver.KeyOf(packet);
        blocked(packet, flow);
        if (flow is { } key)
        {
            var one = new Traffic(1, packet.Length, 0, 0);
            window.Block(key, packet.SourcePort, key.Direction == Direction.Outbound ? one : one.Reverse(), clock.OffsetMs);
        }
    }
}
