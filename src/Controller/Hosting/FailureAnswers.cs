using System.Text.Json;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Storage;
using Microsoft.AspNetCore.Diagnostics;

namespace Bulkhead.Controller.Hosting;

/// <summary>Answers requests that could not be read, or whose handler threw, with a problem.</summary>
public sealed class FailureAnswers(ILogger<FailureAnswers> logger) : IExceptionHandler
{
    /// <inheritdoc/>
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && httpContext.RequestAborted.IsCancellationRequested)
        {
            httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }

        if (httpContext.Features.Get<AgentListener>() is not null)
        {
            await AgentAnswerTo(httpContext, exception).ExecuteAsync(httpContext).ConfigureAwait(false);
            return true;
        }

        var problem = exception switch
        {
            BadHttpRequestException { InnerException: JsonException json } => Problems.Invalid(
                [Policy.Diagnostic.Error("bad-json", json.Path is null or "$" ? "body" : json.Path.TrimStart('$', '.'), Sentence(json))]),
            BadHttpRequestException bad => Problems.Of(bad.StatusCode, "bad-request", bad.Message),
            _ when StoreFailures.Find(exception) is { } failure => StoreAway(httpContext, failure),
            _ => null,
        };
        if (problem is null)
        {
            Log.RequestFailed(logger, exception, httpContext.Request.Method, httpContext.Request.Path);
            problem = Problems.Of(StatusCodes.Status500InternalServerError, "internal-error", "The controller failed; what it had begun was rolled back.", "The controller's log has the details.");
        }

        await new ProblemResult(problem).ExecuteAsync(httpContext).ConfigureAwait(false);
        return true;
    }

    /// <summary>The database failed. If it was lost during a commit, nobody knows whether that was made.</summary>
    private Problem StoreAway(HttpContext context, Exception failure)
    {
        Log.StoreFailed(logger, context.Request.Method, context.Request.Path, failure.Message);
        context.Response.Headers.RetryAfter = "2";
        return Problems.Of(StatusCodes.Status503ServiceUnavailable, "store-failed", "The controller's database does not answer, or cannot write.", "Try again soon. If this was a change, look first whether it was made.");
    }

    private AgentAnswer AgentAnswerTo(HttpContext context, Exception exception)
    {
        if (exception is BadHttpRequestException bad)
        {
            return bad.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? AgentAnswer.Refuse(bad.StatusCode, "too-large", "The message is larger than the limit. Nothing was changed.", "Send less at a time.")
                : AgentAnswer.Malformed(bad.Message);
        }

        if (StoreFailures.Find(exception) is { } failure)
        {
            var away = StoreAway(context, failure);
            return AgentAnswer.Refuse(away.Status, away.Code, away.Title, "Try again.");
        }

        Log.RequestFailed(logger, exception, context.Request.Method, context.Request.Path);
        return AgentAnswer.Refuse(StatusCodes.Status500InternalServerError, "internal-error", "The controller failed; what it had begun was rolled back.", "The controller's log has the details.");
    }

    /// <summary>The serializer's message, without the position that the path already tells.</summary>
    private static string Sentence(JsonException problem)
    {
        var end = problem.Message.IndexOf(" Path: ", StringComparison.Ordinal);
        return end < 0 ? problem.Message : problem.Message[..end];
    }
}
