using Bulkhead.Agent.Channel;
using Bulkhead.Agent.Linux;
using Bulkhead.Agent.Live;
using Bulkhead.Agent.Policies;
using Bulkhead.Agent.Spool;
using Bulkhead.Agent.State;
using Bulkhead.Agent.Telemetry;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Reporting;

/// <summary>Writes the status file: when <c>changed</c> is set, and every 30 s.</summary>
internal sealed class StatusWriter(
    StateDirectory state, ControllerLink link, PolicyLoop policies, Problems problems, FlowSpool spool, TelemetryLoop telemetry, WindowPace pace, PeerWait peers, ConntrackWatch conntrack, Signal changed, TimeProvider time, ILogger log)
{
    /// <summary>How long at most between two writes; a much older file means that the agent is not running.</summary>
    public static TimeSpan Interval { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                Current().Save(state);
            }
            catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
            {
                log.StatusNotWritten(failed.Message);
            }

            await changed.WaitAsync(Interval, time, cancel);
        }
    }

    private AgentStatus Current()
    {
        var enforced = policies.State;
        return new AgentStatus
        {
            At = time.GetUtcNow(),
            Pid = Environment.ProcessId,
            Workload = link.Identity.WorkloadId,
            Controller = link.Identity.Controller.ToString(),
            Connected = link.Connected,
            Generation = enforced.Applied?.ToString(),
            Inbound = enforced.Modes.Inbound,
            Outbound = enforced.Modes.Outbound,
            FailSafe = enforced.FailSafe,
            Panic = enforced.Panic,
            Confirmed = enforced.Confirmed,
            WaitsForPeers = peers.For,
            Version = HostFacts.Version,
            Connections = conntrack.Use.Count,
            PeakConnections = conntrack.Peak,
            MostConnections = conntrack.Use.Most,
            CertificateUntil = link.Validity.To,
            BatchesWaiting = spool.Count,
            BatchesDropped = spool.Dropped,
            EventsLost = telemetry.Lost,
            WindowSeconds = (int)pace.Length.TotalSeconds,
            Degraded = pace.Degraded,
            Tampered = policies.Tampered,
            Problems = [.. problems.Current.Select(problem => new StatusProblem(problem.Code, problem.Message, problem.Remedy))],
        };
    }
}
