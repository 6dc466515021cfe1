namespace Bulkhead.Controller.Access;

/// <summary>
/// Counts attempts in windows of a minute that begin with the first of them. Memory is bounded: once <see cref="MaxTracked"/> windows are open the
/// oldest is forgotten, so that many sources at once lock nobody out. Thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
public sealed class AttemptWindows<TKey>(TimeProvider time)
    where TKey : notnull
{
    /// <summary>The most windows at a time.</summary>
    public const int MaxTracked = 10_000;

    /// <summary>How long a window lasts.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Dictionary<TKey, (int Attempts, DateTimeOffset Ends)> _windows = [];
    // Those same windows in the order in which they end, which is that of their beginning.
    private readonly Queue<(TKey Key, DateTimeOffset Ends)> _order = [];
    private readonly Lock _lock = new();

    /// <summary>How many windows are kept.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _windows.Count;
            }
        }
    }

    /// <summary>How long until another attempt may be made; zero if fewer than <paramref name="burst"/> were.</summary>
    public TimeSpan Wait(TKey key, int burst)
    {
        lock (_lock)
        {
            var now = Expire();
            return _windows.TryGetValue(key, out var window) && window.Attempts >= burst ? window.Ends - now : TimeSpan.Zero;
        }
    }

    /// <summary>Counts an attempt.</summary>
    public void Add(TKey key)
    {
        lock (_lock)
        {
            var now = Expire();
            if (_windows.TryGetValue(key, out var window))
            {
                _windows[key] = (window.Attempts + 1, window.Ends);
                return;
            }

            if (_windows.Count >= MaxTracked)
            {
                Forget();
            }

            _windows[key] = (1, now + Window);
            _order.Enqueue((key, now + Window));
        }
    }

    /// <summary>Takes attempts back.</summary>
    /// <returns>How many.</returns>
    public int Forgive(TKey key, int most)
    {
        lock (_lock)
        {
            if (!_windows.TryGetValue(key, out var window))
            {
                return 0;
            }

            var forgiven = Math.Min(window.Attempts, most);
            _windows[key] = (window.Attempts - forgiven, window.Ends);
            return forgiven;
        }
    }

    private DateTimeOffset Expire()
    {
        var now = time.GetUtcNow();
        while (_order.TryPeek(out var oldest) && oldest.Ends <= now)
        {
            Forget();
        }

        return now;
    }

    private void Forget() => _windows.Remove(_order.Dequeue().Key);
}
