using System.Security.Claims;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Access;

/// <summary>
/// <c>/api/v1/api-keys</c>: keys for programs, and for the command line. Whoever is signed in with a password makes keys that may no more than they themselves, and sees
/// and revokes their own; all keys are seen by who sees who may do what, and revoked by who manages access.
/// </summary>
public static class ApiKeyEndpoints
{
    private const int MostOfAnAccount = 200;
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(366);

    /// <summary>Maps them.</summary>
    public static void Map(RouteGroupBuilder api)
    {
        var keys = api.MapGroup("/api-keys");
        keys.MapGet("", ListAsync).Requires(Permission.Read).WithSummary("API keys: one's own, or all for those who see who may do what.");
        keys.MapPost("", CreateAsync).Requires(Permission.Read).WithSummary("Make an API key that may no more than oneself; its secret is shown only now. Keys make no keys.");
        keys.MapDelete("/{id:guid}", DeleteAsync).Requires(Permission.Read).WithSummary("Revoke one's own API key, or any for those who manage access.");
    }

    private static async Task<Ok<IReadOnlyList<ApiKeyView>>> ListAsync(ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var rows = await database.ApiKeys.AsNoTracking().OrderBy(k => k.Name).ThenBy(k => k.Id).ToListAsync(cancellation).ConfigureAwait(false);
        var caller = user.Caller();
        return TypedResults.Ok<IReadOnlyList<ApiKeyView>>([.. rows.Where(row => caller.May(Permission.Audit) || IsOwn(row, caller)).Select(ToView)]);
    }

    private static async Task<Results<Ok<CreatedApiKey>, ProblemResult>> CreateAsync(CreateApiKey request, ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation) =>
        (await ledger.WriteAsync<CreatedApiKey>(user.Caller(), Permission.Read, (edit, caller, token) => MakeAsync(edit, request, caller, token), cancellation).ConfigureAwait(false)).Ok();

    /// <summary>Makes a key on the controller's machine, which may everything, for nobody.</summary>
    internal static Task<Outcome<CreatedApiKey>> MakeAsync(Ledger ledger, string actor, CreateApiKey request, CancellationToken cancellation) =>
        ledger.WriteAsync<CreatedApiKey>(actor, (edit, token) => MakeAsync(edit, request, null, token), cancellation);

    private static async Task<Outcome<CreatedApiKey>> MakeAsync(Edit edit, CreateApiKey request, Caller? caller, CancellationToken token)
    {
        var secret = Secrets.New(Secrets.ApiKeyPrefix);
        var problems = new List<Diagnostic>();
        InputChecks.Name(request.Name, "name", problems);
        var grants = GrantChecks.Check(request.Grants, "grants", edit.Before.LabelKeys, problems);
        if (request.Expires is { } expires && expires <= edit.Now)
        {
            problems.Add(Diagnostic.Error("bad-expiry", "expires", "The expiry is in the past. Choose a later one."));
        }

        if (caller is not null && !caller.May(Permission.ManageAccess) && !(request.Expires <= edit.Now + s_longest))
        {
            problems.Add(Diagnostic.Error("bad-expiry", "expires", $"The key must expire within {s_longest.TotalDays} days. Only owners make keys that last longer, or for ever."));
        }

        if (caller?.ActsFor is { } account)
        {
            // What an entry of the audit log says that a key did must be one key's. Those that do nothing any more keep no name and no place.
            await edit.Database.ApiKeys.Where(k => k.AccountId == account && k.Expires <= edit.Now).ExecuteDeleteAsync(token).ConfigureAwait(false);
            if (await edit.Database.ApiKeys.AnyAsync(k => k.AccountId == account && k.Name == request.Name.Trim(), token).ConfigureAwait(false))
            {
                problems.Add(Diagnostic.Error("duplicate-name", "name", $"There is a key '{request.Name.Trim()}' of this account. Choose another name, or revoke it."));
            }
        }

        if (problems.Count > 0)
        {
            return Problems.Invalid(problems);
        }

        if (caller is not null && await RefusalAsync(edit, caller, grants, token).ConfigureAwait(false) is { } refusal)
        {
            return refusal;
        }

        var row = new ApiKeyRow
        {
            Id = Guid.CreateVersion7(edit.Now),
            Name = request.Name.Trim(),
            Grants = StoredText.Of(grants),
            AccountId = caller?.ActsFor,
            SecretHash = Secrets.Hash(secret),
            CreatedBy = edit.Actor,
            Created = edit.Now,
            Expires = request.Expires,
        };
        edit.Database.ApiKeys.Add(row);
        edit.Touch(ChangeKind.Access, row.Id.ToString());
        edit.Audit("access.key-create", row.Name, $"An API key was made: {GrantChecks.Sentence(grants)}.");
        return new CreatedApiKey(ToView(row), secret);
    }

    private static async Task<Problem?> RefusalAsync(Edit edit, Caller caller, IReadOnlyList<Grant> grants, CancellationToken cancellation)
    {
        // Else a key could outlive its own expiry, and its revocation, in those that it made.
        if (caller.Account is null)
        {
            return Problems.Of(StatusCodes.Status403Forbidden, "keys-make-no-keys", "An API key makes no API keys.", "Sign in with the account's password, and make it then.");
        }

        var beyond = grants.Except(GrantChecks.Within(grants, caller.Grants, edit.Before.LabelKeys)).ToList();
        if (beyond.Count > 0)
        {
            return Problems.Of(
                StatusCodes.Status403Forbidden, "beyond-own-grants", $"A key may no more than who makes it; {caller.Name} is not {GrantChecks.Sentence(beyond)}.",
                $"Leave it out, or ask an owner. You are: {GrantChecks.Sentence(caller.Grants)}.");
        }

        return await edit.Database.ApiKeys.CountAsync(key => key.AccountId != null && key.AccountId == caller.ActsFor, cancellation).ConfigureAwait(false) < MostOfAnAccount
            ? null
            : Problems.Conflict("too-many-keys", $"There are {MostOfAnAccount} keys of this account already.", "Revoke some that are not used any more.");
    }

    private static async Task<Results<NoContent, ProblemResult>> DeleteAsync(Guid id, ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation)
    {
        var outcome = await ledger.WriteAsync<bool>(user.Caller(), Permission.Read, async (edit, caller, token) =>
        {
            if (await edit.Database.ApiKeys.FindAsync([id], token).ConfigureAwait(false) is not { } row)
            {
                return Problems.NotFound("API key", id.ToString());
            }

            if (!IsOwn(row, caller) && !caller.May(Permission.ManageAccess))
            {
                return RefusalAnswers.NotPermitted(caller, Permission.ManageAccess);
            }

            edit.Database.ApiKeys.Remove(row);
            edit.Touch(ChangeKind.Access, row.Id.ToString());
            edit.Audit("access.key-revoke", row.Name, "The API key was revoked.");
            return true;
        }, cancellation).ConfigureAwait(false);
        return outcome.NoContent();
    }

    /// <summary>Whether a key is what the caller calls with, or acts for the account that is signed in. A key has no say over others of its account: it may be far narrower.</summary>
    private static bool IsOwn(ApiKeyRow row, Caller caller) => caller.Account is { } account ? row.AccountId == account : row.SecretHash == caller.TokenHash;

    private static ApiKeyView ToView(ApiKeyRow row) => new(row.Id, row.Name, StoredText.Grants(row.Grants), row.CreatedBy, row.Created, row.Expires, row.LastUsed);
}
