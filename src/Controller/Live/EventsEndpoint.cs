using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Security.Claims;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Live;

/// <summary><c>GET /api/v1/events</c>: server-sent events that say that something changed.</summary>
public static class EventsEndpoint
{
    private static readonly TimeSpan s_recheck = TimeSpan.FromSeconds(30);

    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder api) =>
        api.MapGet("/events", Watch).Requires(Permission.Read).WithSummary("Server-sent events: what changed; the event field is the kind. Workloads that 'watch' chooses report every second meanwhile.");

    private static Results<ServerSentEventsResult<LiveEvent>, ProblemResult> Watch(
        string? watch, LiveFeed feed, WatchList watched, LiveState live, ClaimsPrincipal user, CallerLookup lookup, TimeProvider time, HttpContext context)
    {
        var problems = new List<Diagnostic>();
        List<WorkloadId> workloads = watch is null ? [] : Workloads(watch, live.Current, problems);
        return problems.Count > 0 ? new ProblemResult(Problems.Invalid(problems))
            : feed.TryWatch() is { } watcher ? TypedResults.ServerSentEvents(ReadAsync(watcher, watched, workloads, user.Caller(), lookup, time, context.Response, context.RequestAborted))
            : new ProblemResult(Problems.Of(StatusCodes.Status503ServiceUnavailable, "too-many-watchers", "Too many are watching already.", "Try again later, or ask from time to time instead."));
    }

    private static List<WorkloadId> Workloads(string text, LiveSnapshot snapshot, List<Diagnostic> problems)
    {
        var chosen = SelectorText.Parse(text, "watch", snapshot.LabelKeys, problems) is { } selector
            ? snapshot.Workloads.Workloads.Where(workload => workload.Managed && selector.Matches(workload.Labels)).Select(workload => workload.Id).ToList()
            : [];
        if (chosen.Count > WatchList.MostWorkloads)
        {
            problems.Add(Diagnostic.Error("too-many-to-watch", "watch", $"'{text}' chooses {chosen.Count} workloads; at most {WatchList.MostWorkloads} may report every second for one watcher. Choose fewer."));
        }

        return chosen;
    }

    /// <summary>The watcher's events, until it leaves or the caller may no longer read.</summary>
    private static async IAsyncEnumerable<SseItem<LiveEvent>> ReadAsync(
        LiveFeed.Watcher watcher, WatchList watched, IReadOnlyCollection<WorkloadId> workloads, Caller caller, CallerLookup lookup, TimeProvider time, HttpResponse response, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var watching = watcher;
        using var hosts = watched.Watch(workloads);
        // The headers go out now: a browser takes the stream for open when it has them.
        await response.Body.FlushAsync(cancellation).ConfigureAwait(false);
        var checkedAt = time.GetUtcNow();
        await foreach (var news in watcher.ReadAsync(cancellation).ConfigureAwait(false))
        {
            if (news.At - checkedAt > s_recheck)
            {
                checkedAt = news.At;
                if (await lookup.AgainAsync(caller, cancellation).ConfigureAwait(false) is not { MustChangePassword: false } still || !still.May(Permission.Read))
                {
                    yield break;
                }
            }

            yield return new(news, news.Kind);
        }
    }
}
