using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Policies.Approvals;
using Bulkhead.Controller.Policies.Trials;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Traffic;
using Bulkhead.Policy;
using Bulkhead.Policy.Assertions;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Policies;

/// <summary><c>GET /api/v1/policy/draft/plan</c>: what provisioning the draft, or some of its changes, would do. It changes nothing.</summary>
public static class PlanEndpoint
{
    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder policy) =>
        policy.MapGet("/draft/plan", ShowAsync).Requires(Permission.Read).WithSummary("What provisioning the draft, or some of its changes, would do.");

    private static async Task<Results<Ok<ProvisionPlan>, ProblemResult>> ShowAsync(
        string[]? only, string? since, string? until, TrafficReader traffic, AdminSessions sessions, Ledger ledger, TimeProvider time, CancellationToken cancellation)
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

        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var compiled = plan.Compile();
        var (enforced, draft) = (snapshot.Provisioned, snapshot.DraftPolicy);
        return TypedResults.Ok(new ProvisionPlan(
            enforced.Number,
            draft.Version,
            PolicyViews.Changes(enforced.Document, plan.Document),
            [.. plan.Carried.Select(carried => new CarriedChange(carried.Part.ToString(), carried.With.ToString()))],
            PolicyViews.Changes(plan.Document, draft.Document),
            DraftProofs.EffectsOf(enforced.Model, plan.Model, now, inForce: true),
            ShowImpact.Of(traffic.Read(window, snapshot, () => compiled)),
            await ApprovalGate.ConcernedAsync(database, snapshot, plan.Document, plan.Model, cancellation).ConfigureAwait(false),
            [
                .. PolicyViews.DiagnosticsOf(plan.Checked, compiled)
                    .Concat(AssertionChecker.Check(plan.Model, now, snapshot.Workloads).Select(proof => proof.ToDiagnostic()).OfType<Diagnostic>())
                    .Concat(sessions.CutBy(compiled, snapshot.Enforced, now)).Concat(TrialEdits.EndedBy(snapshot, plan.Document)).Select(Problems.ToView),
            ]));
    }
}
