using Bulkhead.Controller.Storage.Rows;

namespace Bulkhead.Controller.Agents;

/// <summary>
/// Which of the other controllers on the store are alive: those whose row changes. Clocks of machines are never compared; how long a row has stood
/// still is measured by this machine's own.
/// </summary>
public sealed class OtherControllers(Guid self, TimeProvider time)
{
    private static readonly TimeSpan s_beat = TimeSpan.FromSeconds(2);
    private readonly Dictionary<Guid, (DateTimeOffset LastSeen, long Since)> _heard = [];
    private long? _beat;

    /// <summary>After how long without a sign of life a controller is taken for dead.</summary>
    public static TimeSpan Silence { get; } = TimeSpan.FromSeconds(15);

    /// <summary>Whether it is time to give a sign of life.</summary>
    public bool BeatIsDue()
    {
        if (_beat is { } last && time.GetElapsedTime(last) < s_beat)
        {
            return false;
        }

        _beat = time.GetTimestamp();
        return true;
    }

    /// <summary>Takes in all rows.</summary>
    /// <returns>The controllers that are dead, or are no longer there.</returns>
    public IReadOnlyList<Guid> Gone(IReadOnlyCollection<ControllerRow> rows)
    {
        foreach (var row in rows.Where(row => row.Id != self))
        {
            if (!_heard.TryGetValue(row.Id, out var heard) || heard.LastSeen != row.LastSeen)
            {
                _heard[row.Id] = (row.LastSeen, time.GetTimestamp());
            }
        }

        var known = rows.Select(row => row.Id).ToHashSet();
        return [.. _heard.Where(pair => !known.Contains(pair.Key) || time.GetElapsedTime(pair.Value.Since) >= Silence).Select(pair => pair.Key)];
    }
}
