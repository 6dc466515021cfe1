using System.Globalization;
using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Documents;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Policies.Approvals;

/// <summary><c>/api/v1/policy/approvals</c>: a second person's consent to what somebody would provision.</summary>
public static class ApprovalEndpoints
{
    private const int Most = 100;

    /// <summary>Maps them.</summary>
    public static void Map(RouteGroupBuilder policy)
    {
        var approvals = policy.MapGroup("/approvals");
        approvals.MapGet("", ListAsync).Requires(Permission.Read).WithSummary("Requests for approval, newest first; those before the newest revision until somebody asks again.");
        approvals.MapPost("", RequestAsync).Requires(Permission.Provision).WithSummary("Ask for approval of the draft, of some of its changes, or of a revision to restore.");
        RequestedPolicyEndpoints.Map(approvals);
        approvals.MapPost("/{number:long}/approve", ApproveAsync).Requires(Permission.Provision).WithSummary("Approve what somebody else asked for.");
        approvals.MapDelete("/{number:long}", WithdrawAsync).Requires(Permission.Provision).WithSummary("Withdraw a request, or the approval of one.");
    }

    private static async Task<Ok<IReadOnlyList<ApprovalView>>> ListAsync(Ledger ledger, LiveState live, CancellationToken cancellation)
    {
        var snapshot = live.Current;
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var rows = await database.Approvals.AsNoTracking().OrderByDescending(row => row.Number).ToListAsync(cancellation).ConfigureAwait(false);
        // Requests name the same changes again and again, and a policy may be large.
        var current = rows.Where(row => Candidate.MayBeCurrent(row, snapshot)).Select(row => row.Only).Distinct().ToDictionary(only => only, only => Candidate.HashOf(only, snapshot));
        return TypedResults.Ok<IReadOnlyList<ApprovalView>>([.. rows.Select(row => ToView(row, StateOf(row, snapshot, current.GetValueOrDefault(row.Only))))]);
    }

    private static async Task<Results<Ok<ApprovalView>, ProblemResult>> RequestAsync(RequestApproval request, ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation)
    {
        var outcome = await ledger.WriteAsync<ApprovalView>(user.Caller(), Permission.Provision, async (edit, caller, token) =>
        {
            var problems = new List<Diagnostic>();
            InputChecks.Text(request.Note, "note", "A note", problems);
            if (request is { Restore: not null, Only.Count: > 0 })
            {
                problems.Add(Diagnostic.Error("contradiction", "only", "A revision is restored whole. Name changes of the draft, or a revision to restore."));
            }

            if (problems.Count > 0)
            {
                return Problems.Invalid(problems);
            }

            var candidate = await Candidate.OfAsync(edit.Database, edit.Before, request, token).ConfigureAwait(false);
            if (candidate.Value is not var (document, model))
            {
                return candidate.Refusal!;
            }

            var enforced = edit.Before.Provisioned;
            if (PolicyBounds.Refuse(Reach.Of(caller, Permission.Provision, edit.Before.LabelKeys), enforced.Document, enforced.Model, document, model) is { } beyond)
            {
                return beyond;
            }

            if ((await ApprovalGate.ConcernedAsync(edit.Database, edit.Before, document, model, token).ConfigureAwait(false)).Count == 0)
            {
                return Problems.Conflict("needs-no-approval", "Nothing of this takes an approval; nothing was asked for.", "Provision it.");
            }

            var (hash, only) = (Revisions.HashOf(document), JsonSerializer.Serialize((request.Only ?? []).Select(part => part.Trim()).Distinct()));
            var same = await edit.Database.Approvals.AsNoTracking().OrderBy(row => row.Number).FirstOrDefaultAsync(
                row => row.Base == enforced.Number && row.Hash == hash && row.Only == only && row.Restores == request.Restore && row.RequestedBy == caller.Actor && row.RequesterId == caller.ActsFor
                    && row.ApproverId == null && row.Policy != null, token).ConfigureAwait(false);
            if (same is not null)
            {
                return Outcomes.Tried(ToView(same, ApprovalState.Waiting));
            }

            // What can never be provisioned any more is forgotten; the audit log keeps it.
            await edit.Database.Approvals.Where(row => row.Base != enforced.Number).ExecuteDeleteAsync(token).ConfigureAwait(false);
            if (await edit.Database.Approvals.CountAsync(token).ConfigureAwait(false) >= Most)
            {
                return Problems.Conflict("too-many-requests", $"{Most} requests wait already; nothing was asked for.", "Withdraw those that nobody needs.");
            }

            var row = new ApprovalRow
            {
                Number = await edit.NextAsync(Counters.Approval, 1, token).ConfigureAwait(false),
                Base = enforced.Number,
                Hash = hash,
                Policy = Encoding.UTF8.GetString(PolicyJson.Canonical(document)),
                Changes = JsonSerializer.Serialize(PolicyViews.Changes(enforced.Document, document)),
                Only = only,
                Restores = request.Restore,
                Note = request.Note.Trim(),
                RequestedBy = caller.Actor,
                RequesterId = caller.ActsFor,
                Requested = edit.Now,
            };
            edit.Database.Approvals.Add(row);
            edit.Audit("policy.approval-request", Subject(row), $"Asked for approval of policy {row.Hash} in place of revision {row.Base}: {row.Note}");
            return ToView(row, ApprovalState.Waiting);
        }, cancellation).ConfigureAwait(false);
        return outcome.Ok();
    }

