using System.Security.Claims;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Policies.Trials;

/// <summary><c>POST /api/v1/policy/revisions/{number}/confirm</c>: lets a revision stay that is in force for a time.</summary>
public static class ConfirmEndpoint
{
    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder policy) =>
        policy.MapPost("/revisions/{number:long}/confirm", ConfirmAsync).Requires(Permission.Provision).WithSummary("Let a revision stay that is in force for a time.");

    private static async Task<Results<Ok<RevisionView>, ProblemResult>> ConfirmAsync(long number, ClaimsPrincipal user, Ledger ledger, Rollout rollout, CancellationToken cancellation)
    {
        var outcome = await ledger.WriteAsync<(RevisionRow Revision, TrialRow Trial)>(user.Caller(), Permission.Provision, async (edit, caller, token) =>
        {
            if (await edit.Database.Revisions.FindAsync([number], token).ConfigureAwait(false) is not { } revision)
            {
                return Problems.NotFound("revision", number.ToString(System.Globalization.CultureInfo.InvariantCulture));
            }

            if (edit.Before.Provisioned is not { Trial: { } trial } enforced || enforced.Number != number)
            {
                return Problems.Conflict("no-trial", $"Revision {number} is not in force for a time; nothing was changed.", $"See how it stands: bulkhead revisions show {number}");
            }

            if (PolicyBounds.Refuse(Reach.Of(caller, Permission.Provision, edit.Before.LabelKeys), trial.Before, trial.ModelBefore, enforced.Document, enforced.Model) is { } beyond)
            {
                return beyond;
            }

            await TrialEdits.EndAsync(edit, TrialState.Confirmed, $"{caller.Actor} confirmed it: it stays.", token).ConfigureAwait(false);
            edit.Touch(ChangeKind.Trial);
            return (revision, (await edit.Database.Trials.FindAsync([number], token).ConfigureAwait(false))!);
        }, cancellation).ConfigureAwait(false);
        return outcome.Select(confirmed => Revisions.ToView(confirmed.Revision, rollout.Of(number), confirmed.Trial)).Ok();
    }
}
