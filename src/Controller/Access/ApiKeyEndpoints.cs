using System.Security.Claims;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Access;

/// <summary><c>/api/v1/api-keys</c>: keys for programs.</summary>
public static class ApiKeyEndpoints
{
    /// <summary>Maps them.</summary>
    public static void Map(RouteGroupBuilder api)
    {
        var keys = api.MapGroup("/api-keys");
        keys.MapGet("", ListAsync).Requires(Permission.Audit).WithSummary("All API keys.");
        keys.MapPost("", CreateAsync).Requires(Permission.ManageAccess).WithSummary("Make an API key; its secret is shown only now.");
        keys.MapDelete("/{id:guid}", DeleteAsync).Requires(Permission.ManageAccess).WithSummary("Revoke an API key.");
    }

    private static async Task<Ok<IReadOnlyList<ApiKeyView>>> ListAsync(Ledger ledger, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var rows = await database.ApiKeys.AsNoTracking().OrderBy(k => k.Name).ThenBy(k => k.Id).ToListAsync(cancellation).ConfigureAwait(false);
        return TypedResults.Ok<IReadOnlyList<ApiKeyView>>([.. rows.Select(ToView)]);
    }

    private static async Task<Results<Ok<CreatedApiKey>, ProblemResult>> CreateAsync(CreateApiKey request, ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation) =>
        (await MakeAsync(ledger, user.Caller().Actor, request, cancellation).ConfigureAwait(false)).Ok();

    /// <summary>Makes a key.</summary>
    internal static Task<Outcome<CreatedApiKey>> MakeAsync(Ledger ledger, string actor, CreateApiKey request, CancellationToken cancellation)
    {
        var secret = Secrets.New(Secrets.ApiKeyPrefix);
        return ledger.WriteAsync<CreatedApiKey>(actor, (edit, _) =>
        {
            var problems = new List<Diagnostic>();
            InputChecks.Name(request.Name, "name", problems);
            var grants = GrantChecks.Check(request.Grants, "grants", edit.Before.LabelKeys, problems);
            if (request.Expires is { } expires && expires <= edit.Now)
            {
                problems.Add(Diagnostic.Error("bad-expiry", "expires", "The expiry is in the past. Leave it out for a key that never expires."));
            }

            if (problems.Count > 0)
            {
                return Task.FromResult<Outcome<CreatedApiKey>>(Problems.Invalid(problems));
            }

            var row = new ApiKeyRow
            {
                Id = Guid.CreateVersion7(edit.Now),
                Name = request.Name.Trim(),
                Grants = StoredText.Of(grants),
                SecretHash = Secrets.Hash(secret),
                CreatedBy = actor,
                Created = edit.Now,
                Expires = request.Expires,
            };
            edit.Database.ApiKeys.Add(row);
            edit.Touch(ChangeKind.Access, row.Id.ToString());
            edit.Audit("access.key-create", row.Name, $"An API key was made: {GrantChecks.Sentence(grants)}.");
            return Task.FromResult<Outcome<CreatedApiKey>>(new CreatedApiKey(ToView(row), secret));
        }, cancellation);
    }

    private static async Task<Results<NoContent, ProblemResult>> DeleteAsync(Guid id, ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation)
    {
        var outcome = await ledger.WriteAsync<bool>(user.Caller().Actor, async (edit, token) =>
        {
            if (await edit.Database.ApiKeys.FindAsync([id], token).ConfigureAwait(false) is not { } row)
            {
                return Problems.NotFound("API key", id.ToString());
            }

            edit.Database.ApiKeys.Remove(row);
            edit.Touch(ChangeKind.Access, row.Id.ToString());
            edit.Audit("access.key-revoke", row.Name, "The API key was revoked.");
            return true;
        }, cancellation).ConfigureAwait(false);
        return outcome.NoContent();
    }

    private static ApiKeyView ToView(ApiKeyRow row) => new(row.Id, row.Name, StoredText.Grants(row.Grants), row.CreatedBy, row.Created, row.Expires, row.LastUsed);
}
