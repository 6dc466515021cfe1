using Bulkhead.Agent.State;
using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Channel;

/// <summary>
/// Keeps the agent's certificate fresh: renews it, with a new key, when 2/3 of its lifetime are over by the wall clock. Where that clock is ahead of the
/// controller's, so that a fresh one looks as old as that, the next is asked for once 1/24 of the lifetime has passed, an hour of a day's.
/// </summary>
internal sealed class CertificateRenewal(ControllerLink link, StateDirectory state, Problems problems, TimeProvider time, ILogger log)
{
    private const string Topic = "certificate";
    private const int RestsOfLifetime = 24;

    private readonly Backoff _backoff = new(Random.Shared.NextDouble);

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (true)
        {
            await WaitUntilAsync(DueAt(link.Validity.From, link.Validity.To), cancel);
            try
            {
                var renewed = await Pairing.RenewAsync(link.Client, link.Identity, cancel);
                renewed.Save(state);
                link.Replace(renewed);
                problems.Clear(Topic);
                _backoff.Reset();
                log.CertificateRenewed(link.Validity.To);
                await RestIfDueAsync(link.Validity.From, link.Validity.To, cancel);
            }
            catch (Exception failed) when (ChannelFaults.IsExpected(failed) && !cancel.IsCancellationRequested)
            {
                var expired = time.GetUtcNow() >= link.Validity.To;
                problems.Set(Topic, new Failure
                {
                    Code = expired ? "certificate-expired" : "certificate-not-renewed",
                    Message = $"The agent's certificate {(expired ? "expired" : "expires")} at {link.Validity.To:u}, and renewing it failed: {ChannelFaults.Describe(failed)}",
                    Remedy = expired ? "If the controller refuses for good, pair the host again." : "None yet: it is tried again.",
                });
                log.RenewalFailed(ChannelFaults.Describe(failed));
                await Task.Delay(_backoff.Next(ChannelFaults.Wait(failed)), time, cancel);
            }
        }
    }

    /// <summary>When a certificate is to be renewed.</summary>
    public static DateTimeOffset DueAt(DateTimeOffset from, DateTimeOffset to) => from + ((to - from) * 2 / 3);

    /// <summary>By a wrong clock the fresh certificate is due already, as each after it would be: without a rest one would be asked for after the other.</summary>
    private Task RestIfDueAsync(DateTimeOffset from, DateTimeOffset to, CancellationToken cancel) =>
        time.GetUtcNow() >= DueAt(from, to) ? Task.Delay((to - from) / RestsOfLifetime, time, cancel) : Task.CompletedTask;

    private async Task WaitUntilAsync(DateTimeOffset due, CancellationToken cancel)
    {
        // In steps, since a timer does not follow a clock that is set, nor a suspended host.
        while (due - time.GetUtcNow() is { Ticks: > 0 } left)
        {
            await Task.Delay(left < TimeSpan.FromMinutes(1) ? left : TimeSpan.FromMinutes(1), time, cancel);
        }
    }
}
