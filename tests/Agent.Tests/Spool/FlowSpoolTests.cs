using Bulkhead.Agent.Spool;
using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Agent.Tests.Spool;

public sealed class FlowSpoolTests : IDisposable
{
    private const long Roomy = 1 << 20;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Batches_come_out_in_order_and_stay_until_removed()
    {
        var spool = Open();
        spool.Add(Batch(10));
        spool.Add(Batch(20));

        Assert.Equal((1UL, 10L), Head(spool));
        Assert.Equal((1UL, 10L), Head(spool));
        spool.Remove(1);
        Assert.Equal((2UL, 20L), Head(spool));
        spool.Remove(2);
        Assert.Null(spool.Peek());
    }

    [Fact]
    public void A_restart_goes_on_where_the_last_run_stopped()
    {
        var first = Open();
        first.Add(Batch(10));
        first.Add(Batch(20));
        first.Remove(1);

        var second = Open();
        second.Add(Batch(30));

        Assert.Equal(first.Epoch, second.Epoch);
        Assert.Equal((2UL, 20L), Head(second));
        second.Remove(2);
        Assert.Equal(30L, Head(second).At);
    }

    [Fact]
    public void Numbers_are_not_used_again_when_everything_was_delivered()
    {
        var first = Open();
        first.Add(Batch(10));
        first.Remove(1);
        var second = Open();
        second.Add(Batch(20));
        Assert.True(Head(second).Sequence > 1);
    }

    [Fact]
    public void An_empty_file_is_not_taken_for_an_empty_batch()
    {
        var spool = Open();
        spool.Add(Batch(10));
        File.WriteAllBytes(Directory.GetFiles(_folder.Path, "*1.batch").Single(), []);
        Assert.Null(spool.Peek());
        Assert.Equal(1UL, spool.Dropped);
    }

    [Fact]
    public void A_full_spool_drops_the_oldest_and_says_how_many()
    {
        var spool = Open(capacity: 120);
        for (var i = 1; i <= 10; i++)
        {
            spool.Add(Batch(i));
        }

        Assert.True(spool.Count < 10);
        Assert.Equal((ulong)(10 - spool.Count), spool.Dropped);
        ulong told = 0;
        for (var batch = spool.Peek(); batch is not null; batch = spool.Peek())
        {
            told += batch.DroppedBatches;
            spool.Remove(batch.Sequence);
        }

        Assert.Equal(spool.Dropped, told);
    }

    [Fact]
    public void What_a_dropped_batch_had_to_tell_of_losses_is_told_by_the_next()
    {
        var spool = Open(capacity: 60);
        for (var i = 1; i <= 10; i++)
        {
            var batch = Batch(i);
            (batch.LostEvents, batch.IncompleteConnections, batch.UnnamedConnections) = (3, 4, 5);
            spool.Add(batch);
        }

        FlowLoss lost = default;
        for (var batch = spool.Peek(); batch is not null; batch = spool.Peek())
        {
            lost += FlowLoss.ToldBy(batch);
            spool.Remove(batch.Sequence);
        }

        Assert.Equal(new FlowLoss(30, 40, 50, spool.Dropped), lost);
    }

    [Fact]
    public void Of_connections_from_before_a_dropped_batch_that_go_on_not_all_is_told()
    {
        var spool = Open();
        var batch = Batch(1);
        batch.Flows.Add(new FlowSummary { Connections = 2, Open = 5, PacketsIn = 1 });
        batch.Flows.Add(new FlowSummary { Connections = 2, Open = 1, PacketsOut = 1 });
        batch.Flows.Add(new FlowSummary { Open = 100 });
        spool.Add(batch);
        spool.Drop(spool.Peek()!.Sequence);
        spool.Add(Batch(2));
        Assert.Equal(new FlowLoss(4, 3, 0, 1), FlowLoss.ToldBy(spool.Peek()!));
    }

    [Fact]
    public void Whether_an_earlier_run_told_of_connections_is_known()
    {
        var first = Open();
        Assert.False(first.HasHistory);
        first.Add(Batch(1));
        first.Remove(1);
        Assert.True(Open().HasHistory);
    }

