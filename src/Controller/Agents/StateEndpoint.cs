using System.Net;
using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Live;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Agents;

/// <summary><c>POST /agent/v1/state</c>: what an agent observes and enforces. Only its addresses and features change tables.</summary>
public sealed class StateEndpoint(
    AgentDirectory directory, LiveState live, Ledger ledger, LiveFeed feed, FeatureLosses losses, KnownToPeers peers, TimeProvider time, ILogger<StateEndpoint> logger)
{
    private const int MaxBytes = 4 * 1024 * 1024;
    private const int MaxAddresses = 4096;
    private const int MaxListeners = 10_000;
    private const int MaxProblems = 100;
    private const int MaxSessions = 1000;
    private const int MaxText = 256;
    private const long LatestTime = 253_402_300_799_999; // the last millisecond that DateTimeOffset holds

    /// <summary>Takes one report.</summary>
    public async Task<IResult> ReceiveAsync(HttpContext context)
    {
        var agent = context.Agent();
        var cancellation = context.RequestAborted;
        var report = await context.Request.ReadAsync(StateReport.Parser, MaxBytes).ConfigureAwait(false);
        if (report is null || Check(report) is not { } addresses)
        {
            return AgentAnswer.Malformed("The state report is malformed or truncated.");
        }

        var remote = context.Connection.RemoteIpAddress ?? IPAddress.None;
        if (agent.BindingIn(live.Current) is not { } binding)
        {
            return AgentAuthentication.Revoked();
        }

        if (!IsSameHost(agent, binding, report.Identity, remote))
        {
            await PolicyStream.ReportCloneAsync(directory, ledger, logger, agent, remote, cancellation).ConfigureAwait(false);
            return PolicyStream.Clone(agent);
        }

        var now = time.GetUtcNow();
        var before = directory.Observe(agent.Workload, report, now);
        await CheckGenerationAsync(agent, report, cancellation).ConfigureAwait(false);
        await ClaimAsync(agent, report, addresses, cancellation).ConfigureAwait(false);
        if (before is null || !Equals(before.Report.Applied, report.Applied) || !before.Report.Problems.Equals(report.Problems))
        {
            feed.Publish(LiveKinds.Workloads | LiveKinds.Rollout);
        }

        return AgentAnswer.Of(new StateAck { ServerUnixMs = now.ToUnixTimeMilliseconds(), Peers = report.AsksPeers ? peers.Of(agent.Workload, live.Current) : null });
    }

    private static IReadOnlyList<IpAddress>? Check(StateReport report) =>
        report.Identity is not null && report.Agent is not null
        && report.Listeners.Count <= MaxListeners && report.Problems.Count <= MaxProblems && report.Agent.Features.Count <= MaxProblems
        && report.Listeners.All(l => l.Port <= ushort.MaxValue && l.Protocol <= byte.MaxValue && l.Process <= report.Processes.Count && l.Address.Length is 0 or 4 or 16)
        && report.Sessions.Count <= MaxSessions && report.Sessions.All(IsSession) && (report.Telemetry is not { } telemetry || telemetry.Degraded.Length <= MaxText)
        && report.Agent.Features.All(feature => feature.Length is > 0 and <= 64 && !feature.Any(char.IsWhiteSpace))
        && AddressClaims.Read(report) is { Count: <= MaxAddresses } addresses
            ? addresses
            : null;

    private static bool IsSession(UserSession session) =>
        session.User.Length <= MaxText && session.Kind.Length <= MaxText && session.Line.Length <= MaxText
        && session.Remote.Length is 0 or 4 or 16 && session.Port <= ushort.MaxValue && session.SinceUnixMs <= LatestTime;

    private bool IsSameHost(AgentIdentity agent, AgentBinding binding, HostIdentity identity, IPAddress remote) =>
        binding.MachineId == identity.MachineId && binding.HardwareUuid == identity.HardwareUuid
        && (directory.Remote(agent.Workload) is not { } holder || holder.Equals(remote));

    /// <summary>An agent that is ahead proves that the controller's database was restored: until a new epoch begins it refuses every policy.</summary>
    private async Task CheckGenerationAsync(AgentIdentity agent, StateReport report, CancellationToken cancellation)
    {
        if (IsAhead(report))
        {
            // Another controller may have told it what this one has not followed yet.
            await ledger.FollowAsync(cancellation).ConfigureAwait(false);
        }

        var newest = live.Current.Settings.Generation;
        if (report.Applied is { } applied && IsAhead(report))
        {
            Log.GenerationAhead(logger, agent.Name, $"{applied.Epoch}.{applied.Number}", newest.ToString());
            directory.Flag(agent.Workload, Diagnostic.Error("generation-ahead", "generation",
                $"The host enforces generation {applied.Epoch}.{applied.Number}, newer than any that this controller knows: its database was restored. Stop the controller and run 'bulkhead-controller new-epoch'."));
        }
        else
        {
            directory.Clear(agent.Workload, "generation-ahead");
        }
    }

    private bool IsAhead(StateReport report) =>
        live.Current.Settings.Generation is var newest && report.Applied is { } applied && (applied.Epoch, applied.Number).CompareTo((newest.Epoch, newest.Number)) > 0;

    private async Task ClaimAsync(AgentIdentity agent, StateReport report, IReadOnlyList<IpAddress> addresses, CancellationToken cancellation)
    {
        var features = report.Agent.Features.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToEquatableArray();
        var (claims, entry) = Decide(live.Current, agent, addresses);
        var lost = entry is null ? null : losses.Note(entry, features);
        if (claims is not null && (claims.Held != entry!.Workload.Addresses || features != entry.Workload.Features))
        {
            await ledger.WriteAsync<bool>($"agent:{agent.Name}", async (edit, token) =>
            {
                var row = await edit.Database.Workloads.Include(w => w.Addresses).SingleOrDefaultAsync(w => w.Id == agent.Workload.Value, token).ConfigureAwait(false);
                (claims, _) = Decide(edit.Before, agent, addresses);
                if (row is null || claims is null)
                {
                    return Outcomes.Tried(false);
                }

                await claims.ApplyAsync(edit, row, token).ConfigureAwait(false);
                row.Features = string.Join(' ', features);
                if (lost is not null)
                {
                    edit.Audit("agent.features-lost", agent.Name, lost);
                }

                return true;
            }, cancellation).ConfigureAwait(false);
        }

        directory.SetConflicts(agent.Workload, claims?.Conflicts ?? []);
        if (claims?.Outside is { Count: > 0 } outside)
        {
            directory.Flag(agent.Workload, Diagnostic.Warning("address-not-admitted", "addresses",
                $"{string.Join(", ", outside)}: outside the networks of the key that this host was paired with, so it does not count."));
        }
        else
        {
            directory.Clear(agent.Workload, "address-not-admitted");
        }
    }

    /// <summary>Another's address goes only to a host that is admitted and connected, and only once its holder is gone.</summary>
    private (AddressClaims? Claims, WorkloadEntry? Entry) Decide(LiveSnapshot snapshot, AgentIdentity agent, IReadOnlyList<IpAddress> addresses)
    {
        if (agent.BindingIn(snapshot) is not { } binding)
        {
            return (null, null);
        }

        var entry = snapshot.Entries[agent.Workload];
        var mayTake = entry.Workload.Admitted && directory.IsConnected(agent.Workload);
        return (AddressClaims.Decide(agent.Workload, addresses, binding.Networks, snapshot.Holders, holder => mayTake && directory.IsGone(holder)), entry);
    }
}
