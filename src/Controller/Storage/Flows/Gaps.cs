namespace Bulkhead.Controller.Storage.Flows;

/// <summary>What agents count of what they could not tell, or not in full.</summary>
/// <param name="Lost">Connections and blocked packets of which nothing is known.</param>
/// <param name="Incomplete">Connections that are known, but not with all of their traffic.</param>
/// <param name="Unnamed">How many at most lack their process because what tells it was lost.</param>
public readonly record struct Gaps(long Lost, long Incomplete, long Unnamed)
{
    /// <summary>No count is above this, whatever agents say.</summary>
    public const long Most = 1L << 50;

    /// <summary>Whether nothing is missing.</summary>
    public bool IsNone => this == default;

    /// <summary>Those of both.</summary>
    public Gaps Plus(in Gaps other) => new(Sum(Lost, other.Lost), Sum(Incomplete, other.Incomplete), Sum(Unnamed, other.Unnamed));

    private static long Sum(long one, long other) => Math.Min(Most, one + other);
}

/// <summary>The gaps of one agent in one hour.</summary>
/// <param name="Agent">The workload.</param>
/// <param name="Hour">Its start; Unix milliseconds.</param>
/// <param name="Gaps">What is missing.</param>
internal readonly record struct HourOfGaps(Guid Agent, long Hour, Gaps Gaps);

/// <summary>Gaps by agent and hour, in memory. Not thread-safe.</summary>
internal sealed class GapLog
{
    private readonly Dictionary<(Guid Agent, long Hour), Gaps> _hours = [];

    /// <summary>Adds to what is known of an hour.</summary>
    public void Add(in HourOfGaps hour) => _hours[(hour.Agent, hour.Hour)] = _hours.GetValueOrDefault((hour.Agent, hour.Hour)).Plus(hour.Gaps);

    /// <summary>Those of the hours that overlap a time (Unix milliseconds), by agent.</summary>
    public IReadOnlyDictionary<Guid, Gaps> Between(long since, long until) => _hours
        .Where(entry => entry.Key.Hour < until && entry.Key.Hour + FlowTimeline.Hour > since)
        .GroupBy(entry => entry.Key.Agent, entry => entry.Value)
        .ToDictionary(group => group.Key, group => group.Aggregate((sum, gaps) => sum.Plus(gaps)));

    /// <summary>Forgets hours that began before.</summary>
    public void Drop(long before)
    {
        foreach (var key in _hours.Keys.Where(key => key.Hour < before).ToList())
        {
            _hours.Remove(key);
        }
    }
}
