using System.Globalization;
using System.Net;
using System.Security.Claims;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Access;

/// <summary><c>/api/v1/session</c>: signing in and out, and changing one's password.</summary>
public static class SessionEndpoints
{
    // What was typed for a name is not kept: it may be a password.
    private const string Unknown = "unknown account";
    private static readonly TimeSpan s_lifetime = TimeSpan.FromHours(12);

    /// <summary>Maps them.</summary>
    public static void Map(RouteGroupBuilder api)
    {
        api.MapPost("/session", SignInAsync).AllowAnonymous().WithSummary("Sign in; sets the session cookie.");
        api.MapGet("/session", (ClaimsPrincipal user) => TypedResults.Ok(user.Caller().ToView())).RequireAuthorization(PermissionPolicies.SignedIn).WithSummary("Who is signed in.");
        api.MapDelete("/session", SignOutAsync).RequireAuthorization(PermissionPolicies.SignedIn).WithSummary("Sign out.");
        api.MapPost("/session/password", ChangePasswordAsync).RequireAuthorization(PermissionPolicies.SignedIn).WithSummary("Change one's own password; ends all other sessions.");
    }

    private static async Task<Results<Ok<SessionView>, ProblemResult>> SignInAsync(
        SignIn request, Ledger ledger, Passwords passwords, SignInThrottle throttle, HttpContext context, CancellationToken cancellation)
    {
        if (request.User.Length > InputChecks.MaxName)
        {
            return new ProblemResult(Problems.Invalid([Diagnostic.Error("bad-name", "user", $"A user's name has at most {InputChecks.MaxName} characters.")]));
        }

        var name = request.User.Trim().ToLowerInvariant();
        var address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        var wait = throttle.Begin(address, name);
        if (wait > TimeSpan.Zero)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            return new ProblemResult(Problems.Of(StatusCodes.Status429TooManyRequests, "too-many-attempts", "Too many failed sign-ins.", $"Wait {Math.Ceiling(wait.TotalSeconds)} s and try again."));
        }

        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var account = await database.Accounts.AsNoTracking().SingleOrDefaultAsync(a => a.Name == name, cancellation).ConfigureAwait(false);
        if (!passwords.Verify(account, request.Password))
        {
            var claimed = account?.Name ?? Unknown;
            await ledger.WriteAsync<bool>(claimed, (edit, _) =>
            {
                edit.Audit("access.sign-in-refused", claimed, $"A sign-in from {address} was refused.");
                return Task.FromResult<Outcome<bool>>(true);
            }, cancellation).ConfigureAwait(false);
            return new ProblemResult(WrongPassword());
        }

        throttle.Succeeded(address, name);
        var token = Secrets.New();
        var outcome = await BeginAsync(ledger, account!, token, address, cancellation).ConfigureAwait(false);
        if (outcome.Value is { } caller)
        {
            SetCookie(context, token, caller.Expires);
        }

