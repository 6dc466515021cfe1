using System.Globalization;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Controller.Traffic;
using Bulkhead.Policy;
using Bulkhead.Policy.Documents;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Policies.Approvals;

/// <summary>
/// <c>/api/v1/policy/approvals/{number}/policy</c> and <c>/plan</c>: exactly what an approval approves. The request keeps it, so that it is the same
/// whatever becomes of the draft.
/// </summary>
public static class RequestedPolicyEndpoints
{
    /// <summary>Maps them.</summary>
    public static void Map(RouteGroupBuilder approvals)
    {
        approvals.MapGet("/{number:long}/policy", ReadAsync).Requires(Permission.Read).WithSummary("The policy that a request for approval is about.");
        approvals.MapGet("/{number:long}/plan", ShowAsync).Requires(Permission.Read).WithSummary("What the policy of a request would do in place of the revision in force.");
    }

    private static async Task<Results<Ok<PolicyDocument>, ProblemResult>> ReadAsync(long number, Ledger ledger, CancellationToken cancellation) =>
        (await FindAsync(number, ledger, cancellation).ConfigureAwait(false)).Select(row => StoredText.Policy(row.Policy!)).Ok();

    private static async Task<Results<Ok<ProvisionPlan>, ProblemResult>> ShowAsync(
        long number, string? since, string? until, TrafficReader traffic, PlanViews views, Ledger ledger, TimeProvider time, CancellationToken cancellation)
    {
        var problems = new List<Diagnostic>();
        var (snapshot, now) = (traffic.Current, time.GetUtcNow());
        var window = TrafficWindow.Parse(since, until, now, problems);
        if (problems.Count > 0)
        {
            return new ProblemResult(Problems.Invalid(problems));
        }

        var found = await FindAsync(number, ledger, cancellation).ConfigureAwait(false);
        if (found.Value is not { } row)
        {
            return new ProblemResult(found.Refusal!);
        }

        if (row.Base != snapshot.Provisioned.Number)
        {
            return new ProblemResult(Problems.Conflict(
                "approval-void", $"Request {number} was to change revision {row.Base}, and revision {snapshot.Provisioned.Number} is in force.",
                row.Revision is { } revision ? $"It became revision {revision}." : "Let it be asked for again."));
        }

        var planned = DraftPlan.Of(snapshot, StoredText.Policy(row.Policy!));
        return planned.Value is { } plan
            ? TypedResults.Ok(await views.OfAsync(snapshot, plan, row.Restores is null ? snapshot.DraftPolicy.Document : plan.Document, window, now, cancellation).ConfigureAwait(false))
            : new ProblemResult(planned.Refusal!);
    }

    private static async Task<Outcome<ApprovalRow>> FindAsync(long number, Ledger ledger, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        return await database.Approvals.AsNoTracking().SingleOrDefaultAsync(row => row.Number == number, cancellation).ConfigureAwait(false) is not { } row
            ? Problems.NotFound("request for approval", number.ToString(CultureInfo.InvariantCulture))
            : row.Policy is null ? Problems.Conflict("approval-void", $"Request {number} is of an earlier version, which did not keep its policy.", "Let it be asked for again.")
            : row;
    }
}
