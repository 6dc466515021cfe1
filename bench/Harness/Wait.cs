namespace Bulkhead.Bench.Harness;

/// <summary>Waits for what other threads will find out.</summary>
internal static class Wait
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>Looks once a millisecond until every part has a value.</summary>
    /// <exception cref="BenchException">One has none in time.</exception>
    public static async Task<IReadOnlyList<T>> ForAllAsync<TPart, T>(IReadOnlyList<TPart> parts, Func<TPart, T?> value, string what, CancellationToken cancel)
        where T : struct
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var found = parts.Select(value).OfType<T>().ToList();
            if (found.Count == parts.Count)
            {
                return found;
            }

            if (TimeProvider.System.GetElapsedTime(start) > Limit)
            {
                throw new BenchException($"after {Limit.TotalSeconds:0} s {what} at {found.Count} of {parts.Count} hosts only");
            }

            await Task.Delay(1, cancel);
        }
    }
}
