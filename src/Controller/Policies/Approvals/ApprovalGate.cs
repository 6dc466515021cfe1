using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Rules;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Policies.Approvals;

/// <summary>
/// Holds up revisions that take two people until another than the one who asked has approved exactly that policy in place of exactly the revision in
/// force. That both may still provision it is asked again when it happens.
/// </summary>
public static class ApprovalGate
{
    /// <summary>The approval that a revision needs and has, or the refusal of one that needs and lacks it; neither if it needs none.</summary>
    /// <param name="edit">The transaction.</param>
    /// <param name="document">The policy to be.</param>
    /// <param name="model">The same checked.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<(ApprovalRow? Approval, Problem? Refusal)> PassAsync(Edit edit, PolicyDocument document, PolicyModel model, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(edit);
        var concerned = await ConcernedAsync(edit.Database, edit.Before, document, model, cancellation).ConfigureAwait(false);
        if (concerned.Count == 0)
        {
            return (null, null);
        }

        var hash = Revisions.HashOf(document);
        var asked = await edit.Database.Approvals.Where(row => row.Base == edit.Before.Provisioned.Number && row.Hash == hash).OrderBy(row => row.Number).ToListAsync(cancellation).ConfigureAwait(false);
        foreach (var row in asked.Where(row => row.ApproverId is not null))
        {
            if (await MayAsync(edit, row.ApproverId!.Value, document, model, cancellation).ConfigureAwait(false)
                && (row.RequesterId is not { } requester || await MayAsync(edit, requester, document, model, cancellation).ConfigureAwait(false)))
            {
                return (row, null);
            }
        }

        return (null, Problems.Conflict(
            "needs-approval", $"{string.Join(", ", concerned)}: this takes the approval of a second person; nothing was changed.",
            asked.Find(row => row.ApproverId is null) is { } waiting
                ? $"Request {waiting.Number} asks for exactly this. Somebody else who may provision it approves with: bulkhead approvals approve {waiting.Number}"
                : "Ask for it with: bulkhead approvals request --note TEXT, and the same changes. Once somebody else who may provision has approved it, repeat this."));
    }

    /// <summary>The changes that take two people, by name.</summary>
    internal static async Task<IReadOnlyList<string>> ConcernedAsync(ControllerDb database, LiveSnapshot snapshot, PolicyDocument document, PolicyModel model, CancellationToken cancellation) =>
        (await ApprovalScopes.ReadAsync(database, snapshot.LabelKeys, cancellation).ConfigureAwait(false))
            .Concerned(snapshot.Provisioned.Document, snapshot.Provisioned.Model, document, model);

    /// <summary>Whether an account may provision a policy now. One with a one-time password may not: whoever had its password may have approved.</summary>
    private static async Task<bool> MayAsync(Edit edit, Guid id, PolicyDocument document, PolicyModel model, CancellationToken cancellation)
    {
        var account = await edit.Database.Accounts.AsNoTracking().SingleOrDefaultAsync(a => a.Id == id, cancellation).ConfigureAwait(false);
        if (account is null or { OneTime: true })
        {
            return false;
        }

        var grants = StoredText.Grants(account.Grants);
        return grants.Any(grant => RolePermissions.Of(grant.Role).Contains(Permission.Provision))
            && PolicyBounds.Refuse(Reach.Of(grants, Permission.Provision, edit.Before.LabelKeys), edit.Before.Provisioned.Document, edit.Before.Provisioned.Model, document, model) is null;
    }
}
