using System.Globalization;
using System.Security.Claims;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy.Documents;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Bulkhead.Controller.Policies;

/// <summary><c>/api/v1/policy/draft</c> as a whole: read, replace, compare, discard.</summary>
public static class DraftEndpoints
{
    /// <summary>Maps them.</summary>
    public static void Map(RouteGroupBuilder policy)
    {
        policy.MapGet("/draft", Read).Requires(Permission.Read).WithSummary("The draft; the ETag is its version.");
        policy.MapPut("/draft", ReplaceAsync).Requires(Permission.Draft).WithSummary("Replace the draft.");
        policy.MapGet("/draft/changes", (LiveState live) => TypedResults.Ok(PolicyViews.StatusOf(live.Current))).Requires(Permission.Read).WithSummary("What the draft changes, and all that is to be said about it.");
        policy.MapPost("/draft/discard", DiscardAsync).Requires(Permission.Draft).WithSummary("Make the draft equal to the newest revision.");
    }

    /// <summary>Sets the draft's version as the answer's ETag.</summary>
    internal static void Tag(HttpContext context, LiveSnapshot snapshot) =>
        context.Response.Headers.ETag = $"\"{snapshot.DraftPolicy.Version.ToString(CultureInfo.InvariantCulture)}\"";

    private static Ok<PolicyDocument> Read(LiveState live, HttpContext context)
    {
        var snapshot = live.Current;
        Tag(context, snapshot);
        return TypedResults.Ok(snapshot.DraftPolicy.Document);
    }

    private static async Task<Results<Ok<DraftStatus>, ProblemResult>> ReplaceAsync(
        PolicyDocument document, [FromHeader(Name = "If-Match")] string? ifMatch, ClaimsPrincipal user, Ledger ledger, HttpContext context, CancellationToken cancellation) =>
        Status(await DraftEdit.RunAsync(ledger, user.Caller(), ifMatch, "The draft was replaced.", _ => document, cancellation).ConfigureAwait(false), context);

    private static async Task<Results<Ok<DraftStatus>, ProblemResult>> DiscardAsync(ClaimsPrincipal user, Ledger ledger, LiveState live, HttpContext context, CancellationToken cancellation) =>
        Status(await DraftEdit.RunAsync(ledger, user.Caller(), null, "The draft was discarded.", _ => live.Current.Provisioned.Document, cancellation).ConfigureAwait(false), context);

    private static Results<Ok<DraftStatus>, ProblemResult> Status(Outcome<LiveSnapshot> outcome, HttpContext context)
    {
        if (outcome.Value is { } snapshot)
        {
            Tag(context, snapshot);
        }

        return outcome.Select(PolicyViews.StatusOf).Ok();
    }
}
