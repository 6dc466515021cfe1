using Bulkhead.Agent.Live;

namespace Bulkhead.Agent.Tests.Live;

public sealed class WindowPaceTests
{
    private readonly FakeTime _time = new();
    private readonly WindowPace _pace;
    private TimeSpan _used;
    private int _changes;

    public WindowPaceTests() => _pace = new WindowPace(0.1, () => _used, () => _changes++, _time);

    [Fact]
    public void Windows_are_short_only_while_somebody_watches()
    {
        Assert.Equal(10, _pace.Length.TotalSeconds);
        _pace.Watch(TimeSpan.FromSeconds(40));
        Assert.Equal(1, _pace.Length.TotalSeconds);
        _time.Advance(TimeSpan.FromSeconds(41));
        Assert.Equal(10, _pace.Length.TotalSeconds);

        _pace.Watch(TimeSpan.FromSeconds(40));
        _pace.Watch(TimeSpan.Zero);
        Assert.Equal(10, _pace.Length.TotalSeconds);
    }

    [Fact]
    public void Each_follower_counts_and_leaves_once()
    {
        var one = _pace.Follow();
        var other = _pace.Follow();
        one.Dispose();
        one.Dispose();
        Assert.Equal(1, _pace.Length.TotalSeconds);
        other.Dispose();
        Assert.Equal(10, _pace.Length.TotalSeconds);
    }

    [Fact]
    public void Beyond_its_share_it_does_with_less_and_says_so_until_it_is_calm_again()
    {
        using var follower = _pace.Follow();
        var lengths = new List<double>();
        for (var i = 0; i < 4; i++)
        {
            Measure(load: 0.2);
            lengths.Add(_pace.Length.TotalSeconds);
        }

        Assert.Equal([2, 5, 10, 10], lengths);
        Assert.False(_pace.MayName);
        Assert.Equal("windows of 10 s in place of 1 s, and no names from DNS, to stay within 10 % of a core", _pace.Degraded);

        for (var i = 0; i < 20; i++)
        {
            Measure(load: 0.01);
        }

        Assert.Equal((1.0, true, null), (_pace.Length.TotalSeconds, _pace.MayName, _pace.Degraded));
        Assert.True(_changes > 2);
    }

    [Fact]
    public void Where_even_that_is_not_enough_it_rests_as_long_as_its_share_demands()
    {
        Measure(load: 0.2);
        Assert.Equal(TimeSpan.Zero, _pace.RestAfter(TimeSpan.FromMilliseconds(100)));
        Measure(load: 0.2);
        Assert.Equal(900, _pace.RestAfter(TimeSpan.FromMilliseconds(100)).TotalMilliseconds, 3);
        Assert.Equal(10, _pace.RestAfter(TimeSpan.FromSeconds(10)).TotalSeconds);
        Assert.Equal("no names from DNS, and not every event read, but those that are not counted, to stay within 10 % of a core", _pace.Degraded);

        // At its share it goes on so; once it takes less than half of that, one thing after the other comes back.
        Measure(load: 0.1);
        Assert.NotEqual(TimeSpan.Zero, _pace.RestAfter(TimeSpan.FromMilliseconds(100)));
        for (var i = 0; i < 5; i++)
        {
            Measure(load: 0.04);
        }

        Assert.Equal((TimeSpan.Zero, false), (_pace.RestAfter(TimeSpan.FromMilliseconds(100)), _pace.MayName));
        for (var i = 0; i < 5; i++)
        {
            Measure(load: 0.04);
        }

        Assert.Null(_pace.Degraded);
    }

    [Fact]
    public void What_the_kernel_refuses_is_said_as_well()
    {
        _pace.NamesRefused = "the group is taken";
        Assert.Equal((1, "no names from DNS: the group is taken"), (_changes, _pace.Degraded));
        _pace.NamesRefused = "the group is taken";
        _pace.NamesRefused = null;
        Assert.Equal((2, null), (_changes, _pace.Degraded));
    }

    [Fact]
    public void While_nobody_watches_names_are_the_first_to_go()
    {
        Measure(load: 0.2);
        Assert.False(_pace.MayName);
        Assert.Equal(10, _pace.Length.TotalSeconds);
    }

    [Fact]
    public void Between_half_of_its_share_and_all_of_it_nothing_changes()
    {
        using var follower = _pace.Follow();
        Measure(load: 0.2);
        for (var i = 0; i < 20; i++)
        {
            Measure(load: 0.08);
        }

        Assert.Equal(2, _pace.Length.TotalSeconds);
    }

    [Fact]
    public void What_the_agent_sends_says_it_too()
    {
        using var follower = _pace.Follow();
        Measure(load: 0.2);
        var told = _pace.ToWire(7);
        Assert.Equal((2000u, 1000u, 7ul), (told.WindowMs, told.WantedWindowMs, told.LostEvents));
        Assert.NotEmpty(told.Degraded);
    }

    private void Measure(double load)
    {
        _time.Advance(TimeSpan.FromSeconds(2));
        _used += TimeSpan.FromSeconds(2 * load);
        _pace.Measure();
    }
}
