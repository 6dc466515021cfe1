using Bulkhead.Agent.Telemetry;

namespace Bulkhead.Agent.Tests.Telemetry;

public sealed class TrackingGapTests
{
    private readonly FakeTime _time = new();

    [Fact]
    public void It_lasts_from_when_tracking_begins_for_as_long_as_conntrack_would_remember()
    {
        var gap = new TrackingGap(_time);
        _time.Advance(TimeSpan.FromDays(1));
        Assert.True(gap.IsOpen);
        gap.Begin();
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.True(gap.IsOpen);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(gap.IsOpen);
        gap.Begin();
        Assert.True(gap.IsOpen);
    }

    [Fact]
    public void There_is_none_where_connections_were_tracked_all_along()
    {
        var gap = new TrackingGap(_time);
        gap.Close();
        Assert.False(gap.IsOpen);
    }
}
