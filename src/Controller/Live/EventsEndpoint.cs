using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Security.Claims;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Live;

/// <summary><c>GET /api/v1/events</c>: server-sent events that say that something changed.</summary>
public static class EventsEndpoint
{
    private static readonly TimeSpan s_recheck = TimeSpan.FromSeconds(30);

    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder api) =>
        api.MapGet("/events", Watch).RequireAuthorization(Roles.Viewer).WithSummary("Server-sent events: what changed; the event field is the kind.");

    private static Results<ServerSentEventsResult<LiveEvent>, ProblemResult> Watch(
        LiveFeed feed, ClaimsPrincipal user, CallerLookup lookup, TimeProvider time, HttpContext context) =>
        feed.TryWatch() is { } watcher
            ? TypedResults.ServerSentEvents(ReadAsync(watcher, user.Caller(), lookup, time, context.Response, context.RequestAborted))
            : new ProblemResult(Problems.Of(StatusCodes.Status503ServiceUnavailable, "too-many-watchers", "Too many are watching already.", "Try again later, or ask from time to time instead."));

    /// <summary>The watcher's events, until it leaves or the caller may no longer read.</summary>
    private static async IAsyncEnumerable<SseItem<LiveEvent>> ReadAsync(
        LiveFeed.Watcher watcher, Caller caller, CallerLookup lookup, TimeProvider time, HttpResponse response, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var watching = watcher;
        // The headers go out now: a browser takes the stream for open when it has them.
        await response.Body.FlushAsync(cancellation).ConfigureAwait(false);
        var checkedAt = time.GetUtcNow();
        await foreach (var news in watcher.ReadAsync(cancellation).ConfigureAwait(false))
        {
            if (news.At - checkedAt > s_recheck)
            {
                checkedAt = news.At;
                var still = caller.Account is null
                    ? await lookup.ByKeyAsync(caller.TokenHash, cancellation).ConfigureAwait(false)
                    : await lookup.BySessionAsync(caller.TokenHash, cancellation).ConfigureAwait(false);
                if (still is null)
                {
                    yield break;
                }
            }

            yield return new(news, news.Kind);
        }
    }
}
