using System.Globalization;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Spectre.Console;

namespace Bulkhead.Cli.Workloads;

/// <summary>All of one workload, for people.</summary>
internal static class WorkloadSheet
{
    public static void Write(Call call, WorkloadDetail detail)
    {
        var workload = detail.Workload;
        var terminal = call.Terminal;
        var facts = Listing.Facts()
            .Row("workload", workload.Name)
            .Row("id", workload.Id.ToString())
            .Row("labels", workload.Labels.Count == 0 ? "none" : Words.Labels(workload.Labels))
            .Row("addresses", string.Join(' ', workload.Addresses))
            .Row("mode", Words.Modes(workload.Inbound, workload.Outbound))
            .Row("state", State(workload));
        if (workload.Managed)
        {
            facts.Row("policy", workload.AppliedGeneration ?? "none applied")
                .Row("last seen", workload.LastSeen.Ago(call.Now))
                .Row("agent", detail.AgentVersion)
                .Row("system", $"{detail.Os}, kernel {detail.Kernel}")
                .Row("connections", detail.Tracking is { } tracking ? $"{tracking.Connections.Text()} of {tracking.Limit.Text()} tracked, {tracking.Peak.Text()} at most so far" : "not reported")
                .Row("enforces", string.Join(' ', detail.Features));
            if (detail.Telemetry is { } telemetry)
            {
                facts.Row("reports", telemetry.Degraded ?? string.Create(CultureInfo.InvariantCulture, $"every {telemetry.WindowSeconds} s"))
                    .Row("events lost", telemetry.LostEvents.Text());
            }
        }

        facts.WriteTo(terminal.Out, "");
        if (workload.Problems.Count > 0)
        {
            terminal.Out.WriteLine();
            terminal.Report(workload.Problems);
        }

        if (detail.Listeners.Count > 0)
        {
            terminal.Out.WriteLine();
            var listeners = new Listing("listens on", "address", "process", "unit", "user");
            foreach (var listener in detail.Listeners)
            {
                listeners.Row(listener.Port, listener.Address ?? "any", listener.Process?.Path ?? "unknown", listener.Process?.Unit, listener.Process?.User);
            }

            listeners.WriteTo(terminal.Out, "");
        }

        if (detail.Sessions.Count > 0)
        {
            terminal.Out.WriteLine();
            var sessions = new Listing("signed in", "kind", "line", "from", "at port", "since");
            foreach (var session in detail.Sessions)
            {
                sessions.Row(session.User, session.Kind, session.Line, session.From, session.Port is { } port ? $"tcp/{port}" : "", session.Since is { } since ? since.Ago(call.Now) : "");
            }

            sessions.WriteTo(terminal.Out, "");
        }

        if (detail.Policy.Count > 0)
        {
            terminal.Out.WriteLine();
            var policy = new Listing("direction", "policy, in the order in which it decides", "rule");
            foreach (var sentence in detail.Policy)
            {
                policy.Row(sentence.Direction, sentence.Sentence, sentence.RuleId is { } id ? $"{id} of {sentence.Ruleset}" : "");
            }

            policy.WriteTo(terminal.Out, "");
        }
    }

    /// <summary>The agent's state; quarantine goes before it.</summary>
    public static Cell State(WorkloadView workload) => workload.Quarantined ? new("quarantined", new Style(Color.Red)) : Words.Sync(workload.Sync);
}
