using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Live;

/// <summary>
/// How long windows are: ten seconds, or one while somebody watches, unless the agent takes more than its share of the processor; then they
/// get longer step by step, then names from DNS are done without, and at last the kernel's events are read only as often as the share allows. Thread-safe.
/// </summary>
/// <param name="share">The share of one core that the agent may take.</param>
/// <param name="used">Processor time that the agent has taken.</param>
/// <param name="changed">Called when <see cref="Length"/> or <see cref="Degraded"/> may have changed.</param>
/// <param name="time">The clock.</param>
internal sealed class WindowPace(double share, Func<TimeSpan> used, System.Action changed, TimeProvider time)
{
    /// <summary>The share of one core, in percent, unless it is said otherwise.</summary>
    public const int StandardPercent = 10;

    private const int CalmMeasures = 5;
    private static readonly TimeSpan _measureEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _longestRest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan[] _steps = [Live, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5), Usual];

    private readonly Lock _gate = new();
    private long _measuredAt = time.GetTimestamp();
    private TimeSpan _usedThen = used();
    private long _watchedFrom;
    private TimeSpan _watchedFor;
    private int _followers;
    private int _step;
    private int _calm;
    private bool _tight;
    private bool _held;
    private string? _refused;

    /// <summary>A window's length while nobody watches.</summary>
    public static TimeSpan Usual => TimeSpan.FromSeconds(10);

    /// <summary>A window's length while somebody watches.</summary>
    public static TimeSpan Live => TimeSpan.FromSeconds(1);

    /// <summary>How long windows would be if the budget allowed.</summary>
    public TimeSpan Wanted => IsWatched ? Live : Usual;

    /// <summary>How long windows are.</summary>
    public TimeSpan Length => IsWatched ? _steps[Volatile.Read(ref _step)] : Usual;

    /// <summary>Whether the budget allows names from DNS.</summary>
    public bool MayName => !Volatile.Read(ref _tight);

    /// <summary>What is done without, in words; null if nothing is.</summary>
    public string? Degraded
    {
        get
        {
            var length = Length;
            var longer = length > Wanted ? $"windows of {length.TotalSeconds:0} s in place of {Wanted.TotalSeconds:0} s" : null;
            var without = new[] { longer, MayName ? null : "no names from DNS", Volatile.Read(ref _held) ? "not every event read, but those that are not counted" : null }.OfType<string>().ToList();
            var tight = without.Count == 0 ? null : $"{string.Join(", and ", without)}, to stay within {share * 100:0} % of a core";
            return NamesRefused is { } refused ? string.Join("; ", new[] { tight, $"no names from DNS: {refused}" }.OfType<string>()) : tight;
        }
    }

    /// <summary>Why names from DNS cannot be learnt at all; null if they can.</summary>
    public string? NamesRefused
    {
        get => Volatile.Read(ref _refused);
        set
        {
            if (Interlocked.Exchange(ref _refused, value) != value)
            {
                changed();
            }
        }
    }

    private bool IsWatched
    {
        get
        {
            lock (_gate)
            {
                return _followers > 0 || time.GetElapsedTime(_watchedFrom) < _watchedFor;
            }
        }
    }

    /// <summary>How long to rest after having worked for some time, so as not to take more than the share; zero while doing with less was enough.</summary>
    public TimeSpan RestAfter(TimeSpan worked)
    {
        var rest = Volatile.Read(ref _held) ? worked * (Math.Max(0, 1 - share) / share) : TimeSpan.Zero;
        return rest < _longestRest ? rest : _longestRest;
    }

    /// <summary>The wire form.</summary>
    /// <param name="lost">Events lost since the agent started.</param>
    public TelemetryState ToWire(ulong lost) => new()
    {
        WindowMs = (uint)Length.TotalMilliseconds,
        WantedWindowMs = (uint)Wanted.TotalMilliseconds,
        Degraded = Degraded ?? "",
        LostEvents = lost,
    };

    /// <summary>Somebody at the controller watches for so long from now on; zero or less ends it.</summary>
    public void Watch(TimeSpan length)
    {
        var before = Length;
        lock (_gate)
        {
            (_watchedFrom, _watchedFor) = (time.GetTimestamp(), length);
        }

        TellFrom(before);
    }

    /// <summary>Somebody on the host watches until it is disposed of.</summary>
    public IDisposable Follow()
    {
        Count(1);
        return new Following(() => Count(-1));
    }

    /// <summary>Looks at what was used; to be called after each window.</summary>
    public void Measure()
    {
        var (now, total) = (time.GetTimestamp(), used());
        var elapsed = time.GetElapsedTime(_measuredAt, now);
        if (elapsed < _measureEvery)
        {
            return;
        }

        var load = (total - _usedThen) / elapsed;
        (_measuredAt, _usedThen) = (now, total);
        var before = (Length, _tight, _held);
        lock (_gate)
        {
            Adapt(load);
        }

        if (before != (Length, _tight, _held))
        {
            changed();
        }
    }

    private void Adapt(double load)
    {
        if (load > share)
        {
            _calm = 0;
            var last = _steps.Length - 1;
            _held = _tight;
            // While nobody watches there are no shorter windows to do without.
            _tight = _step == last || !(_followers > 0 || time.GetElapsedTime(_watchedFrom) < _watchedFor);
            _step = Math.Min(_step + 1, last);
        }
        else if (load > share / 2)
        {
            _calm = 0;
        }
        else if (++_calm >= CalmMeasures)
        {
            _calm = 0;
            _step = _tight ? _step : Math.Max(_step - 1, 0);
            (_tight, _held) = (_held, false);
        }
    }

    private void Count(int change)
    {
        var before = Length;
        lock (_gate)
        {
            _followers += change;
        }

        TellFrom(before);
    }

    private void TellFrom(TimeSpan before)
    {
        if (Length != before)
        {
            changed();
        }
    }

    private sealed class Following(System.Action end) : IDisposable
    {
        private System.Action? _end = end;

        public void Dispose() => Interlocked.Exchange(ref _end, null)?.Invoke();
    }
}
