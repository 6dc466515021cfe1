using System.Threading.Channels;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Controller.Storage.Flows;

/// <summary>Settings of the flow store.</summary>
/// <param name="Folder">Where its files are.</param>
public sealed record FlowStoreOptions(string Folder)
{
    /// <summary>How long counts are kept; a whole number of days. What an edge is, and when it was first and last seen, is kept for ever.</summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromDays(30);

    /// <summary>The most edges; what would make another is counted as lost.</summary>
    public int MaxEdges { get; init; } = 2_000_000;

    /// <summary>The most sightings that may wait to be stored.</summary>
    public int MaxWaiting { get; init; } = 400_000;

    /// <summary>After how many summaries a checkpoint is made; a restart reads at most about this many again.</summary>
    public int CheckpointAfter { get; init; } = 500_000;

    /// <summary>After how long a checkpoint is made.</summary>
    public TimeSpan CheckpointEvery { get; init; } = TimeSpan.FromMinutes(10);
}

/// <summary>
/// Stores flows in files of their own, apart from the controller's database, so that ingest never stalls an edit. One task writes; batches
/// that wait while it commits are committed together.
/// </summary>
public sealed class FlowStore : IAsyncDisposable
{
    private const int SightingsACommit = 50_000;

    private readonly FlowStoreOptions _options;
    private readonly Action _changed;
    private readonly ILogger _log;
    private readonly FlowLedger _ledger;
    private readonly Channel<Waiting?> _queue = Channel.CreateUnbounded<Waiting?>(new() { SingleReader = true });
    private readonly ITimer _timer;
    private readonly Task _writer;
    private int _waiting;
    private bool _checkpointDue;

    /// <summary>Opens the store; reads what a process before it left.</summary>
    /// <param name="options">Settings.</param>
    /// <param name="time">The clock.</param>
    /// <param name="changed">Called after each commit that stored something; must not block.</param>
    /// <param name="log">Receives what goes wrong.</param>
    /// <exception cref="FlowStoreException">A file cannot be read.</exception>
    public FlowStore(FlowStoreOptions options, TimeProvider time, Action changed, ILogger log)
    {
        (_options, _changed, _log) = (options, changed, log);
        _ledger = new(options, time);
        _timer = time.CreateTimer(_ => _queue.Writer.TryWrite(null), null, options.CheckpointEvery, options.CheckpointEvery);
        _writer = Task.Run(WriteAsync);
    }

    /// <summary>Ends when the store is disposed of; fails if a bug ended it before, and then nothing is stored any more.</summary>
    public Task Completion => _writer;

    /// <summary>Distinct edges known.</summary>
    public long EdgeCount => _ledger.EdgeCount;

    /// <summary>
    /// Submits a batch. The task completes once the batch is durable, whether stored now or before, and fails with
    /// <see cref="FlowStoreException"/> if it could not be stored. Null if too much waits already: try again later.
    /// </summary>
    public Task? TrySubmit(SightingBatch batch)
    {
        var size = batch.Sightings.Count + 1;
        if (Interlocked.Add(ref _waiting, size) > _options.MaxWaiting)
        {
            Interlocked.Add(ref _waiting, -size);
            return null;
        }

        var waiting = new Waiting(batch, new(TaskCreationOptions.RunContinuationsAsynchronously));
        if (!_queue.Writer.TryWrite(waiting))
        {
            Interlocked.Add(ref _waiting, -size);
            return null;
        }

        return waiting.Done.Task;
    }

    /// <summary>The edge from one address to another and a port; null if it was never seen.</summary>
    public Edge? Find(ScopedAddress source, ScopedAddress destination, byte protocol, ushort port) => _ledger.Find(source, destination, protocol, port);

    /// <summary>The scans of a window, the newest first.</summary>
    public IReadOnlyList<ScanSighting> Scans(DateTimeOffset since, DateTimeOffset until) =>
        _ledger.Scans(since.ToUnixTimeMilliseconds(), until.ToUnixTimeMilliseconds());

    /// <summary>Names that DNS answers gave for an address, the newest first.</summary>
    public IReadOnlyList<EndpointName> NamesOf(ScopedAddress address) => _ledger.FindEndpoint(address)?.Names ?? [];

    /// <summary>What was seen in a window.</summary>
    public TrafficSample Sample(DateTimeOffset since, DateTimeOffset until) =>
        _ledger.Sample(since.ToUnixTimeMilliseconds(), until.ToUnixTimeMilliseconds());

    /// <summary>Stores what waits, makes a checkpoint, and closes the files.</summary>
    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        _queue.Writer.TryComplete();
        await _writer.ConfigureAwait(false);
        _ledger.Dispose();
    }

    private async Task WriteAsync()
    {
        var group = new List<Waiting>();
        try
        {
            await WriteAsync(group).ConfigureAwait(false);
        }
        catch (Exception bug)
        {
            _queue.Writer.TryComplete(bug);
            do
            {
                group.ForEach(waiting => waiting.Done.TrySetException(bug));
                group.Clear();
                Gather(group);
            }
            while (group.Count > 0);
            throw;
        }
    }

    private async Task WriteAsync(List<Waiting> group)
    {
        while (_checkpointDue || await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            Gather(group);
            if (group.Count > 0)
            {
                Commit(group);
                group.Clear();
            }

            if (_checkpointDue || _ledger.SinceCheckpoint >= _options.CheckpointAfter)
            {
                Checkpoint();
            }
        }

        do
        {
            Checkpoint();
        }
        while (_checkpointDue);
    }

    private void Gather(List<Waiting> group)
    {
        var size = 0;
        while (size < SightingsACommit && _queue.Reader.TryRead(out var item))
        {
            if (item is null)
            {
                _checkpointDue |= _ledger.SinceCheckpoint > 0;
                continue;
            }

            group.Add(item);
            size += item.Batch.Sightings.Count + 1;
        }

        Interlocked.Add(ref _waiting, -size);
    }

    private void Commit(List<Waiting> group)
    {
        try
        {
            var stored = _ledger.Commit([.. group.Select(waiting => waiting.Batch)]);
            group.ForEach(waiting => waiting.Done.SetResult());
            if (stored > 0)
            {
                _changed();
            }
        }
        catch (FlowStoreException failure)
        {
            Log.FlowsNotStored(_log, group.Count, failure.Message);
            group.ForEach(waiting => waiting.Done.SetException(failure));
        }
    }

    private void Checkpoint()
    {
        try
        {
            _checkpointDue = _ledger.CheckpointStep();
        }
        catch (FlowStoreException failure)
        {
            Log.CheckpointFailed(_log, failure.Message);
            _checkpointDue = false;
        }
    }

    private sealed record Waiting(SightingBatch Batch, TaskCompletionSource Done);
}
