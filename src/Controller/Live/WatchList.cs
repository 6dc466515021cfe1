using System.Collections.Immutable;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Controller.Live;

/// <summary>
/// Which workloads somebody watches at this moment, so that their agents report every second. It lasts as long as the watcher's stream of events.
/// Thread-safe.
/// </summary>
public sealed class WatchList
{
    /// <summary>The most workloads that one may watch: each reports ten times as often meanwhile.</summary>
    public const int MostWorkloads = 200;

    private ImmutableDictionary<WorkloadId, int> _watched = ImmutableDictionary<WorkloadId, int>.Empty;

    /// <summary>Is told of the workloads of which that has changed.</summary>
    public event Action<IReadOnlyCollection<WorkloadId>>? Changed;

    /// <summary>Whether somebody watches it.</summary>
    public bool IsWatched(WorkloadId workload) => _watched.ContainsKey(workload);

    /// <summary>Watches workloads until disposed of.</summary>
    public IDisposable Watch(IReadOnlyCollection<WorkloadId> workloads)
    {
        Count(workloads, 1);
        return new Watching(this, workloads);
    }

    private void Count(IReadOnlyCollection<WorkloadId> workloads, int change)
    {
        ImmutableInterlocked.Update(ref _watched, held =>
        {
            var counts = held.ToBuilder();
            foreach (var workload in workloads)
            {
                if ((counts[workload] = counts.GetValueOrDefault(workload) + change) == 0)
                {
                    counts.Remove(workload);
                }
            }

            return counts.ToImmutable();
        });
        Changed?.Invoke(workloads);
    }

    private sealed class Watching(WatchList list, IReadOnlyCollection<WorkloadId> workloads) : IDisposable
    {
        private int _ended;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                list.Count(workloads, -1);
            }
        }
    }
}
