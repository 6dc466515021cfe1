using Bulkhead.Agent.Linux.Firewall;

namespace Bulkhead.Agent.Tests.Linux;

public sealed class OwnChangesTests
{
    [Fact]
    public void A_childs_number_is_trusted_while_it_lives_and_for_what_it_did_then()
    {
        var own = new OwnChanges(port: 77);
        own.Add(1000);
        Assert.True(own.Contains(1000, 5));
        own.Ended(5);
        own.Add(1001);
        Assert.True(own.Contains(1000, 5));
        Assert.False(own.Contains(1000, 6));
        Assert.True(own.Contains(1001, 6));
        Assert.True(own.Contains(77, 6));
        Assert.False(own.Contains(1002, 6));

        // Who got the number of a child that ended may be a child again.
        own.Add(1000);
        Assert.True(own.Contains(1000, 7));
    }

    [Fact]
    public void Generations_wrap_around()
    {
        var own = new OwnChanges();
        own.Add(1000);
        own.Ended(uint.MaxValue);
        Assert.True(own.Contains(1000, uint.MaxValue));
        Assert.False(own.Contains(1000, 1));
    }
}
