using System.Security.Claims;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Policies.Trials;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Policies;

/// <summary><c>POST /api/v1/policy/provision</c>: makes the draft, or some of its changes, the newest revision. When it answers, the agents that it changes have been told.</summary>
public static class ProvisionEndpoint
{
    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder policy) =>
        policy.MapPost("/provision", ProvisionAsync).Requires(Permission.Provision).WithSummary("Make the draft, or some of its changes, the newest revision, and enforce it.");

    private static async Task<Results<Ok<RevisionView>, ProblemResult>> ProvisionAsync(
        Provision request, ClaimsPrincipal user, Ledger ledger, Acknowledgements acknowledgements, Rollout rollout, CancellationToken cancellation)
    {
        var outcome = await ledger.WriteAsync<(RevisionRow Revision, TrialRow? Trial)>(user.Caller(), Permission.Provision, async (edit, caller, token) =>
        {
            var problems = new List<Diagnostic>();
            InputChecks.Text(request.Note, "note", "A note", problems);
            TrialEdits.Check(request, problems);
            var draft = edit.Before.DraftPolicy;
            if (problems.Count > 0)
            {
                return Problems.Invalid(problems);
            }

            if (draft.Version != request.DraftVersion)
            {
                return DraftEdit.Changed(draft.Version);
            }

            var planned = DraftPlan.Of(edit.Before, request.Only);
            if (planned.Value is not { } plan)
            {
                return planned.Refusal!;
            }

            var reach = Reach.Of(caller, Permission.Provision, edit.Before.LabelKeys);
            if (PolicyBounds.Refuse(reach, edit.Before.Provisioned.Document, edit.Before.Provisioned.Model, plan.Document, plan.Model) is { } beyond)
            {
                return beyond;
            }

            var trial = TrialEdits.Begin(edit, request);
            var added = await acknowledgements.AddAsync(edit, plan.Document, plan.Model, request.Note, null, request.Acknowledge, token).ConfigureAwait(false);
            if (added.Value is not { } revision)
            {
                return added.Refusal!;
            }

            plan.Audit(edit, revision.Number);
            return (revision, trial);
        }, cancellation).ConfigureAwait(false);
        return outcome.Select(made => Revisions.ToView(made.Revision, rollout.Of(made.Revision.Number), made.Trial)).Ok();
    }
}
