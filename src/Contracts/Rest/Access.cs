namespace Bulkhead.Contracts.Rest;

/// <summary>What an account or key may do; each includes those before it.</summary>
public enum AccessRole
{
    /// <summary>Reads everything but secrets.</summary>
    Viewer,

    /// <summary>Also labels, drafts and provisions.</summary>
    Editor,

    /// <summary>Also pairs agents and controls access.</summary>
    Admin,
}

/// <summary><c>POST /api/v1/session</c>: signs in; the answer sets an HttpOnly cookie.</summary>
public sealed record SignIn(string User, string Password);

/// <summary><c>GET /api/v1/session</c>: who is signed in.</summary>
/// <param name="User">The account's, or the API key's, name.</param>
/// <param name="Role">What they may do.</param>
/// <param name="MustChangePassword">With a one-time password nothing but changing it is allowed.</param>
/// <param name="Expires">When the session ends; null for an API key.</param>
public sealed record SessionView(string User, AccessRole Role, bool MustChangePassword, DateTimeOffset? Expires);

/// <summary><c>POST /api/v1/session/password</c>. A new password has at least 12 characters.</summary>
public sealed record ChangePassword(string Current, string New);

/// <summary><c>POST /api/v1/api-keys</c>.</summary>
public sealed record CreateApiKey(string Name, AccessRole Role, DateTimeOffset? Expires);

/// <summary>An API key, without its secret.</summary>
public sealed record ApiKeyView(Guid Id, string Name, AccessRole Role, string CreatedBy, DateTimeOffset Created, DateTimeOffset? Expires, DateTimeOffset? LastUsed);

/// <summary>The answer to <see cref="CreateApiKey"/>: the only time that the secret is shown. Sent as <c>Authorization: Bearer SECRET</c>.</summary>
public sealed record CreatedApiKey(ApiKeyView Key, string Secret);

/// <summary>One entry of the hash-chained audit log (<c>GET /api/v1/audit</c>, newest first).</summary>
/// <param name="Sequence">1, 2, 3 …</param>
/// <param name="At">When.</param>
/// <param name="Actor">Who: an account, <c>key:NAME</c>, or <c>agent:NAME</c>.</param>
/// <param name="Action">Such as <c>policy.provision</c>.</param>
/// <param name="Subject">What it was done to.</param>
/// <param name="Detail">A sentence.</param>
/// <param name="Hash">SHA-256 over the previous hash and this entry, hex.</param>
public sealed record AuditEntryView(long Sequence, DateTimeOffset At, string Actor, string Action, string Subject, string Detail, string Hash);