    private static async Task<Results<Ok<ApprovalView>, ProblemResult>> ApproveAsync(long number, ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation)
    {
        var outcome = await EditAsync<ApprovalView>(number, user, ledger, async (edit, row, caller, token) =>
        {
            if (caller.ActsFor is not { } person)
            {
                return Problems.Of(StatusCodes.Status403Forbidden, "no-person", "This key acts for no account, so nobody would have approved; nothing was changed.", "Approve with an account, or with a key of one.");
            }

            if (person == row.RequesterId)
            {
                return Problems.Of(StatusCodes.Status403Forbidden, "same-person", "You asked for this yourself, so it takes somebody else; nothing was changed.", "Ask somebody else who may provision it.");
            }

            var candidate = await Candidate.OfAsync(edit.Database, edit.Before, row, token).ConfigureAwait(false);
            if (row.Policy is null || row.Base != edit.Before.Provisioned.Number || candidate.Value is not var (document, model) || Revisions.HashOf(document) != row.Hash)
            {
                return Problems.Conflict("approval-void", $"Request {row.Number} is void: the draft says something else now, or another revision is in force. Nothing was changed.", "Let it be asked for again.");
            }

            if (PolicyBounds.Refuse(Reach.Of(caller, Permission.Provision, edit.Before.LabelKeys), edit.Before.Provisioned.Document, edit.Before.Provisioned.Model, document, model) is { } beyond)
            {
                return beyond;
            }

            (row.ApprovedBy, row.ApproverId, row.Approved) = (caller.Actor, person, edit.Now);
            edit.Audit("policy.approve", Subject(row), $"Approved policy {row.Hash} in place of revision {row.Base}, which {row.RequestedBy} asked for: {row.Note}");
            return ToView(row, ApprovalState.Approved);
        }, cancellation).ConfigureAwait(false);
        return outcome.Ok();
    }

    // Whoever may provision at all may: nothing is ever allowed by it.
    private static async Task<Results<NoContent, ProblemResult>> WithdrawAsync(long number, ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation)
    {
        var outcome = await EditAsync<bool>(number, user, ledger, (edit, row, _, _) =>
        {
            edit.Database.Approvals.Remove(row);
            edit.Audit("policy.approval-withdraw", Subject(row), $"Withdrew the request of {row.RequestedBy}{(row.ApprovedBy is { } approver ? $", which {approver} had approved" : "")}: {row.Note}");
            return Task.FromResult<Outcome<bool>>(true);
        }, cancellation).ConfigureAwait(false);
        return outcome.NoContent();
    }

    private static Task<Outcome<T>> EditAsync<T>(
        long number, ClaimsPrincipal user, Ledger ledger, Func<Edit, ApprovalRow, Caller, CancellationToken, Task<Outcome<T>>> change, CancellationToken cancellation) =>
        ledger.WriteAsync<T>(user.Caller(), Permission.Provision, async (edit, caller, token) =>
            await edit.Database.Approvals.FindAsync([number], token).ConfigureAwait(false) is not { } row ? Problems.NotFound("request for approval", number.ToString(CultureInfo.InvariantCulture))
            : row.Revision is { } revision ? Problems.Conflict("approval-used", $"Request {number} has become revision {revision}; nothing was changed.")
            : await change(edit, row, caller, token).ConfigureAwait(false), cancellation);

    private static ApprovalView ToView(ApprovalRow row, ApprovalState state) => new(
        row.Number, state, row.Base, row.Hash, JsonSerializer.Deserialize<List<PolicyChange>>(row.Changes)!, Candidate.OnlyOf(row), row.Restores,
        row.Note, row.RequestedBy, row.Requested, row.ApprovedBy, row.Approved, row.Revision);

    /// <param name="row">The request.</param>
    /// <param name="snapshot">With the revision in force.</param>
    /// <param name="drafted">The hash of what the draft makes of the same changes; null if nothing.</param>
    private static ApprovalState StateOf(ApprovalRow row, LiveSnapshot snapshot, string? drafted) =>
        row.Revision is not null ? ApprovalState.Used
        : row.Policy is null || row.Base != snapshot.Provisioned.Number || (row.Restores is null && row.Hash != drafted) ? ApprovalState.Void
        : row.ApproverId is null ? ApprovalState.Waiting
        : ApprovalState.Approved;

    private static string Subject(ApprovalRow row) => $"request {row.Number}";
}
