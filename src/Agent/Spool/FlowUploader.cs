using Bulkhead.Agent.Channel;
using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Spool;

/// <summary>Sends the spool's batches in order, one at a time, each until it is acknowledged.</summary>
internal sealed class FlowUploader(FlowSpool spool, ControllerLink link, BootClock boot, TimeProvider time, ILogger log)
{
    private readonly Backoff _backoff = new(Random.Shared.NextDouble);

    /// <summary>How many batches the controller refused for good.</summary>
    public ulong Refused { get; private set; }

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (true)
        {
            if (spool.Peek() is not { } batch)
            {
                await spool.Added.WaitAsync(TimeSpan.FromMinutes(1), time, cancel);
                continue;
            }

            try
            {
                batch.AgeMs = batch.Boot == boot.Boot ? (ulong)Math.Max(1, boot.NowMs - (long)batch.WindowBootMs) : 0;
                (batch.Boot, batch.WindowBootMs) = ("", 0);
                batch.SentUnixMs = time.GetUtcNow().ToUnixTimeMilliseconds();
                var ack = await link.Client.PostAsync("/agent/v1/flows", batch, FlowAck.Parser, cancel);
                if (ack.SpoolEpoch != batch.SpoolEpoch || ack.Sequence != batch.Sequence)
                {
                    throw ChannelException.Malformed($"Flow batch {batch.Sequence} was answered with an acknowledgement of {ack.Sequence}.");
                }

                spool.Remove(batch.Sequence);
                _backoff.Reset();
            }
            catch (ChannelException refused) when (refused.IsFinal)
            {
                Refused++;
                log.BatchRefused(batch.Sequence, refused.Message);
                spool.Drop(batch.Sequence);
            }
            catch (Exception fault) when (ChannelFaults.IsExpected(fault) && !cancel.IsCancellationRequested)
            {
                log.DeliveryFailed(spool.Count, ChannelFaults.Describe(fault));
                await Task.Delay(_backoff.Next(ChannelFaults.Wait(fault)), time, cancel);
            }
        }
    }
}
