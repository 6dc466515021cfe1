using Bulkhead.Controller.Storage;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Policies;

/// <summary>Does something at a moment that snapshots tell; each new one is asked anew.</summary>
internal static class SnapshotAlarm
{
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(1);
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(5);

    /// <summary>Runs until it is stopped. A database that fails is tried again.</summary>
    /// <param name="live">Whose snapshots.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Receives what fails.</param>
    /// <param name="work">What it is, for the log.</param>
    /// <param name="next">When it is to be done; null for not.</param>
    /// <param name="act">Does it, at that moment or, about once a day, with nothing to do.</param>
    /// <param name="stopping">Stops it.</param>
    public static async Task RunAsync(
        LiveState live, TimeProvider time, ILogger logger, string work, Func<LiveSnapshot, DateTimeOffset?> next, Func<CancellationToken, Task> act, CancellationToken stopping)
    {
        using var changed = new SemaphoreSlim(0);
        void Wake(LiveSnapshot before, LiveSnapshot now) => changed.Release();
        live.Changed += Wake;
        try
        {
            while (!stopping.IsCancellationRequested)
            {
                using var due = new CancellationTokenSource(Until(next(live.Current), time.GetUtcNow()), time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(due.Token, stopping);
                try
                {
                    await changed.WaitAsync(either.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    if (!stopping.IsCancellationRequested)
                    {
                        await ActAsync().ConfigureAwait(false);
                    }
                }
            }
        }
        finally
        {
            live.Changed -= Wake;
        }

        async Task ActAsync()
        {
            try
            {
                await act(stopping).ConfigureAwait(false);
            }
            catch (Exception problem) when (problem is DbUpdateException or System.Data.Common.DbException)
            {
                Log.BackgroundFailed(logger, problem, work);
                await Task.Delay(s_retry, time, stopping).ConfigureAwait(false);
            }
        }
    }

    private static TimeSpan Until(DateTimeOffset? moment, DateTimeOffset now) =>
        moment is not { } at || at - now > s_longest ? s_longest : at > now ? at - now : TimeSpan.Zero;
}
