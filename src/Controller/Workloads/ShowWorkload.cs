using Bulkhead.Contracts.Agent;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Workloads;

/// <summary><c>GET /api/v1/workloads/{idOrName}</c>: all that is known of one.</summary>
public static class ShowWorkload
{
    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder workloads) =>
        workloads.MapGet("/{idOrName}", Show).Requires(Permission.Read).WithSummary("One workload, with its listeners and its policy as sentences.");

    private static Results<Ok<WorkloadDetail>, ProblemResult> Show(string idOrName, LiveState live, WorkloadViews views, AgentDirectory directory)
    {
        var snapshot = live.Current;
        return snapshot.Find(idOrName).Select(entry =>
        {
            var report = directory.Observation(entry.Workload.Id)?.Report;
            return new WorkloadDetail(
                views.Of(entry, snapshot),
                report?.Agent?.Version,
                report?.Agent?.Os,
                report?.Agent?.Kernel,
                [.. entry.Workload.Features],
                report?.Tracking is { } tracking ? new((long)tracking.Connections, (long)tracking.Limit, (long)tracking.Peak) : null,
                [.. (report?.Listeners ?? []).Select(listener => ToView(listener, report!)).OrderBy(l => l.Port, StringComparer.Ordinal).ThenBy(l => l.Address, StringComparer.Ordinal)],
                PolicySentences.Of(entry, snapshot),
                [.. (report?.Sessions ?? []).Select(ToView)],
                report?.Telemetry is { } telemetry ? new(telemetry.WindowMs / 1000.0, Filled(telemetry.Degraded), (long)Math.Min(telemetry.LostEvents, long.MaxValue)) : null);
        }).Ok();
    }

    private static ListenerView ToView(Listener listener, StateReport report)
    {
        var process = listener.Process == 0 ? null : report.Processes[(int)listener.Process - 1];
        return new(
            $"{IpProtocol.NameOf((byte)listener.Protocol)}/{listener.Port}",
            IpAddress.TryRead(listener.Address.Span, out var address) ? address.ToString() : null,
            process is null ? null : new(
                process.Path, process.Name, Filled(process.Unit), process.User, Filled(process.Owner), Filled(process.Container), process.Pid, (long)Math.Min(process.StartTime, long.MaxValue)));
    }

    private static SessionOnHost ToView(UserSession session) => new(
        session.User,
        session.Kind,
        Filled(session.Line),
        IpAddress.TryRead(session.Remote.Span, out var from) ? from.ToString() : null,
        session.Port == 0 ? null : (int)session.Port,
        session.SinceUnixMs <= 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(session.SinceUnixMs));

    private static string? Filled(string text) => text.Length == 0 ? null : text;
}
