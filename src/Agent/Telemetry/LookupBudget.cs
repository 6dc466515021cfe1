namespace Bulkhead.Agent.Telemetry;

/// <summary>
/// Bounds what naming processes may cost: a share of one core, saved up for bursts. Beyond it only the first connection of each edge in a
/// window is looked up, so that in a storm of one kind of connection others still get their names; on credit, which is bounded as well.
/// </summary>
internal sealed class LookupBudget(TimeProvider time)
{
    private const double Share = 0.01;
    private const int MostFirstLooks = 1000;
    private static readonly TimeSpan _most = TimeSpan.FromMilliseconds(200);

    private readonly HashSet<FlowKey> _looked = [];
    private TimeSpan _left = _most;
    private long _at = time.GetTimestamp();

    /// <summary>Runs a look-up if there is budget for it.</summary>
    /// <param name="edge">What is looked up, without its process.</param>
    /// <param name="lookup">Returns null if nothing was found.</param>
    public T? Spend<T>(in FlowKey edge, Func<T?> lookup)
        where T : class
    {
        var began = time.GetTimestamp();
        var earned = _left + (time.GetElapsedTime(_at, began) * Share);
        _left = earned < _most ? earned : _most;
        _at = began;
        var first = _looked.Count < MostFirstLooks && _looked.Add(edge);
        if (_left <= (first ? -_most : TimeSpan.Zero))
        {
            return null;
        }

        var found = lookup();
        _left -= time.GetElapsedTime(began);
        return found;
    }

    /// <summary>Forgets which edges were looked up; at the end of a window.</summary>
    public void NextWindow() => _looked.Clear();
}
