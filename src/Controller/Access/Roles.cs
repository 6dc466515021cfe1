using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Hosting;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace Bulkhead.Controller.Access;

/// <summary>The authorization policies, by the names of roles. An endpoint that names none is for admins.</summary>
public static class Roles
{
    /// <summary>Anybody signed in, even with a one-time password.</summary>
    public const string SignedIn = "signed-in";

    /// <summary>Reads.</summary>
    public const string Viewer = "viewer";

    /// <summary>Labels, drafts, provisions.</summary>
    public const string Editor = "editor";

    /// <summary>Controls access and pairing.</summary>
    public const string Admin = "admin";

    /// <summary>Registers them.</summary>
    public static void Configure(AuthorizationOptions options)
    {
        options.AddPolicy(SignedIn, policy => policy.RequireAuthenticatedUser());
        options.AddPolicy(Viewer, policy => policy.RequireAuthenticatedUser().AddRequirements(new AtLeast(AccessRole.Viewer)));
        options.AddPolicy(Editor, policy => policy.RequireAuthenticatedUser().AddRequirements(new AtLeast(AccessRole.Editor)));
        options.AddPolicy(Admin, policy => policy.RequireAuthenticatedUser().AddRequirements(new AtLeast(AccessRole.Admin)));
        options.FallbackPolicy = options.GetPolicy(Admin);
    }

    /// <summary>A role, with a password that is their own.</summary>
    private sealed class AtLeast(AccessRole role) : AuthorizationHandler<AtLeast>, IAuthorizationRequirement
    {
        /// <inheritdoc/>
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, AtLeast requirement)
        {
            if (context.User.TryCaller() is { MustChangePassword: false } caller && caller.Role >= role)
            {
                context.Succeed(requirement);
            }

            return Task.CompletedTask;
        }
    }
}

/// <summary>Answers refused callers with a problem that says why.</summary>
public sealed class RefusalAnswers : IAuthorizationMiddlewareResultHandler
{
    /// <inheritdoc/>
    public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded)
        {
            return next(context);
        }

        var problem = context.User.TryCaller() switch
        {
            null => Problems.Of(StatusCodes.Status401Unauthorized, "not-signed-in", "You are not signed in.", "Sign in, or send an API key as 'Authorization: Bearer KEY'."),
            { MustChangePassword: true } => Problems.Of(StatusCodes.Status403Forbidden, "must-change-password", "The one-time password must be changed first.", "POST /api/v1/session/password with the current and a new password."),
            var caller => Problems.Of(StatusCodes.Status403Forbidden, "role-too-low", $"{caller.Name} may not do this.", $"It takes more than the role {caller.Role.ToString().ToLowerInvariant()}. Ask an administrator."),
        };
        return new ProblemResult(problem).ExecuteAsync(context);
    }
}
