namespace Bulkhead.Agent.Telemetry;

/// <summary>
/// Cuts time into windows that end at multiples of their length, counted from when the clock was made; the length may change at any time. Lengths
/// are monotonic; only a window's start is by the wall clock.
/// </summary>
internal sealed class WindowClock
{
    private readonly TimeProvider _time;
    private readonly Func<TimeSpan> _length;
    private readonly long _origin;
    private long _began;

    /// <summary>Begins the first window.</summary>
    public WindowClock(TimeProvider time, Func<TimeSpan> length)
    {
        (_time, _length) = (time, length);
        _origin = _began = time.GetTimestamp();
        StartUnixMs = time.GetUtcNow().ToUnixTimeMilliseconds();
    }

    /// <summary>When the window began.</summary>
    public long StartUnixMs { get; private set; }

    /// <summary>How far into the window it is.</summary>
    public long OffsetMs => (long)_time.GetElapsedTime(_began).TotalMilliseconds;

    /// <summary>How long the window still lasts; not above zero when it is over.</summary>
    public TimeSpan Left
    {
        get
        {
            var length = _length();
            return (length * ((_time.GetElapsedTime(_origin, _began).Ticks / length.Ticks) + 1)) - _time.GetElapsedTime(_origin);
        }
    }

    /// <summary>Begins the next window; a window that was slept through is skipped.</summary>
    public void Next()
    {
        _began = _time.GetTimestamp();
        StartUnixMs = _time.GetUtcNow().ToUnixTimeMilliseconds();
    }
}
