using System.Diagnostics;

namespace Bulkhead.Controller.Tests;

/// <summary>The one place where tests wait for a condition.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Looks until there is a value; fails at the deadline.</summary>
    public static async Task<T> HasAsync<T>(Func<Task<T?>> look, string what)
        where T : class
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (await look() is { } found)
            {
                return found;
            }

            Assert.True(Stopwatch.GetElapsedTime(started) < Deadline, $"Not within {Deadline.TotalSeconds} s: {what}");
            await Task.Delay(10);
        }
    }

    /// <summary>Looks until a condition holds; fails at the deadline.</summary>
    public static Task IsAsync(Func<bool> holds, string what) => HasAsync(() => Task.FromResult(holds() ? "holds" : null), what);
}
