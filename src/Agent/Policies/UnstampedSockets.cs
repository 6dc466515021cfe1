using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>Sockets that could not be stamped with their owners: no allow for an executable or user holds for them, so that is tried until it succeeds, and said.</summary>
internal sealed class UnstampedSockets(FirewallDriver firewall, Problems problems, TimeProvider time)
{
    private const string Topic = "unstamped-sockets";
    private const int Told = 3;
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(2);
    private long? _tried;

    /// <summary>How long to wait at most for something else to do.</summary>
    public TimeSpan Shorten(TimeSpan wait) => firewall.Unstamped.Count > 0 && wait > _pause ? _pause : wait;

    /// <summary>Tries again if some are left and it is time; what came of it, or null.</summary>
    public async Task<ApplyOutcome?> TendAsync(CancellationToken cancel)
    {
        ApplyOutcome? outcome = null;
        if (firewall.Unstamped.Count > 0 && _tried is { } tried && time.GetElapsedTime(tried) >= _pause)
        {
            outcome = await firewall.RestampAsync(cancel);
            _tried = time.GetTimestamp();
        }

        if (firewall.Unstamped is { Count: > 0 } left)
        {
            _tried ??= time.GetTimestamp();
            problems.Set(Topic, new Failure
            {
                Code = "sockets-not-stamped",
                Message = $"{left.Count} socket{(left.Count == 1 ? "" : "s")} could not be stamped with their owners: {string.Join("; ", left.Take(Told))}{(left.Count > Told ? "; …" : "")}. Allows for executables and users do not hold for them.",
                Remedy = "It is tried again every 2 s. Restart the processes; if it persists, find out which program or security module forbids it.",
            });
        }
        else
        {
            _tried = null;
            problems.Clear(Topic);
        }

        return outcome;
    }
}
