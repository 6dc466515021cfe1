using Bulkhead.Agent.Telemetry;

namespace Bulkhead.Agent.Tests.Telemetry;

public sealed class NapsTests
{
    [Fact]
    public void Where_little_goes_on_events_are_read_at_once_and_in_a_storm_they_gather()
    {
        var time = new FakeTime();
        var naps = new Naps(time);
        for (var tenth = 0; tenth < 3; tenth++)
        {
            Assert.All(Enumerable.Range(0, Naps.AtOnce), _ => Assert.False(naps.IsDue()));
            Assert.All(Enumerable.Range(0, 5), _ => Assert.True(naps.IsDue()));
            time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }
}
