using System.Globalization;
using System.Security.Cryptography;
using Bulkhead.Agent.State;
using Bulkhead.Contracts.Agent;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Spool;

/// <summary>
/// Flow batches between their window and the controller's acknowledgement: one file each, named by sequence, bounded in bytes; when it is
/// full the oldest goes, and that is counted. Sequence numbers go on across restarts; a folder that lost its numbers starts a new epoch.
/// A batch outlives the process, but perhaps not a power cut; that its number is never used again is certain even then. For one writer and
/// one reader.
/// </summary>
internal sealed class FlowSpool
{
    private const string Extension = ".batch";
    private const ulong Stride = 64;
    private const int NoSpace = 28; // ENOSPC
    private const int QuotaExceeded = 122; // EDQUOT

    private readonly Lock _gate = new();
    private readonly string _folder;
    private readonly long _capacity;
    private readonly ILogger _log;
    private readonly SortedDictionary<ulong, long> _sizes = [];

    // What is lost with each of this run's, should it not be read again.
    private readonly Dictionary<ulong, FlowLoss> _losses = [];
    private ulong _next;
    private ulong _reserved;
    private long _bytes;
    private FlowLoss _lost;

    /// <summary>Opens the spool and finds what an earlier run left.</summary>
    /// <param name="folder">A folder of its own.</param>
    /// <param name="capacity">In bytes.</param>
    /// <param name="log">Told of what is dropped.</param>
    public FlowSpool(string folder, long capacity, ILogger log)
    {
        (_folder, _capacity, _log) = (folder, capacity, log);
        foreach (var half in Directory.EnumerateFiles(folder, "*" + Extension + ".new"))
        {
            File.Delete(half);
        }

        foreach (var file in Directory.EnumerateFiles(folder, "*" + Extension))
        {
            if (ulong.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
            {
                _sizes[sequence] = new FileInfo(file).Length;
            }
        }

        _bytes = _sizes.Values.Sum();
        HasHistory = ReadPosition() is not null;
        (Epoch, _next) = ReadPosition() ?? StartEpoch();
        _reserved = _next;
        if (_sizes.Count > 0)
        {
            _next = Math.Max(_next, _sizes.Keys.Last() + 1);
        }
    }

    private ulong _underWay;

    /// <summary>Random, never 0; numbers count within it.</summary>
    public ulong Epoch { get; }

    /// <summary>Whether an earlier run told of this host's connections.</summary>
    public bool HasHistory { get; }

    /// <summary>How many batches wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _sizes.Count;
            }
        }
    }

    /// <summary>How many batches the full spool has dropped since it was opened.</summary>
    public ulong Dropped { get; private set; }

    /// <summary>Is set when a batch is added.</summary>
    public Signal Added { get; } = new();

    /// <summary>Gives a batch its place in the sequence and keeps it durably.</summary>
    /// <exception cref="IOException">The disk refused; the batch is lost, and the caller counts it.</exception>
    public void Add(FlowBatch batch)
    {
        lock (_gate)
        {
            batch.SpoolEpoch = Epoch;
            batch.Sequence = _next;
            MakeRoom(batch.CalculateSize());
            var content = WriteOrDropOldest(batch);
            _losses[_next] = FlowLoss.Of(batch);
            _sizes[_next++] = content.Length;
            _bytes += content.Length;
            _lost = default;
        }

        Added.Set();
    }

    /// <summary>The oldest batch, or null if none waits, or it cannot be read at the moment. It stays until <see cref="Remove"/>.</summary>
    public FlowBatch? Peek()
    {
        lock (_gate)
        {
            while (_sizes.Count > 0)
            {
                var sequence = _sizes.Keys.First();
                try
                {
                    var batch = FlowBatch.Parser.ParseFrom(File.ReadAllBytes(PathOf(sequence)));
                    if (batch.SpoolEpoch == Epoch && batch.Sequence == sequence)
                    {
                        _underWay = sequence;
                        return batch;
                    }
                }
                catch (Exception damaged) when (IsDamage(damaged))
                {
                    // Dropped below.
                }
                catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
                {
                    // No descriptors, no memory, a disk that fails: the batch may be read another time.
                    _log.SpoolFailed(refused.Message);
                    return null;
                }

                _log.SpoolDamaged(PathOf(sequence));
                CountUnread(sequence);
                Delete(sequence);
                CountDropped();
            }

            return null;
        }
    }

    /// <summary>Drops a batch that was refused for good, and has the next one tell what was lost with it. Does nothing if it is gone already.</summary>
    public void Drop(ulong sequence)
    {
        lock (_gate)
        {
            if (_sizes.ContainsKey(sequence))
            {
                DropCounted(sequence);
            }
        }
    }

    /// <summary>Forgets a batch that was acknowledged. Does nothing if it is gone already.</summary>
    public void Remove(ulong sequence)
    {
        lock (_gate)
        {
            Delete(sequence);
        }
    }

    /// <summary>Numbers are set aside on disk by the stride before they are used, so that a restart, which goes on behind them, never repeats one.</summary>
    private void Reserve()
    {
        if (_next >= _reserved)
        {
            WritePosition(Epoch, _next + Stride);
            _reserved = _next + Stride;
        }
    }

    /// <summary>Where the disk is full before the spool is, what is oldest makes room as well.</summary>
    private byte[] WriteOrDropOldest(FlowBatch batch)
    {
        var own = FlowLoss.ToldBy(batch);
        while (true)
        {
            (own + _lost).TellBy(batch);
            var content = batch.ToByteArray();
            try
            {
                Reserve();
                DurableFile.WriteLazily(PathOf(_next), content);
                return content;
            }
            catch (IOException failed)
            {
                File.Delete(PathOf(_next) + ".new");
                if (failed.HResult is not (NoSpace or QuotaExceeded) || _sizes.Count == 0)
                {
                    throw;
                }

                DropOldest();
            }
        }
    }

    /// <summary>Drops the oldest, but not the one that is under way to the controller while there is another: it may have arrived.</summary>
    private void DropOldest()
    {
        DropCounted(_sizes.Keys.FirstOrDefault(sequence => sequence != _underWay, _sizes.Keys.First()));
        _log.SpoolOverflow(Dropped);
    }

    /// <summary>The next one tells what a batch held, and what it had to tell of what was dropped and lost before it.</summary>
    private void DropCounted(ulong sequence)
    {
        try
        {
            var batch = FlowBatch.Parser.ParseFrom(File.ReadAllBytes(PathOf(sequence)));
            _lost += FlowLoss.Of(batch);
        }
        catch (Exception unread) when (unread is IOException or UnauthorizedAccessException)
        {
            _log.SpoolDamaged(PathOf(sequence));
            CountUnread(sequence);
        }

        Delete(sequence);
        CountDropped();
    }

    /// <summary>What is lost with a batch that cannot be read; of one of an earlier run that is not known any more, but something is.</summary>
    private void CountUnread(ulong sequence) => _lost += _losses.TryGetValue(sequence, out var known) ? known : FlowLoss.Unknown;

    /// <summary>Whether it says that a batch is not there any more, or not one, rather than that it cannot be read at the moment.</summary>
    private static bool IsDamage(Exception failed) => failed is InvalidProtocolBufferException or FileNotFoundException;

    private void MakeRoom(int length)
    {
        while (_sizes.Count > 0 && _bytes + length > _capacity)
        {
            DropOldest();
        }
    }

    private void CountDropped()
    {
        Dropped++;
        _lost += new FlowLoss(0, 0, 0, Batches: 1);
    }

    private void Delete(ulong sequence)
    {
        if (_sizes.Remove(sequence, out var size))
        {
            _bytes -= size;
            _losses.Remove(sequence);
            try
            {
                File.Delete(PathOf(sequence));
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                // It is sent again after a restart, if it can be read then, and counts once.
                _log.SpoolFailed(refused.Message);
            }
        }
    }

    private string PathOf(ulong sequence) => Path.Combine(_folder, sequence.ToString("D20", CultureInfo.InvariantCulture) + Extension);

    private string PositionPath => Path.Combine(_folder, "position");

    private (ulong Epoch, ulong Next)? ReadPosition()
    {
        var text = DurableFile.Read(PositionPath) is { } content ? System.Text.Encoding.ASCII.GetString(content).Split(' ', '\n') : [];
        return text.Length >= 2
            && ulong.TryParse(text[0], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
            && ulong.TryParse(text[1], NumberStyles.None, CultureInfo.InvariantCulture, out var next)
            && epoch > 0 && next > 0
            ? (epoch, next)
            : null;
    }

    private (ulong Epoch, ulong Next) StartEpoch()
    {
        // Batches of an epoch whose numbers are lost cannot be told from copies of sent ones.
        foreach (var sequence in _sizes.Keys.ToList())
        {
            Delete(sequence);
            CountDropped();
        }

        // Written with the first batch, so that a full disk keeps no agent from starting.
        return (Math.Max(1, BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) >> 1), 1);
    }

    private void WritePosition(ulong epoch, ulong next) =>
        DurableFile.Write(PositionPath, System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{epoch} {next}\n")));
}
