using Bulkhead.Agent.Checks;
using Bulkhead.Agent.Linux;

namespace Bulkhead.Agent.Tests.Checks;

public sealed class SizeChecksTests
{
    [Theory]
    [InlineData(100, 0, 0, 262_144, FindingLevel.Ok, "")]
    [InlineData(65_536, 0, 0, 262_144, FindingLevel.Ok, "")]
    [InlineData(65_537, 0, 0, 262_144, FindingLevel.Warning, "262148")]
    [InlineData(10, 100_000, 0, 262_144, FindingLevel.Warning, "400000")]
    [InlineData(0, 0, 80_000, 262_144, FindingLevel.Warning, "320000")]
    [InlineData(1, 0, 0, 1024, FindingLevel.Warning, "65536")]
    public void Conntrack_needs_four_times_what_was_seen(long count, long peak, long sockets, long most, object level, string size)
    {
        var finding = Assert.Single(SizeChecks.Run(new ConntrackUse(count, most), peak, sockets, drops: 0));
        Assert.Equal(level, finding.Level);
        Assert.Contains(size, finding.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void What_it_had_no_room_for_is_said() =>
        Assert.Equal(["conntrack-size", "conntrack-drops"], SizeChecks.Run(new ConntrackUse(1, 262_144), 0, 0, drops: 3).Select(finding => finding.Code));
}
