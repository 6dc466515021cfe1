using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Hosting;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace Bulkhead.Controller.Access;

/// <summary>The permission that an endpoint takes.</summary>
/// <param name="Permission">The permission.</param>
public sealed record PermissionMetadata(Permission Permission);

/// <summary>Authorization policies: one a permission, and one for anybody signed in. An endpoint that names none is for owners.</summary>
public static class PermissionPolicies
{
    /// <summary>Anybody signed in, even with a one-time password.</summary>
    public const string SignedIn = "signed-in";

    /// <summary>Says which permission an endpoint, or each of a group's, takes. What it may be used on is up to the caller's <see cref="Reach"/>.</summary>
    public static TBuilder Requires<TBuilder>(this TBuilder endpoint, Permission permission)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.RequireAuthorization(permission.ToString()).WithMetadata(new PermissionMetadata(permission));

    /// <summary>Registers them.</summary>
    public static void Configure(AuthorizationOptions options)
    {
        options.AddPolicy(SignedIn, policy => policy.RequireAuthenticatedUser());
        foreach (var permission in Enum.GetValues<Permission>())
        {
            options.AddPolicy(permission.ToString(), policy => policy.RequireAuthenticatedUser().AddRequirements(new Holds(permission)));
        }

        options.FallbackPolicy = options.GetPolicy(nameof(Permission.ManageAccess));
    }

    /// <summary>A permission, with a password that is their own.</summary>
    private sealed class Holds(Permission permission) : AuthorizationHandler<Holds>, IAuthorizationRequirement
    {
        /// <inheritdoc/>
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, Holds requirement)
        {
            if (context.User.TryCaller() is { MustChangePassword: false } caller && caller.May(permission))
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
    /// <summary>The refusal of nobody.</summary>
    public static Problem NotSignedIn { get; } = Problems.Of(
        StatusCodes.Status401Unauthorized, "not-signed-in", "You are not signed in.", "Sign in, or send an API key as 'Authorization: Bearer KEY'.");

    /// <summary>The refusal of who has a one-time password.</summary>
    public static Problem MustChangePassword { get; } = Problems.Of(
        StatusCodes.Status403Forbidden, "must-change-password", "The one-time password must be changed first.", "POST /api/v1/session/password with the current and a new password.");

    /// <inheritdoc/>
    public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded)
        {
            return next(context);
        }

        var problem = context.User.TryCaller() switch
        {
            null => NotSignedIn,
            { MustChangePassword: true } => MustChangePassword,
            var caller => NotPermitted(caller, context.GetEndpoint()?.Metadata.GetMetadata<PermissionMetadata>()?.Permission ?? Permission.ManageAccess),
        };
        return new ProblemResult(problem).ExecuteAsync(context);
    }

    /// <summary>The refusal of a caller without a permission.</summary>
    public static Problem NotPermitted(Caller caller, Permission permission) => Problems.Of(
        StatusCodes.Status403Forbidden, "not-permitted", $"{caller.Name} may not do this.",
        $"It takes the permission '{Word(permission)}', which these roles have: {string.Join(", ", RolePermissions.With(permission).Select(role => Word(role)))}. Ask an owner.");

    private static string Word<T>(T value)
        where T : struct, Enum => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}
