using Bulkhead.Agent.Linux.Firewall;

namespace Bulkhead.Agent.Telemetry;

/// <summary>
/// Tells how many blocked packets the table counted and the agent never heard of, because reports of them are limited in rate. Each window the counters are
/// read first and then the reports that have come, so that what is counted has been reported by then, if at all; what was reported already and is
/// counted later is made up for in the next window.
/// </summary>
internal sealed class MissedBlocks
{
    private IReadOnlyDictionary<ReportingRule, ulong> _before;
    private ulong _heard;
    private long _unheard;

    /// <summary>Begins; what was counted before is not missed.</summary>
    /// <param name="counted">What the counters say, or null if they cannot be read.</param>
    public MissedBlocks(IReadOnlyDictionary<ReportingRule, ulong>? counted) => _before = counted ?? new Dictionary<ReportingRule, ulong>();

    /// <summary>Whether the counters are worth reading: of a flood some packets are reported, so that where none was, none was blocked.</summary>
    public bool IsDue => _heard > 0 || _unheard != 0;

    /// <summary>Packets were reported, or are known to be lost in another way.</summary>
    public void Hear(ulong packets) => _heard += packets;

    /// <summary>Takes what the counters say; null changes nothing. A counter that went back has begun anew, with its rule or its table.</summary>
    public void Count(IReadOnlyDictionary<ReportingRule, ulong>? counted)
    {
        if (counted is null)
        {
            return;
        }

        foreach (var (rule, packets) in counted)
        {
            var before = _before.GetValueOrDefault(rule);
            _unheard += (long)(packets >= before ? packets - before : packets);
        }

        _before = counted;
    }

    /// <summary>Packets that were counted and not heard of, at least; each is told once. For after the reports that came before <see cref="Count"/> were read.</summary>
    public ulong Take()
    {
        // What was reported and is not counted a window later comes from rules that are gone.
        var isOver = _heard == 0;
        _unheard -= (long)_heard;
        _heard = 0;
        if (_unheard <= 0)
        {
            _unheard = isOver ? 0 : _unheard;
            return 0;
        }

        var missed = (ulong)_unheard;
        _unheard = 0;
        return missed;
    }
}
