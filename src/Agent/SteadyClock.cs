namespace Bulkhead.Agent;

/// <summary>A clock that nobody sets: it begins at the wall clock's time and goes on by what has elapsed since.</summary>
internal sealed class SteadyClock(TimeProvider time)
{
    private readonly DateTimeOffset _began = time.GetUtcNow();
    private readonly long _origin = time.GetTimestamp();

    /// <summary>The time; only differences between two of the same clock mean anything.</summary>
    public DateTimeOffset Now => _began + time.GetElapsedTime(_origin);
}
