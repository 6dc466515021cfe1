using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>Live connections that conntrack lost: until they are admitted again they are dropped, so that is tried until it succeeds, and said.</summary>
internal sealed class LostConnections(FirewallDriver firewall, Problems problems)
{
    private const string Topic = "live-connections";
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);
    private bool _again;

    /// <summary>How long to wait at most for something else to do.</summary>
    public TimeSpan Shorten(TimeSpan wait) => _again && wait > _pause ? _pause : wait;

    /// <summary>
    /// Finishes an apply: what conntrack alone knows of. What the controller sends meanwhile does not wait for it; then the rest of it goes on beside that, and
    /// if it fails live connections are judged again.
    /// </summary>
    /// <param name="inbox">Tells when something comes.</param>
    /// <param name="later">Is told what came of it if that was not waited for, on a thread of the pool.</param>
    /// <param name="cancel">Ends waiting.</param>
    public async Task<ApplyOutcome> SweepAsync(PolicyInbox inbox, Action<ApplyOutcome> later, CancellationToken cancel)
    {
        var sweep = firewall.SweepAsync(cancel);
        if (await Task.WhenAny(sweep, inbox.Coming) == sweep)
        {
            return await sweep;
        }

        _ = FinishAsync();
        return new((string?)null);

        async Task FinishAsync()
        {
            var outcome = await sweep;
            later(outcome);
            if (!outcome.Ok)
            {
                inbox.ReportLostConnections();
            }
        }
    }

    /// <summary>Judges them again if some were lost, or if that failed before; what came of it, or null.</summary>
    public async Task<ApplyOutcome?> SettleAsync(bool lost, CancellationToken cancel)
    {
        if (!lost && !_again)
        {
            return null;
        }

        var outcome = await firewall.SettleAsync(cancel);
        _again = !outcome.Ok;
        if (outcome.Ok)
        {
            problems.Clear(Topic);
        }
        else
        {
            problems.Set(Topic, new Failure
            {
                Code = "connections-not-settled",
                Message = $"Connections that conntrack lost could not be judged again: {outcome.Error}. They stay dropped until they are.",
                Remedy = "It is tried again every second. If it persists, check that the agent may use netlink.",
            });
        }

        return outcome;
    }
}
