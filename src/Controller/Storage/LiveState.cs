namespace Bulkhead.Controller.Storage;

/// <summary>
/// The one reference to the current <see cref="LiveSnapshot"/>. Reading never waits; <see cref="Changed"/> is raised in commit order, by the writer,
/// before it answers, so its handlers must be quick. What it tells of is committed: a handler that fails is logged, and undoes nothing.
/// </summary>
public sealed class LiveState(ILogger<LiveState> logger)
{
    private volatile LiveSnapshot? _current;

    /// <summary>Raised with the snapshot before and the one now.</summary>
    public event Action<LiveSnapshot, LiveSnapshot>? Changed;

    /// <summary>The current snapshot.</summary>
    /// <exception cref="InvalidOperationException">The store has not been opened.</exception>
    public LiveSnapshot Current => _current ?? throw new InvalidOperationException("The store is not open yet.");

    internal void Start(LiveSnapshot snapshot) => _current = snapshot;

    internal void Publish(LiveSnapshot snapshot)
    {
        var before = Current;
        _current = snapshot;
        foreach (var told in Delegate.EnumerateInvocationList(Changed))
        {
            try
            {
                told(before, snapshot);
            }
            catch (Exception problem)
            {
                Log.FollowerFailed(logger, problem, told.Method.DeclaringType?.FullName ?? told.Method.Name);
            }
        }
    }
}
