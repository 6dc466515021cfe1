using System.Reflection;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage;
using Microsoft.AspNetCore.Http.Metadata;

namespace Bulkhead.Controller.Hosting;

/// <summary>An error as <c>application/problem+json</c>.</summary>
public sealed class ProblemResult(Problem problem) : IResult, IEndpointMetadataProvider, IStatusCodeHttpResult
{
    /// <summary>The media type of errors (RFC 9457).</summary>
    public const string MediaType = "application/problem+json";

    /// <summary>What is answered.</summary>
    public Problem Problem => problem;

    /// <inheritdoc/>
    public int? StatusCode => problem.Status;

    /// <inheritdoc/>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = problem.Status;
        return httpContext.Response.WriteAsJsonAsync(problem, options: null, MediaType, httpContext.RequestAborted);
    }

    /// <inheritdoc/>
    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder)
    {
        // The OpenAPI document describes the one shape that all errors have, as each operation's default response.
    }
}

/// <summary>Turns outcomes into answers.</summary>
public static class Answers
{
    /// <summary>The result as 200, or the refusal.</summary>
    public static Microsoft.AspNetCore.Http.HttpResults.Results<Microsoft.AspNetCore.Http.HttpResults.Ok<T>, ProblemResult> Ok<T>(this Outcome<T> outcome) =>
        outcome.Refusal is { } refusal ? new ProblemResult(refusal) : TypedResults.Ok(outcome.Value!);

    /// <summary>204, or the refusal.</summary>
    public static Microsoft.AspNetCore.Http.HttpResults.Results<Microsoft.AspNetCore.Http.HttpResults.NoContent, ProblemResult> NoContent<T>(this Outcome<T> outcome) =>
        outcome.Refusal is { } refusal ? new ProblemResult(refusal) : TypedResults.NoContent();
}
