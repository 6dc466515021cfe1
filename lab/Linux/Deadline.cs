namespace Bulkhead.Lab;

/// <summary>Waiting for a condition of the world that announces itself in no better way.</summary>
internal static class Deadline
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns once the condition holds.</summary>
    /// <exception cref="LabException">It did not within the limit; the message is <paramref name="failure"/>.</exception>
    public static async Task UntilAsync(
        Func<ValueTask<bool>> condition, TimeSpan limit, string failure, CancellationToken cancellationToken)
    {
        var end = TimeProvider.System.GetTimestamp() + (long)(limit.TotalSeconds * TimeProvider.System.TimestampFrequency);
        while (!await condition())
        {
            if (TimeProvider.System.GetTimestamp() > end)
            {
                throw new LabException($"{failure} within {limit.TotalSeconds:0} s");
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }
}
