using System.Security.Claims;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Controller.Access;

/// <summary>Who makes a request.</summary>
/// <param name="Name">The account's, or the API key's, name.</param>
/// <param name="Grants">Their roles.</param>
/// <param name="Account">The account; null for an API key.</param>
/// <param name="ActsFor">The account, also that of an API key; null for a key that was made on the controller's machine.</param>
/// <param name="TokenHash">Of the session or key.</param>
/// <param name="MustChangePassword">Whether nothing but changing the password is allowed.</param>
/// <param name="Expires">When the session or key ends; null for never.</param>
/// <param name="Owner">The name of the account that an API key acts for; null for none.</param>
public sealed record Caller(string Name, IReadOnlyList<Grant> Grants, Guid? Account, Guid? ActsFor, string TokenHash, bool MustChangePassword, DateTimeOffset? Expires, string? Owner = null)
{
    /// <summary>As the audit log names them: <c>ann</c>, <c>ann/key:NAME</c>, or <c>key:NAME</c> for a key of no account. Names of accounts have no slash.</summary>
    public string Actor => Account is not null ? Name : Owner is null ? $"key:{Name}" : $"{Owner}/key:{Name}";

    /// <summary>Whether some grant gives a permission, be it only within a scope.</summary>
    public bool May(Permission permission) => Grants.Any(grant => RolePermissions.Of(grant.Role).Contains(permission));

    /// <summary>As REST shows them.</summary>
    public SessionView ToView() => new(Name, Grants, [.. Enum.GetValues<Permission>().Where(May)], MustChangePassword, Account is null ? null : Expires);
}

/// <summary>An identity that is a <see cref="Access.Caller"/>.</summary>
public sealed class CallerIdentity : ClaimsIdentity
{
    /// <summary>The identity of a caller.</summary>
    public CallerIdentity(Caller caller)
        : base([new Claim(ClaimTypes.Name, caller.Name)], CallerAuthentication.SchemeName) => Caller = caller;

    /// <summary>Who.</summary>
    public Caller Caller { get; }
}

/// <summary>Finds the caller of a request.</summary>
public static class Callers
{
    /// <summary>The caller, or null if nobody is signed in.</summary>
    public static Caller? TryCaller(this ClaimsPrincipal principal) => (principal.Identity as CallerIdentity)?.Caller;

    /// <summary>The caller of an endpoint that requires one.</summary>
    public static Caller Caller(this ClaimsPrincipal principal) =>
        principal.TryCaller() ?? throw new InvalidOperationException("The endpoint does not require a caller.");
}
