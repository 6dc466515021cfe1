using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Traffic;

/// <summary><c>GET /api/v1/scans?since=&amp;until=</c>: who tried many addresses or ports without an answer, the newest first.</summary>
public static class ListScans
{
    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder api) =>
        api.MapGet("/scans", List).Requires(Permission.Read).WithSummary("Sources that tried many addresses or ports without an answer, the newest first.");

    private static Results<Ok<IReadOnlyList<ScanView>>, ProblemResult> List(string? since, string? until, TrafficReader traffic, FlowStore store, TimeProvider time)
    {
        var problems = new List<Diagnostic>();
        var window = TrafficWindow.Parse(since, until, time.GetUtcNow(), problems);
        if (problems.Count > 0)
        {
            return new ProblemResult(Problems.Invalid(problems));
        }

        var picture = traffic.Judge(traffic.Current);
        return TypedResults.Ok<IReadOnlyList<ScanView>>([.. store.Scans(window.Since, window.Until).Select(picture.ToView)]);
    }
}
