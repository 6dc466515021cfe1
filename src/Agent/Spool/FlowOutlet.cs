using Bulkhead.Agent.Live;
using Bulkhead.Agent.Names;
using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Spool;

/// <summary>
/// What becomes of a window once it is closed: scans are summed up, names added, and it is given to those who follow and, in parts that the controller takes,
/// to the spool. That is done behind the caller's back, in order, since disks may stand still while the kernel's events do not.
/// </summary>
internal sealed class FlowOutlet(FlowSpool spool, NameTable names, FlowFollowers followers, BootClock boot, ILogger log)
{
    /// <summary>How many windows may wait for the disk.</summary>
    public const int MostWaiting = 4;

    private readonly Lock _gate = new();
    private Task _last = Task.CompletedTask;
    private int _waiting;
    private FlowLoss _lost;

    /// <summary>Whether an earlier run told of this host's connections.</summary>
    public bool HasHistory => spool.HasHistory;

    /// <summary>Takes a window that has just ended; for one thread. One too many is lost, and counted.</summary>
    public void Add(FlowBatch batch)
    {
        if (_last.IsFaulted)
        {
            Flush();
        }

        if (Interlocked.Increment(ref _waiting) > MostWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            Lose(FlowLoss.Of(batch));
            log.SpoolFailed("the disk is too slow");
            return;
        }

        _last = KeepAfterAsync(_last, batch, boot.NowMs);
    }

    /// <summary>What was lost with windows that could not be kept, since this was last asked; those who follow may have them all the same.</summary>
    public FlowLoss TakeLost()
    {
        lock (_gate)
        {
            var lost = _lost;
            _lost = default;
            return lost;
        }
    }

    /// <summary>Waits until all that was added is kept, or lost.</summary>
    public void Flush() => _last.GetAwaiter().GetResult();

    private async Task KeepAfterAsync(Task before, FlowBatch batch, long endedMs)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Keep(batch, (ulong)Math.Max(0, endedMs - batch.WindowMs));
        Interlocked.Decrement(ref _waiting);
    }

    private void Keep(FlowBatch batch, ulong beganMs)
    {
        ScanCondenser.Condense(batch);
        names.AddTo(batch);
        followers.Publish(batch);
        foreach (var part in BatchParts.Of(batch))
        {
            (part.Boot, part.WindowBootMs) = (boot.Boot, beganMs);
            var held = FlowLoss.Of(part);
            try
            {
                spool.Add(part);
            }
            catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
            {
                Lose(held);
                log.SpoolFailed(failed.Message);
            }
        }
    }

    private void Lose(FlowLoss lost)
    {
        lock (_gate)
        {
            _lost += lost;
        }
    }
}
