using Bulkhead.Bench.Harness;

namespace Bulkhead.Bench.Enforce;

/// <summary>Waits for what other threads will find out.</summary>
internal static class EveryHost
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>Looks once a millisecond until every host has a value.</summary>
    /// <exception cref="BenchException">One has none in time.</exception>
    public static async Task<IReadOnlyList<T>> FindAsync<THost, T>(IReadOnlyList<THost> hosts, Func<THost, T?> value, string what, CancellationToken cancel)
        where T : struct
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var found = hosts.Select(value).OfType<T>().ToList();
            if (found.Count == hosts.Count)
            {
                return found;
            }

            if (TimeProvider.System.GetElapsedTime(start) > Limit)
            {
                throw new BenchException($"after {Limit.TotalSeconds:0} s {what} at {found.Count} of {hosts.Count} hosts only");
            }

            await Task.Delay(1, cancel);
        }
    }
}
