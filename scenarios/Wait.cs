namespace Bulkhead.Scenarios;

/// <summary>Waits for what becomes true in time.</summary>
internal static class Wait
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Looks again and again until there is no complaint left.</summary>
    /// <param name="complaint">What is still wrong, or null.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StoryException">The last complaint, once the time is over.</exception>
    public static async Task UntilAsync(Func<Task<string?>> complaint, TimeSpan limit, CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (await complaint() is { } wrong)
        {
            if (TimeProvider.System.GetElapsedTime(start) > limit)
            {
                throw new StoryException($"after {limit.TotalSeconds:0} s still: {wrong}");
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }
}
