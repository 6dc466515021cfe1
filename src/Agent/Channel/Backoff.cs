namespace Bulkhead.Agent.Channel;

/// <summary>How long to wait before trying again: 250 ms, doubling up to 30 s, each jittered by a quarter either way.</summary>
/// <param name="random">Gives a number from 0 to below 1.</param>
internal sealed class Backoff(Func<double> random)
{
    private static readonly TimeSpan _first = TimeSpan.FromMilliseconds(250);

    private int _failures;

    /// <summary>The longest wait, before jitter.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Counts a failure and says how long to wait after it.</summary>
    /// <param name="atLeast">What the controller asked for, or null.</param>
    public TimeSpan Next(TimeSpan? atLeast = null)
    {
        var wait = Math.Min(_first.TotalSeconds * Math.Pow(2, Math.Min(_failures++, 16)), Longest.TotalSeconds);
        wait = Math.Max(wait, Math.Min(atLeast?.TotalSeconds ?? 0, 10 * Longest.TotalSeconds));
        return TimeSpan.FromSeconds(wait * (0.75 + (random() / 2)));
    }

    /// <summary>Starts again with the shortest wait.</summary>
    public void Reset() => _failures = 0;
}
