using System.Collections.Immutable;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Controller.Live;

/// <summary>What changed, as <see cref="LiveEvent.Kind"/> names it.</summary>
[Flags]
public enum LiveKinds
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Flows were stored.</summary>
    Flows = 1,

    /// <summary>A workload, or the state of an agent.</summary>
    Workloads = 2,

    /// <summary>The draft policy.</summary>
    Draft = 4,

    /// <summary>A revision was provisioned.</summary>
    Revision = 8,

    /// <summary>A host acknowledged, or failed to apply, its policy.</summary>
    Rollout = 16,
}

/// <summary>
/// Tells watchers that something changed. A watcher holds only the set of kinds that it has not yet been told of, so that a slow one costs
/// nothing and harms nobody. Thread-safe.
/// </summary>
public sealed class LiveFeed(TimeProvider time)
{
    /// <summary>The most watchers at a time.</summary>
    public const int MaxWatchers = 256;

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(250);
    private ImmutableArray<Watcher> _watchers = [];

    /// <summary>Notes a change; never blocks.</summary>
    public void Publish(LiveKinds kinds)
    {
        if (kinds == LiveKinds.None)
        {
            return;
        }

        foreach (var watcher in _watchers)
        {
            watcher.Add(kinds);
        }
    }

    /// <summary>Starts to watch; null if there are <see cref="MaxWatchers"/> already. Dispose it to stop.</summary>
    public Watcher? TryWatch()
    {
        var watcher = new Watcher(this);
        var added = ImmutableInterlocked.Update(ref _watchers, (list, item) => list.Length < MaxWatchers ? list.Add(item) : list, watcher);
        return added ? watcher : null;
    }

    /// <summary>One watcher's view of the feed.</summary>
    public sealed class Watcher : IDisposable
    {
        private readonly LiveFeed _feed;
        private readonly SemaphoreSlim _wake = new(0, 1);
        private readonly Lock _lock = new();
        private LiveKinds _pending;

        internal Watcher(LiveFeed feed) => _feed = feed;

        /// <summary>The changes from now on: at most four events a second of one kind, the first at once.</summary>
        public async IAsyncEnumerable<LiveEvent> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            while (true)
            {
                await _wake.WaitAsync(cancellation).ConfigureAwait(false);
                LiveKinds kinds;
                lock (_lock)
                {
                    (kinds, _pending) = (_pending, LiveKinds.None);
                }

                var now = _feed.Now;
                foreach (var kind in Enum.GetValues<LiveKinds>().Where(kind => kind != LiveKinds.None && kinds.HasFlag(kind)))
                {
                    yield return new LiveEvent(kind.ToString().ToLowerInvariant(), now);
                }

                await Task.Delay(s_pause, _feed.Clock, cancellation).ConfigureAwait(false);
            }
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            ImmutableInterlocked.Update(ref _feed._watchers, (list, item) => list.Remove(item), this);
            // Not disposed: a publisher may still hold this watcher, and without a wait handle the semaphore owns nothing.
        }

        internal void Add(LiveKinds kinds)
        {
            lock (_lock)
            {
                var idle = _pending == LiveKinds.None;
                _pending |= kinds;
                // Released and not yet awaited: it wakes all the same.
                if (idle && _wake.CurrentCount == 0)
                {
                    _wake.Release();
                }
            }
        }
    }

    private TimeProvider Clock => time;

    private DateTimeOffset Now => time.GetUtcNow();
}
