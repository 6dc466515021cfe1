using Bulkhead.Agent.Blocks;
using Bulkhead.Agent.Telemetry;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Agent.Tests.Blocks;

public sealed class BlockJournalTests
{
    private readonly FakeTime _time = new();
    private readonly BlockJournal _journal;

    public BlockJournalTests() => _journal = new(_time);

    [Fact]
    public void Alike_blocks_are_one_with_their_count_and_last_time_newest_first()
    {
        Add(1000, 80);
        Add(1000, 81);
        _time.Advance(TimeSpan.FromSeconds(5));
        Add(1000, 80);
        var (uid, blocks) = Assert.Single(_journal.TakeChanged());
        Assert.Equal(1000u, uid);
        Assert.Equal([(80, 2L), (81, 1L)], blocks.Select(block => (block.Port, block.Packets)));
        Assert.Equal(_time.GetUtcNow(), blocks[0].Last);
        Assert.Empty(_journal.TakeChanged());
    }

    [Fact]
    public void Users_and_blocks_are_bounded()
    {
        for (ushort port = 1; port <= BlockJournal.MostBlocks + 1; port++)
        {
            Add(1, port);
        }

        Assert.Equal(BlockJournal.MostBlocks + 1, Assert.Single(_journal.TakeChanged()).Blocks[0].Port);
        for (var uid = 2u; uid <= BlockJournal.MostUsers + 1; uid++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Add(uid, 80);
        }

        var changed = _journal.TakeChanged();
        Assert.Empty(changed.Single(user => user.Uid == 1).Blocks);
        Assert.Equal(BlockJournal.MostUsers, changed.Count(user => user.Blocks.Count > 0));
    }

    [Fact]
    public void What_is_nobodys_is_shown_to_nobody()
    {
        _journal.Add(Packet(Direction.Outbound, 80) with { Uid = null }, null);
        _journal.Add(Packet(Direction.Inbound, 80) with { Uid = 7 }, null);
        Assert.Empty(_journal.TakeChanged());
    }

    private void Add(uint uid, ushort port) => _journal.Add(Packet(Direction.Outbound, port) with { Uid = uid }, null);

    private static BlockedPacket Packet(Direction direction, ushort port) =>
        new(new(direction, BlockReason.Default), 6, IpAddress.Parse("10.0.0.1"), 40000, IpAddress.Parse("10.0.0.2"), port, 60, 1);
}
