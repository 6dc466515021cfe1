using Bulkhead.Agent.Telemetry;

namespace Bulkhead.Agent.Tests.Telemetry;

public sealed class WindowClockTests
{
    private static readonly TimeSpan _length = TimeSpan.FromSeconds(10);
    private readonly FakeTime _time = new();

    [Fact]
    public void Windows_follow_each_other_without_drift()
    {
        var clock = new WindowClock(_time, () => _length);
        var start = clock.StartUnixMs;
        _time.Advance(TimeSpan.FromSeconds(10.3));
        Assert.True(clock.Left <= TimeSpan.Zero);
        clock.Next();
        Assert.Equal(start + 10_300, clock.StartUnixMs);
        Assert.Equal(TimeSpan.FromSeconds(9.7), clock.Left);
    }

    [Fact]
    public void A_window_that_was_slept_through_is_skipped()
    {
        var clock = new WindowClock(_time, () => _length);
        _time.Advance(TimeSpan.FromSeconds(47));
        Assert.Equal(47_000, clock.OffsetMs);
        clock.Next();
        Assert.Equal(TimeSpan.FromSeconds(3), clock.Left);
    }

    [Fact]
    public void Budget_runs_out_and_comes_back()
    {
        var budget = new LookupBudget(_time);
        string? Look(ushort port) => budget.Spend(FlowWindowTests.Key(port, null), () =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(300));
            return "found";
        });

        Assert.Equal("found", Look(1));
        Assert.Null(Look(1));
        Assert.Equal("found", Look(2));
        Assert.Null(Look(3));
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal("found", Look(1));
    }

    [Fact]
    public void Gaps_are_counted_across_the_wrap()
    {
        var gap = new SequenceGap();
        Assert.Equal([0U, 0U, 2U, 0U], new[] { uint.MaxValue - 1, uint.MaxValue, 2U, 3U }.Select(gap.Before));
    }
}
