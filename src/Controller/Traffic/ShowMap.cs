using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Traffic;

/// <summary><c>GET /api/v1/map</c>: groups and the links between them.</summary>
public static class ShowMap
{
    private const int MostScans = 50;

    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder api) =>
        api.MapGet("/map", Show).Requires(Permission.Read).WithSummary("The application dependency map of a window.");

    private static Results<Ok<MapView>, ProblemResult> Show(
        string? group, string? view, string? since, string? until, string? within, bool? noise, TrafficReader traffic, FlowStore store, AgentDirectory agents, TimeProvider time)
    {
        var problems = new List<Diagnostic>();
        var (snapshot, now) = (traffic.Current, time.GetUtcNow());
        var grouping = MapGrouping.Parse(group, within, snapshot.LabelKeys, problems);
        var window = TrafficWindow.Parse(since, until, now, problems);
        var verdicts = QueryEnum.Parse<TrafficView>(view, "view", problems) ?? TrafficView.Reported;
        if (problems.Count > 0)
        {
            return new ProblemResult(Problems.Invalid(problems));
        }

        var picture = traffic.Read(window, snapshot);
        var map = MapBuilder.Build(
            picture, grouping!, verdicts, noise ?? false,
            workload => workload.Managed && (!agents.IsConnected(workload.Id) || picture.Sample.Gaps.GetValueOrDefault(workload.Id.Value).Lost > 0), now);
        return TypedResults.Ok(map with
        {
            Degraded = agents.Observations.Count(observation => observation.Value.Report.Telemetry is { Degraded.Length: > 0 }),
            Scans = [.. store.Scans(window.Since, window.Until).Take(MostScans).Select(picture.ToView)],
        });
    }
}
