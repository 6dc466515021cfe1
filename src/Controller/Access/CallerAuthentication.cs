using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Bulkhead.Controller.Access;

/// <summary>Authenticates by session cookie, or by <c>Authorization: Bearer KEY</c>.</summary>
public sealed class CallerAuthentication(
    CallerLookup lookup, IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>The scheme's name.</summary>
    public const string SchemeName = "bulkhead";

    /// <summary>The session cookie; the prefix makes browsers insist on Secure, on the whole host and on no domain.</summary>
    public const string Cookie = "__Host-bulkhead";

    private const string Bearer = "Bearer ";

    /// <inheritdoc/>
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        string? authorization = Request.Headers.Authorization;
        var byKey = authorization is not null;
        var secret = byKey
            ? authorization!.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? authorization[Bearer.Length..].Trim() : null
            : Request.Cookies[Cookie];
        if (string.IsNullOrEmpty(secret))
        {
            return AuthenticateResult.NoResult();
        }

        var hash = Secrets.Hash(secret);
        var caller = byKey
            ? await lookup.ByKeyAsync(hash, Context.RequestAborted).ConfigureAwait(false)
            : await lookup.BySessionAsync(hash, Context.RequestAborted).ConfigureAwait(false);
        return caller is null
            ? AuthenticateResult.Fail(byKey ? "The key is unknown, expired or revoked." : "The session has ended.")
            : AuthenticateResult.Success(new(new(new CallerIdentity(caller)), SchemeName));
    }
}
