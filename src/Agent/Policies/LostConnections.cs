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
