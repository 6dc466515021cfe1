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
        workloads.MapGet("/{idOrName}", Show).RequireAuthorization(Roles.Viewer).WithSummary("One workload, with its listeners and its policy as sentences.");

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
                [.. (report?.Listeners ?? []).Select(listener => ToView(listener, report!)).OrderBy(l => l.Port, StringComparer.Ordinal).ThenBy(l => l.Address, StringComparer.Ordinal)],
                PolicySentences.Of(entry, snapshot));
        }).Ok();
    }

    private static ListenerView ToView(Listener listener, StateReport report)
    {
        var process = listener.Process == 0 ? null : report.Processes[(int)listener.Process - 1];
        return new(
            $"{IpProtocol.NameOf((byte)listener.Protocol)}/{listener.Port}",
            IpAddress.TryRead(listener.Address.Span, out var address) ? address.ToString() : null,
            process is null ? null : new(process.Path, process.Name, process.Unit.Length == 0 ? null : process.Unit, process.User));
    }
}
