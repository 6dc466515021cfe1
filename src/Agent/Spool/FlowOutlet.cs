using Bulkhead.Agent.Live;
using Bulkhead.Agent.Names;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Spool;

/// <summary>What becomes of a window once it is closed: scans are summed up, names added, and it is given to those who follow and to the spool.</summary>
internal sealed class FlowOutlet(FlowSpool spool, NameTable names, FlowFollowers followers, BootClock boot)
{
    /// <summary>Takes a window that has just ended.</summary>
    /// <exception cref="IOException">It could not be kept; those who follow have it all the same.</exception>
    public void Add(FlowBatch batch)
    {
        ScanCondenser.Condense(batch);
        names.AddTo(batch);
        followers.Publish(batch);
        batch.Boot = boot.Boot;
        batch.WindowBootMs = (ulong)Math.Max(0, boot.NowMs - batch.WindowMs);
        spool.Add(batch);
    }
}
