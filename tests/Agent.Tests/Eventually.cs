namespace Bulkhead.Agent.Tests;

/// <summary>The one way to wait for something that another thread, process or kernel does.</summary>
internal static class Eventually
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns as soon as a condition holds; fails the test if it never does.</summary>
    public static Task Holds(Func<bool> condition, string what) => Holds(() => Task.FromResult(condition()), what);

    /// <inheritdoc cref="Holds(Func{bool}, string)"/>
    public static async Task Holds(Func<Task<bool>> condition, string what)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < _deadline, $"never: {what}");
            await Task.Delay(_pause);
        }
    }
}
