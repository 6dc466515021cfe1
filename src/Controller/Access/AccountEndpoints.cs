using System.Security.Claims;
using System.Text.RegularExpressions;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Access;

/// <summary>
/// <c>/api/v1/accounts</c>: people and what they may do. One owner is always left. API keys may no more than the account that they act
/// for, and go with it.
/// </summary>
public static partial class AccountEndpoints
{
    /// <summary>Maps them.</summary>
    public static void Map(RouteGroupBuilder api)
    {
        var accounts = api.MapGroup("/accounts");
        accounts.MapGet("", ListAsync).Requires(Permission.Audit).WithSummary("All accounts by name, with what they may do.");
        accounts.MapPost("", CreateAsync).Requires(Permission.ManageAccess).WithSummary("Make an account; its one-time password is shown only now.");
        accounts.MapPut("/{name}/grants", SetGrantsAsync).Requires(Permission.ManageAccess).WithSummary("Say what an account may do.");
        accounts.MapPost("/{name}/reset-password", ResetAsync).Requires(Permission.ManageAccess).WithSummary("Give an account a one-time password; its sessions end, and its API keys are revoked unless they are to be kept; those do nothing until the password was changed.");
        accounts.MapDelete("/{name}", DeleteAsync).Requires(Permission.ManageAccess).WithSummary("Remove an account; its sessions end, and its API keys are revoked.");
    }

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._@-]{0,63}\z")]
    private static partial Regex NameForm { get; }

    private static async Task<Ok<IReadOnlyList<AccountView>>> ListAsync(Ledger ledger, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var rows = await database.Accounts.AsNoTracking().OrderBy(a => a.Name).ToListAsync(cancellation).ConfigureAwait(false);
        return TypedResults.Ok<IReadOnlyList<AccountView>>([.. rows.Select(ToView)]);
    }

    private static async Task<Results<Ok<AccountPassword>, ProblemResult>> CreateAsync(
        CreateAccount request, ClaimsPrincipal user, Ledger ledger, Passwords passwords, CancellationToken cancellation)
    {
        var password = Secrets.NewPassword();
        var hash = passwords.Hash(password);
        var outcome = await ledger.WriteAsync<AccountPassword>(user.Caller(), Permission.ManageAccess, async (edit, _, token) =>
        {
            var problems = new List<Diagnostic>();
            var grants = GrantChecks.Check(request.Grants, "grants", edit.Before.LabelKeys, problems);
            if (!NameForm.IsMatch(request.Name) || request.Name == Ledger.System)
            {
                problems.Add(Diagnostic.Error("bad-name", "name", $"An account's name has up to 64 lower-case letters, digits, '.', '_', '-' or '@', starts with a letter or digit, and is not '{Ledger.System}'."));
            }
            else if (await edit.Database.Accounts.AnyAsync(a => a.Name == request.Name, token).ConfigureAwait(false))
            {
                problems.Add(Diagnostic.Error("duplicate-name", "name", $"There is an account '{request.Name}'. Choose another name, or change its grants."));
            }

            if (problems.Count > 0)
            {
                return Problems.Invalid(problems);
            }

            var row = new AccountRow { Id = Guid.CreateVersion7(edit.Now), Name = request.Name, Grants = StoredText.Of(grants) };
            (row.PasswordHash, row.OneTime) = (hash, true);
            edit.Database.Accounts.Add(row);
            edit.Touch(ChangeKind.Access, row.Id.ToString());
            edit.Audit("access.account-create", row.Name, $"The account was made: {GrantChecks.Sentence(grants)}.");
            return new AccountPassword(ToView(row), password, []);
        }, cancellation).ConfigureAwait(false);
        return outcome.Ok();
    }

    private static async Task<Results<Ok<AccountView>, ProblemResult>> SetGrantsAsync(string name, SetGrants request, ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation)
    {
        var outcome = await EditAsync<AccountView>(name, user, ledger, async (edit, row, token) =>
        {
            var problems = new List<Diagnostic>();
            var grants = GrantChecks.Check(request.Grants, "grants", edit.Before.LabelKeys, problems);
            if (problems.Count > 0)
            {
                return Problems.Invalid(problems);
            }

            var before = StoredText.Grants(row.Grants);
            row.Grants = StoredText.Of(grants);
            edit.Audit("access.grants", row.Name, $"{GrantChecks.Sentence(before)} became {GrantChecks.Sentence(grants)}.", before);
            return IsOwner(before) && !IsOwner(grants) && await LastOwnerAsync(edit, row, token).ConfigureAwait(false) is { } refusal ? refusal : ToView(row);
        }, cancellation).ConfigureAwait(false);
        return outcome.Ok();
    }

    private static async Task<Results<Ok<AccountPassword>, ProblemResult>> ResetAsync(
        string name, bool? keepKeys, ClaimsPrincipal user, Ledger ledger, Passwords passwords, CancellationToken cancellation)
    {
        var password = Secrets.NewPassword();
        var hash = passwords.Hash(password);
        var outcome = await EditAsync<AccountPassword>(name, user, ledger, async (edit, row, token) =>
        {
            var revoked = await AccountKeys.ResetAsync(edit, row, hash, keepKeys == true, "access.reset", "A one-time password was made", token).ConfigureAwait(false);
            return new AccountPassword(ToView(row), password, revoked);
        }, cancellation).ConfigureAwait(false);
        return outcome.Ok();
    }

    private static async Task<Results<NoContent, ProblemResult>> DeleteAsync(string name, ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation)
    {
        var outcome = await EditAsync<bool>(name, user, ledger, async (edit, row, token) =>
        {
            edit.Database.Accounts.Remove(row);
            await AccountKeys.RevokeAsync(edit, row, $"The API key was revoked with the account {row.Name}, for which it acted.", token).ConfigureAwait(false);
            var grants = StoredText.Grants(row.Grants);
            edit.Audit("access.account-delete", row.Name, $"The account was removed; it was {GrantChecks.Sentence(grants)}.", grants);
            return IsOwner(grants) && await LastOwnerAsync(edit, row, token).ConfigureAwait(false) is { } refusal ? refusal : true;
        }, cancellation).ConfigureAwait(false);
        return outcome.NoContent();
    }

    /// <summary>The refusal of what would leave no owner.</summary>
    private static async Task<Problem?> LastOwnerAsync(Edit edit, AccountRow row, CancellationToken cancellation)
    {
        var others = await edit.Database.Accounts.AsNoTracking().Where(a => a.Id != row.Id).Select(a => a.Grants).ToListAsync(cancellation).ConfigureAwait(false);
        return others.Exists(grants => IsOwner(StoredText.Grants(grants)))
            ? null
            : Problems.Conflict("last-owner", $"{row.Name} is the only owner; nothing was changed.", "Make another account an owner first.");
    }

    private static Task<Outcome<T>> EditAsync<T>(string name, ClaimsPrincipal user, Ledger ledger, Func<Edit, AccountRow, CancellationToken, Task<Outcome<T>>> change, CancellationToken cancellation) =>
        ledger.WriteAsync<T>(user.Caller(), Permission.ManageAccess, async (edit, _, token) =>
        {
            if (await edit.Database.Accounts.SingleOrDefaultAsync(a => a.Name == name, token).ConfigureAwait(false) is not { } row)
            {
                return Problems.NotFound("account", name);
            }

            edit.Touch(ChangeKind.Access, row.Id.ToString());
            return await change(edit, row, token).ConfigureAwait(false);
        }, cancellation);

    private static bool IsOwner(IEnumerable<Grant> grants) => grants.Any(grant => grant.Role == AccessRole.Owner);

    private static AccountView ToView(AccountRow row) => new(row.Name, StoredText.Grants(row.Grants), row.OneTime);
}
