using System.Security.Claims;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Documents;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Policies;

/// <summary><c>/api/v1/policy/revisions</c>: what was provisioned, and going back to it.</summary>
public static class RevisionEndpoints
{
    /// <summary>Maps them.</summary>
    public static void Map(RouteGroupBuilder policy)
    {
        var revisions = policy.MapGroup("/revisions").Requires(Permission.Read);
        revisions.MapGet("", ListAsync).WithSummary("All revisions, newest first.");
        revisions.MapGet("/{number:long}", ReadAsync).WithSummary("One revision.");
        revisions.MapGet("/{number:long}/policy", ReadPolicyAsync).WithSummary("The policy of one revision.");
        policy.MapPost("/revisions/{number:long}/restore", RestoreAsync).Requires(Permission.Provision).WithSummary("Provision a revision's content again, as a new revision; the draft follows it.");
    }

    private static async Task<Ok<IReadOnlyList<RevisionView>>> ListAsync(Ledger ledger, Rollout rollout, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var rows = await database.Revisions.AsNoTracking().OrderByDescending(r => r.Number).ToListAsync(cancellation).ConfigureAwait(false);
        var trials = await database.Trials.AsNoTracking().ToDictionaryAsync(t => t.Revision, cancellation).ConfigureAwait(false);
        return TypedResults.Ok<IReadOnlyList<RevisionView>>([.. rows.Select(row => Revisions.ToView(row, rollout.Of(row.Number), trials.GetValueOrDefault(row.Number)))]);
    }

    private static async Task<Results<Ok<RevisionView>, ProblemResult>> ReadAsync(long number, Ledger ledger, Rollout rollout, CancellationToken cancellation) =>
        await FindAsync(number, ledger, cancellation).ConfigureAwait(false) is { } row
            ? TypedResults.Ok(Revisions.ToView(row, rollout.Of(row.Number), await TrialAsync(number, ledger, cancellation).ConfigureAwait(false)))
            : NotFound(number);

    private static async Task<Results<Ok<PolicyDocument>, ProblemResult>> ReadPolicyAsync(long number, Ledger ledger, CancellationToken cancellation) =>
        await FindAsync(number, ledger, cancellation).ConfigureAwait(false) is { } row ? TypedResults.Ok(StoredText.Policy(row.Document)) : NotFound(number);

    private static async Task<Results<Ok<RevisionView>, ProblemResult>> RestoreAsync(
        long number, RestoreRevision request, ClaimsPrincipal user, Ledger ledger, Acknowledgements acknowledgements, Rollout rollout, CancellationToken cancellation)
    {
        var outcome = await ledger.WriteAsync<RevisionRow>(user.Caller(), Permission.Provision, async (edit, caller, token) =>
        {
            var problems = new List<Diagnostic>();
            InputChecks.Text(request.Note, "note", "A note", problems);
            if (problems.Count > 0)
            {
                return Problems.Invalid(problems);
            }

            if (await edit.Database.Revisions.FindAsync([number], token).ConfigureAwait(false) is not { } old)
            {
                return NotFound(number).Problem;
            }

            var document = StoredText.Policy(old.Document);
            var model = PolicyParser.Parse(document, edit.Before.LabelKeys);
            if (!model.Ok)
            {
                return Problems.Invalid(model.Diagnostics);
            }

            // The draft follows: what it holds of others is theirs.
            var (reach, draft) = (Reach.Of(caller, Permission.Provision, edit.Before.LabelKeys), edit.Before.DraftPolicy);
            if ((PolicyBounds.Refuse(reach, edit.Before.Provisioned.Document, edit.Before.Provisioned.Model, document, model.Value!)
                ?? PolicyBounds.Refuse(reach, draft.Document, draft.Model.Value, document, model.Value!)) is { } beyond)
            {
                return beyond;
            }

            var dropped = draft.Document;
            await DraftEdit.StoreAsync(edit, document, token).ConfigureAwait(false);
            if (PolicyDiff.Diff(dropped, document).Count > 0)
            {
                edit.Audit("policy.draft", "draft", $"Revision {number} took the draft's place.", dropped);
            }

            return await acknowledgements.AddAsync(edit, document, model.Value!, request.Note, number, request.Acknowledge ?? [], token).ConfigureAwait(false);
        }, cancellation).ConfigureAwait(false);
        return outcome.Select(row => Revisions.ToView(row, rollout.Of(row.Number), null)).Ok();
    }

    private static async Task<RevisionRow?> FindAsync(long number, Ledger ledger, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        return await database.Revisions.AsNoTracking().SingleOrDefaultAsync(r => r.Number == number, cancellation).ConfigureAwait(false);
    }

    private static async Task<TrialRow?> TrialAsync(long number, Ledger ledger, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        return await database.Trials.AsNoTracking().SingleOrDefaultAsync(t => t.Revision == number, cancellation).ConfigureAwait(false);
    }

    private static ProblemResult NotFound(long number) =>
        new(Problems.NotFound("revision", number.ToString(System.Globalization.CultureInfo.InvariantCulture)));
}
