using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Telemetry;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Enforcement.Marks;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>
/// Makes live connections as a policy says, after its rules: each socket first, then its entry in conntrack. TCP connections are found by the
/// host's sockets and their entries by name; only what has no socket needs conntrack's list, which is read last, since the kernel walks its
/// whole hash table for it (20 ms where 262,144 chains are the rule).
/// </summary>
internal sealed class ConnectionSettler(Conntrack conntrack, SocketDiagnostics sockets, LocalAddresses addresses, SocketOwners? owners, TrackingGap? gap)
{
    // A handshake that the old rules let begin may bring up a socket after the sockets were read.
    private const int Passes = 3;

    private static readonly uint _states = SocketDiagnostics.AllStates
        & ~SocketDiagnostics.States(SocketState.TimeWait, SocketState.Close);

    private uint HelperMark => owners?.Mask ?? MarkTable.DefaultMask;

    /// <summary>Puts connections that conntrack does not know into it; for before the first rules, which start it, and those that track what was not.</summary>
    /// <param name="evaluator">The policy.</param>
    /// <param name="areTracked">Whether connections have been tracked all along.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public ApplyOutcome Admit(HostEvaluator evaluator, bool areTracked)
    {
        if (areTracked)
        {
            gap?.Close();
        }
        else
        {
            gap?.Begin();
        }

        var tracked = conntrack.Dump();
        // Reading them has loaded conntrack, and what it is told applies to what is admitted from here on.
        ConntrackSettings.TryEnable();
        var changes = LiveConnections.Judge(evaluator, addresses.Read(), tracked, ReadSockets(evaluator.Policy));
        return new(null, Admitted: changes.Admit.Count(Admit));
    }

    /// <summary>Ends what the policy, which is in force, forbids, and admits what conntrack has lost.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public ApplyOutcome Settle(HostEvaluator evaluator) => End(evaluator).And(Finish(evaluator, conntrack.Dump()));

    /// <summary>The first part of it: ends TCP connections that have a socket, which takes no walk through conntrack.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public ApplyOutcome End(HostEvaluator evaluator)
    {
        var local = addresses.Read();
        var outcome = new ApplyOutcome((string?)null);
        for (var pass = 0; pass < Passes; pass++)
        {
            var table = ReadSockets(evaluator.Policy);
            var before = outcome.Destroyed;
            foreach (var suspect in LiveConnections.Suspects(evaluator, local, table))
            {
                outcome = End(suspect, entry => LiveConnections.IsForbidden(evaluator, local, table, entry, packet => conntrack.Find(packet, entry.Zone)), outcome);
            }

            if (outcome.Destroyed == before)
            {
                break;
            }
        }

        return outcome;
    }

    /// <summary>The rest of it, by all that conntrack held at a moment when no rules older than the policy's were in force any more.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public ApplyOutcome Finish(HostEvaluator evaluator, IReadOnlyList<TrackedConnection> tracked)
    {
        var (local, table) = (addresses.Read(), ReadSockets(evaluator.Policy));
        foreach (var session in LiveConnections.HelpedNoMore(evaluator, local, tracked, table, HelperMark))
        {
            conntrack.Unmark(session, HelperMark);
        }

        var changes = LiveConnections.Judge(evaluator, local, tracked, table);
        var forgotten = changes.Forget.Concat(LiveConnections.ToBeHelped(evaluator, local, tracked, table, HelperMark)).Distinct().ToList();
        return new(null, Admitted: changes.Admit.Count(Admit), Destroyed: changes.Destroy.Count(sockets.Destroy), Forgotten: forgotten.Count(conntrack.Delete));
    }

    private bool Admit(LostConnection lost) => conntrack.Admit(lost, HelperMark);

    private ApplyOutcome End(SuspectSocket suspect, Func<TrackedConnection, bool> isForbidden, ApplyOutcome outcome)
    {
        var entry = conntrack.Find(suspect.Socket.Outgoing);
        if (entry is not null && !isForbidden(entry))
        {
            return outcome;
        }

        // Without an entry the reset would be a stray, and dropped.
        var admitted = entry is null && Admit(new LostConnection(suspect.Original, suspect.Socket.State));
        var destroyed = sockets.Destroy(suspect.Socket);
        var forgotten = (admitted ? conntrack.Find(suspect.Original) : entry) is { } known && conntrack.Delete(known);
        return outcome with
        {
            Admitted = outcome.Admitted + (admitted ? 1 : 0),
            Destroyed = outcome.Destroyed + (destroyed ? 1 : 0),
            Forgotten = outcome.Forgotten + (forgotten ? 1 : 0),
        };
    }

    private SocketTable ReadSockets(HostPolicy policy)
    {
        var found = sockets.Dump(IpProtocol.Tcp, _states);
        if (owners is null || !policy.HasSocketConditions)
        {
            return new(found);
        }

        found.AddRange(sockets.Dump(IpProtocol.Udp, SocketDiagnostics.AllStates));
        return new(found, owners.Facts());
    }
}