    [Fact]
    public void Connections_in_batches_that_were_dropped_or_refused_are_told_as_lost()
    {
        var spool = Open(capacity: 200);
        for (var i = 1; i <= 10; i++)
        {
            var batch = Batch(i);
            batch.Flows.Add(new FlowSummary { Connections = 7 });
            batch.Scans.Add(new ScanSummary { Connections = 100 });
            spool.Add(batch);
        }

        spool.Drop(spool.Peek()!.Sequence);
        spool.Add(Batch(11));
        var (held, lost) = (0ul, 0ul);
        for (var batch = spool.Peek(); batch is not null; batch = spool.Peek())
        {
            held += (ulong)batch.Flows.Count;
            lost += batch.LostEvents;
            spool.Remove(batch.Sequence);
        }

        Assert.InRange(held, 1ul, 8ul);
        Assert.Equal((10 - held) * 107, lost);
    }

    [Fact]
    public void What_is_under_way_is_not_dropped_while_there_is_another()
    {
        var spool = Open(capacity: 60);
        spool.Add(Batch(1));
        Assert.Equal(1L, Head(spool).At);
        for (var i = 2; i <= 10; i++)
        {
            spool.Add(Batch(i));
        }

        Assert.Equal(1L, Head(spool).At);
    }

    [Fact]
    public void A_batch_that_cannot_be_read_at_the_moment_stays_and_is_sent_later()
    {
        var spool = Open();
        spool.Add(Batch(10));
        spool.Add(Batch(20));
        var file = Directory.GetFiles(_folder.Path, "*1.batch").Single();
        var content = File.ReadAllBytes(file);
        File.Delete(file);
        Directory.CreateDirectory(file);
        Assert.Null(spool.Peek());
        Assert.Equal((2, 0UL), (spool.Count, spool.Dropped));
        Directory.Delete(file);
        File.WriteAllBytes(file, content);
        Assert.Equal((1UL, 10L), Head(spool));
    }

    [Fact]
    public void With_a_batch_that_is_gone_all_of_its_connections_are_told_as_lost()
    {
        var spool = Open();
        var batch = Batch(10);
        batch.Flows.Add(new FlowSummary { Connections = 7 });
        spool.Add(batch);
        File.Delete(Directory.GetFiles(_folder.Path, "*1.batch").Single());
        Assert.Null(spool.Peek());
        spool.Add(Batch(20));
        Assert.Equal((1UL, 7UL), (spool.Dropped, spool.Peek()!.LostEvents));
    }

    [Fact]
    public void A_damaged_batch_is_dropped_and_counted()
    {
        var spool = Open();
        spool.Add(Batch(10));
        spool.Add(Batch(20));
        File.WriteAllBytes(Directory.GetFiles(_folder.Path, "*1.batch").Single(), [0xff, 0xff]);
        Assert.Equal((2UL, 20L), Head(spool));
        Assert.Equal(1UL, spool.Dropped);
    }

    [Fact]
    public void A_spool_that_lost_its_numbers_starts_a_new_epoch()
    {
        var first = Open();
        first.Add(Batch(10));
        File.Delete(_folder["position"]);
        var second = Open();
        Assert.NotEqual(first.Epoch, second.Epoch);
        Assert.Null(second.Peek());
        Assert.Equal(1UL, second.Dropped);
    }

    [Fact]
    public void A_batch_cut_short_by_a_crash_is_not_seen()
    {
        var first = Open();
        first.Add(Batch(10));
        File.WriteAllText(_folder["00000000000000000002.batch.new"], "half");
        var second = Open();
        Assert.Equal(1, second.Count);
    }

    private FlowSpool Open(long capacity = Roomy) => new(_folder.Path, capacity, NullLogger.Instance);

    private static FlowBatch Batch(long at) => new() { WindowUnixMs = at, WindowMs = 10_000 };

    private static (ulong Sequence, long At) Head(FlowSpool spool)
    {
        var batch = spool.Peek()!;
        Assert.Equal(spool.Epoch, batch.SpoolEpoch);
        return (batch.Sequence, batch.WindowUnixMs);
    }
}
