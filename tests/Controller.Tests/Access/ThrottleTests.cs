using System.Net;
using Bulkhead.Controller.Access;

namespace Bulkhead.Controller.Tests.Access;

public sealed class ThrottleTests
{
    private static readonly IPAddress s_here = IPAddress.Parse("192.0.2.1");

    [Fact]
    public void Windows_end_by_time_and_are_then_forgotten()
    {
        var clock = new FakeClock();
        var windows = new AttemptWindows<int>(clock);
        for (var key = 0; key < 100; key++)
        {
            windows.Add(key);
        }

        clock.Advance(AttemptWindows<int>.Window - TimeSpan.FromSeconds(1));
        windows.Add(7);
        Assert.Equal(TimeSpan.FromSeconds(1), windows.Wait(7, 2));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.Zero, windows.Wait(7, 2));
        Assert.Equal(0, windows.Count);
    }

    [Fact]
    public void Many_sources_at_once_take_bounded_memory_and_lock_nobody_out()
    {
        var throttle = new SignInThrottle(new FakeClock());
        var windows = new AttemptWindows<int>(new FakeClock());
        for (var i = 0; i < 2 * AttemptWindows<int>.MaxTracked; i++)
        {
            windows.Add(i);
            Assert.Equal(TimeSpan.Zero, throttle.Begin(new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]), "admin"));
        }

        Assert.Equal(AttemptWindows<int>.MaxTracked, windows.Count);
        Assert.Equal(TimeSpan.Zero, throttle.Begin(s_here, "admin"));
    }

    [Fact]
    public void One_source_that_tries_many_names_waits()
    {
        var throttle = new SignInThrottle(new FakeClock());
        for (var i = 0; i < SignInThrottle.AddressBurst; i++)
        {
            Assert.Equal(TimeSpan.Zero, throttle.Begin(s_here, $"name{i}"));
        }

        Assert.True(throttle.Begin(s_here, "another") > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, throttle.Begin(IPAddress.Parse("192.0.2.2"), "another"));
    }

    [Fact]
    public void Who_signed_in_is_forgiven_their_own_failures_and_no_others()
    {
        var throttle = new SignInThrottle(new FakeClock());
        for (var i = 0; i < SignInThrottle.AddressBurst - 1; i++)
        {
            Assert.Equal(TimeSpan.Zero, throttle.Begin(s_here, $"name{i}"));
        }

        Assert.Equal(TimeSpan.Zero, throttle.Begin(s_here, "me"));
        throttle.Succeeded(s_here, "me");
        Assert.Equal(TimeSpan.Zero, throttle.Begin(s_here, "me"));
        Assert.True(throttle.Begin(s_here, "another") > TimeSpan.Zero);
    }

    [Theory]
    [InlineData("2001:db8::1", "2001:db8::ffff:2", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    public void A_source_is_an_IPv4_address_or_an_IPv6_network_of_one_host(string one, string other, bool same) =>
        Assert.Equal(same, Sources.Of(IPAddress.Parse(one)) == Sources.Of(IPAddress.Parse(other)));
}
