using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Access;

/// <summary>What becomes of the API keys and approvals of an account when its access is taken: who resets a password means whoever has the old one, and they may have made keys.</summary>
internal static class AccountKeys
{
    /// <summary>Revokes all.</summary>
    /// <returns>Their names.</returns>
    public static async Task<IReadOnlyList<string>> RevokeAsync(Edit edit, AccountRow account, string why, CancellationToken cancellation)
    {
        var keys = await edit.Database.ApiKeys.Where(k => k.AccountId == account.Id).OrderBy(k => k.Name).ToListAsync(cancellation).ConfigureAwait(false);
        foreach (var key in keys)
        {
            edit.Database.ApiKeys.Remove(key);
            edit.Touch(ChangeKind.Access, key.Id.ToString());
            edit.Audit("access.key-revoke", key.Name, why);
        }

        return [.. keys.Select(key => key.Name)];
    }

    /// <summary>
    /// Gives an account a one-time password: sessions end, keys go unless they are to be kept, and so does what the account asked for or approved and
    /// nobody has provisioned, which else would count again as soon as the password is changed.
    /// </summary>
    /// <returns>The names of the keys that went.</returns>
    public static async Task<IReadOnlyList<string>> ResetAsync(
        Edit edit, AccountRow account, string passwordHash, bool keepKeys, string action, string what, CancellationToken cancellation)
    {
        (account.PasswordHash, account.OneTime) = (passwordHash, true);
        await edit.Database.Sessions.Where(s => s.AccountId == account.Id).ExecuteDeleteAsync(cancellation).ConfigureAwait(false);
        var revoked = keepKeys ? [] : await RevokeAsync(edit, account, $"The API key was revoked when the password of {account.Name} was reset.", cancellation).ConfigureAwait(false);
        await WithdrawAsync(edit, account, cancellation).ConfigureAwait(false);
        edit.Audit(action, account.Name, $"{what}; earlier sessions ended{(keepKeys ? ", API keys were kept" : revoked.Count == 0 ? "" : $", and these API keys were revoked: {string.Join(", ", revoked)}")}.");
        return revoked;
    }

    private static async Task WithdrawAsync(Edit edit, AccountRow account, CancellationToken cancellation)
    {
        var open = await edit.Database.Approvals.Where(a => a.Revision == null && (a.RequesterId == account.Id || a.ApproverId == account.Id)).OrderBy(a => a.Number).ToListAsync(cancellation).ConfigureAwait(false);
        foreach (var request in open)
        {
            var asked = request.RequesterId == account.Id;
            if (asked)
            {
                edit.Database.Approvals.Remove(request);
            }
            else
            {
                (request.ApprovedBy, request.ApproverId, request.Approved) = (null, null, null);
            }

            edit.Audit("policy.approval-withdraw", $"request {request.Number}", $"{(asked ? "The request" : "The approval")} was withdrawn when the password of {account.Name} was reset.");
        }
    }
}
