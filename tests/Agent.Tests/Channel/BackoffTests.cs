using Bulkhead.Agent.Channel;

namespace Bulkhead.Agent.Tests.Channel;

public sealed class BackoffTests
{
    [Fact]
    public void Waits_double_up_to_half_a_minute_and_start_again()
    {
        var backoff = new Backoff(() => 0.5);
        Assert.Equal([0.25, 0.5, 1, 2, 4, 8, 16, 30, 30], Enumerable.Range(0, 9).Select(_ => backoff.Next().TotalSeconds));
        backoff.Reset();
        Assert.Equal(0.25, backoff.Next().TotalSeconds);
    }

    [Fact]
    public void Jitter_is_a_quarter_either_way()
    {
        Assert.Equal(0.1875, new Backoff(() => 0).Next().TotalSeconds);
        Assert.InRange(new Backoff(() => 0.999).Next().TotalSeconds, 0.31, 0.3125);
    }

    [Fact]
    public void What_the_controller_asks_for_is_waited() =>
        Assert.Equal(60, new Backoff(() => 0.5).Next(TimeSpan.FromSeconds(60)).TotalSeconds);
}
