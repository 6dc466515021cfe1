using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Traffic;
using Bulkhead.Policy;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Policies;

/// <summary><c>GET /api/v1/policy/draft/plan</c>: what provisioning the draft, or some of its changes, would do. It changes nothing.</summary>
public static class PlanEndpoint
{
    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder policy) =>
        policy.MapGet("/draft/plan", ShowAsync).Requires(Permission.Read).WithSummary("What provisioning the draft, or some of its changes, would do.");

    private static async Task<Results<Ok<ProvisionPlan>, ProblemResult>> ShowAsync(
        string[]? only, string? since, string? until, TrafficReader traffic, PlanViews views, TimeProvider time, CancellationToken cancellation)
    {
        var problems = new List<Diagnostic>();
        var (snapshot, now) = (traffic.Current, time.GetUtcNow());
        var window = TrafficWindow.Parse(since, until, now, problems);
        if (problems.Count > 0)
        {
            return new ProblemResult(Problems.Invalid(problems));
        }

        var planned = DraftPlan.Of(snapshot, only);
        if (planned.Value is not { } plan)
        {
            return new ProblemResult(planned.Refusal!);
        }

        return TypedResults.Ok(await views.OfAsync(snapshot, plan, snapshot.DraftPolicy.Document, window, now, cancellation).ConfigureAwait(false));
    }
}
