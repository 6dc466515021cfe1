using Bulkhead.Controller.Hosting;

namespace Bulkhead.Controller.Access;

/// <summary>Guards that every request passes.</summary>
public static class RequestGuards
{
    /// <summary>The header that a cookie-authenticated write must carry; another site's page cannot send it.</summary>
    public const string WriteHeader = "X-Bulkhead";

    private const string ContentSecurity =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        + "worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>Adds security headers to every answer, errors included: when it starts, since the exception handler clears what was set before.</summary>
    public static Task AddHeaders(HttpContext context, RequestDelegate next)
    {
        context.Response.OnStarting(SetHeaders, context);
        return next(context);
    }

    private static Task SetHeaders(object state)
    {
        var context = (HttpContext)state;
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = ContentSecurity;
        headers.StrictTransportSecurity = "max-age=31536000";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (context.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal))
        {
            headers.CacheControl = "no-store";
        }

        return Task.CompletedTask;
    }

    /// <summary>Refuses writes that a session cookie authenticates unless they carry <see cref="WriteHeader"/>.</summary>
    public static Task RequireWriteHeader(HttpContext context, RequestDelegate next)
    {
        var method = context.Request.Method;
        var reads = HttpMethods.IsGet(method) || HttpMethods.IsHead(method);
        var refused = !reads && context.User.TryCaller() is { Account: not null } && context.Request.Headers[WriteHeader] != "1";
        return refused
            ? new ProblemResult(Problems.Of(StatusCodes.Status403Forbidden, "write-header-missing", "The request lacks the header that tells it from another site's.", $"Send '{WriteHeader}: 1' with every write.")).ExecuteAsync(context)
            : next(context);
    }
}
