using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Agent.Telemetry;

namespace Bulkhead.Agent.Tests.Telemetry;

public sealed class MissedBlocksTests
{
    private readonly MissedBlocks _missed = new(Counted((1, 40)));

    [Fact]
    public void What_was_counted_and_not_reported_is_told_once()
    {
        _missed.Hear(200);
        _missed.Count(Counted((1, 1040)));
        Assert.Equal(800UL, _missed.Take());
        Assert.False(_missed.IsDue);
        Assert.Equal(0UL, _missed.Take());
    }

    [Fact]
    public void A_report_that_comes_before_its_packet_is_counted_is_made_up_for_in_the_next_window()
    {
        _missed.Hear(10);
        _missed.Count(Counted((1, 47)));
        Assert.Equal(0UL, _missed.Take());
        Assert.True(_missed.IsDue);
        _missed.Hear(5);
        _missed.Count(Counted((1, 40 + 15 + 2)));
        Assert.Equal(2UL, _missed.Take());
    }

    [Fact]
    public void Counters_that_cannot_be_read_are_made_up_for_in_the_next_window()
    {
        _missed.Hear(10);
        _missed.Count(null);
        Assert.Equal(0UL, _missed.Take());
        Assert.True(_missed.IsDue);
        _missed.Count(Counted((1, 40 + 30)));
        Assert.Equal(20UL, _missed.Take());
    }

    [Fact]
    public void A_table_that_was_made_anew_counts_from_nothing_and_other_rules_are_rules_of_their_own()
    {
        _missed.Hear(10);
        _missed.Count(Counted((1, 12), (2, 8)));
        Assert.Equal(10UL, _missed.Take());
        _missed.Hear(3);
        _missed.Count(Counted((2, 9), (3, 4)));
        Assert.Equal(2UL, _missed.Take());
    }

    [Fact]
    public void What_is_reported_of_rules_that_are_gone_is_not_waited_for_for_ever()
    {
        _missed.Hear(10);
        _missed.Count(Counted());
        Assert.Equal(0UL, _missed.Take());
        _missed.Count(Counted());
        Assert.Equal(0UL, _missed.Take());
        Assert.False(_missed.IsDue);
    }

    private static Dictionary<ReportingRule, ulong> Counted(params (ulong Handle, ulong Packets)[] rules) =>
        rules.ToDictionary(rule => new ReportingRule("in_block_default", rule.Handle), rule => rule.Packets);
}