        return outcome.Select(c => c.ToView()).Ok();
    }

    /// <summary>Begins the session of an account whose password was verified, unless it has another password by now, or is gone.</summary>
    internal static Task<Outcome<Caller>> BeginAsync(Ledger ledger, AccountRow verified, string token, IPAddress address, CancellationToken cancellation) =>
        ledger.WriteAsync<Caller>(verified.Name, async (edit, token2) =>
        {
            var account = await edit.Database.Accounts.AsNoTracking().SingleOrDefaultAsync(a => a.Id == verified.Id, token2).ConfigureAwait(false);
            if (account is null || account.PasswordHash != verified.PasswordHash)
            {
                return WrongPassword();
            }

            await edit.Database.Sessions.Where(s => s.Expires <= edit.Now).ExecuteDeleteAsync(token2).ConfigureAwait(false);
            var session = new SessionRow { TokenHash = Secrets.Hash(token), AccountId = account.Id, Expires = edit.Now + s_lifetime };
            edit.Database.Sessions.Add(session);
            edit.Audit("access.sign-in", account.Name, $"{account.Name} signed in from {address}.");
            return new Caller(account.Name, StoredText.Grants(account.Grants), account.Id, account.Id, session.TokenHash, account.OneTime, session.Expires);
        }, cancellation);

    private static async Task<NoContent> SignOutAsync(ClaimsPrincipal user, Ledger ledger, HttpContext context, CancellationToken cancellation)
    {
        var caller = user.Caller();
        await ledger.WriteAsync<int>(caller.Actor, async (edit, token) =>
        {
            edit.Audit("access.sign-out", caller.Name, $"{caller.Name} signed out.");
            return await edit.Database.Sessions.Where(s => s.TokenHash == caller.TokenHash).ExecuteDeleteAsync(token).ConfigureAwait(false);
        }, cancellation).ConfigureAwait(false);
        context.Response.Cookies.Delete(CallerAuthentication.Cookie, CookieOptions(null));
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<SessionView>, ProblemResult>> ChangePasswordAsync(
        ChangePassword request, ClaimsPrincipal user, Ledger ledger, Passwords passwords, SignInThrottle throttle, DataFolder data, HttpContext context, CancellationToken cancellation)
    {
        var caller = user.Caller();
        if (caller.Account is not { } id)
        {
            return new ProblemResult(Problems.Conflict("not-an-account", "An API key has no password.", "Sign in with the account."));
        }

        var problems = CheckNew(request);
        if (problems.Count > 0)
        {
            return new ProblemResult(Problems.Invalid(problems));
        }

        // A stolen session must not serve to guess the password.
        if (throttle.Begin(context.Connection.RemoteIpAddress ?? IPAddress.None, caller.Name) > TimeSpan.Zero)
        {
            return new ProblemResult(Problems.Of(StatusCodes.Status429TooManyRequests, "too-many-attempts", "Too many failed attempts.", "Wait a minute and try again."));
        }

        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var verified = await database.Accounts.AsNoTracking().SingleOrDefaultAsync(a => a.Id == id, cancellation).ConfigureAwait(false);
        if (!passwords.Verify(verified, request.Current))
        {
            return new ProblemResult(Problems.Invalid([Diagnostic.Error("wrong-password", "current", "The current password is wrong.")]));
        }

        var (token, hash) = (Secrets.New(), passwords.Hash(request.New));
        var outcome = await ledger.WriteAsync<Caller>(caller, async (edit, _, token2) =>
        {
            var account = await edit.Database.Accounts.SingleAsync(a => a.Id == id, token2).ConfigureAwait(false);
            if (account.PasswordHash != verified!.PasswordHash)
            {
                return RefusalAnswers.NotSignedIn;
            }

            (account.PasswordHash, account.OneTime) = (hash, false);
            await edit.Database.Sessions.Where(s => s.AccountId == id).ExecuteDeleteAsync(token2).ConfigureAwait(false);
            var session = new SessionRow { TokenHash = Secrets.Hash(token), AccountId = id, Expires = edit.Now + s_lifetime };
            edit.Database.Sessions.Add(session);
            edit.Touch(ChangeKind.Access, id.ToString());
            edit.Audit("access.password", account.Name, $"{account.Name} changed the password; other sessions ended.");
            return new Caller(account.Name, StoredText.Grants(account.Grants), id, id, session.TokenHash, false, session.Expires);
        }, cancellation).ConfigureAwait(false);
        if (outcome.Value is { } changed)
        {
            throttle.Succeeded(context.Connection.RemoteIpAddress ?? IPAddress.None, caller.Name);
            if (changed.Name == Passwords.AdminName)
            {
                data.Delete(Passwords.FirstRunFile);
            }

            SetCookie(context, token, changed.Expires);
        }

        return outcome.Select(c => c.ToView()).Ok();
    }

    private static List<Diagnostic> CheckNew(ChangePassword request)
    {
        var problems = new List<Diagnostic>();
        if (request.New.Length is < Passwords.MinLength or > Passwords.MaxLength)
        {
            problems.Add(Diagnostic.Error("bad-password", "new", $"A password has {Passwords.MinLength} to {Passwords.MaxLength} characters."));
        }

        if (request.New == request.Current)
        {
            problems.Add(Diagnostic.Error("same-password", "new", "The new password is the current one. Choose another."));
        }

        return problems;
    }

    private static Problem WrongPassword() => Problems.Of(
        StatusCodes.Status401Unauthorized, "wrong-password", "The user or the password is wrong.", "A lost password is reset on the controller's machine with 'bulkhead-controller reset-password'.");

    private static void SetCookie(HttpContext context, string token, DateTimeOffset? expires) =>
        context.Response.Cookies.Append(CallerAuthentication.Cookie, token, CookieOptions(expires));

    private static CookieOptions CookieOptions(DateTimeOffset? expires) =>
        new() { HttpOnly = true, Secure = true, SameSite = SameSiteMode.Strict, Path = "/", Expires = expires, IsEssential = true };
}
