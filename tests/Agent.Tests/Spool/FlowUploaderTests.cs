using Bulkhead.Agent.Channel;
using Bulkhead.Agent.Spool;
using Bulkhead.Agent.Tests.Channel;
using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Agent.Tests.Spool;

public sealed class FlowUploaderTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private TestController _controller = null!;
    private ControllerLink _link = null!;
    private FlowSpool _spool = null!;
    private Task _running = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _controller = await TestController.StartAsync();
        _link = new ControllerLink(_controller.MakeIdentity());
        _spool = new FlowSpool(_folder.Path, 1 << 20, NullLogger.Instance);
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running);
        _link.Dispose();
        await _controller.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Batches_are_delivered_in_order_and_forgotten()
    {
        Run();
        _spool.Add(Batch());
        _spool.Add(Batch());
        await Eventually.Holds(() => _spool.Count == 0, "everything is delivered");
        Assert.Equal([1UL, 2UL], _controller.Flows.Select(batch => batch.Sequence));
    }

    [Fact]
    public async Task What_was_not_acknowledged_is_sent_again_with_the_same_number()
    {
        var tries = 0;
        _controller.Refuse = path => path == "/agent/v1/flows" && Interlocked.Increment(ref tries) < 3
            ? (503, new Failure { Code = "busy", Message = "Not now." })
            : null;
        Run();
        _spool.Add(Batch());
        await Eventually.Holds(() => _spool.Count == 0, "the batch is delivered");
        Assert.Equal(3, tries);
        Assert.Equal(1UL, Assert.Single(_controller.Flows).Sequence);
    }

    [Fact]
    public async Task A_batch_that_is_refused_for_good_does_not_stop_the_next()
    {
        var first = true;
        _controller.Refuse = path =>
        {
            var refuse = path == "/agent/v1/flows" && first;
            first = first && !refuse;
            return refuse ? (400, new Failure { Code = "malformed-message", Message = "No." }) : null;
        };
        Run();
        _spool.Add(Batch());
        _spool.Add(Batch());
        await Eventually.Holds(() => _spool.Count == 0, "the spool is empty");
        Assert.Equal(2UL, Assert.Single(_controller.Flows).Sequence);
    }

    [Fact]
    public async Task How_old_a_window_is_is_told_by_a_clock_that_nobody_sets()
    {
        _spool.Add(new FlowBatch { WindowMs = 10_000, WindowUnixMs = 5, Boot = "this", WindowBootMs = 45_000 });
        _spool.Add(new FlowBatch { WindowMs = 10_000, WindowUnixMs = 5, Boot = "an earlier one", WindowBootMs = 45_000 });
        Run();
        await Eventually.Holds(() => _spool.Count == 0, "everything is delivered");
        Assert.Equal([15_000ul, 0ul], _controller.Flows.Select(batch => batch.AgeMs));
        Assert.All(_controller.Flows, batch => Assert.Empty(batch.Boot));
    }

    private void Run() => _running = new FlowUploader(_spool, _link, new BootClock(() => 60_000, "this"), TimeProvider.System, NullLogger.Instance).RunAsync(_stop.Token);

    private static FlowBatch Batch() => new() { WindowMs = 10_000 };
}
