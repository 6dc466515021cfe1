using Bulkhead.Agent.Live;
using Bulkhead.Agent.Names;
using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Spool;

/// <summary>
/// What becomes of a window once it is closed: scans are summed up, names added, and it is given to those who follow and, in parts that the controller takes,
/// to the spool.
/// </summary>
internal sealed class FlowOutlet(FlowSpool spool, NameTable names, FlowFollowers followers, BootClock boot, ILogger log)
{
    /// <summary>Takes a window that has just ended.</summary>
    /// <returns>How many connections are lost with what could not be kept; those who follow have it all the same.</returns>
    public ulong Add(FlowBatch batch)
    {
        ScanCondenser.Condense(batch);
        names.AddTo(batch);
        followers.Publish(batch);
        var began = (ulong)Math.Max(0, boot.NowMs - batch.WindowMs);
        var lost = 0UL;
        foreach (var part in BatchParts.Of(batch))
        {
            (part.Boot, part.WindowBootMs) = (boot.Boot, began);
            var held = FlowLoss.Of(part);
            try
            {
                spool.Add(part);
            }
            catch (IOException failed)
            {
                lost += held;
                log.SpoolFailed(failed.Message);
            }
        }

        return lost;
    }
}
