namespace Bulkhead.Contracts.Rest;

/// <summary>One kind of thing that may be done; each endpoint takes one of them.</summary>
public enum Permission
{
    /// <summary>See inventory, traffic and policy. Not narrowed by scopes.</summary>
    Read,

    /// <summary>See the audit log, and who may do what.</summary>
    Audit,

    /// <summary>Label workloads and make unmanaged ones, as far as that changes nothing that a host enforces.</summary>
    Label,

    /// <summary>Edit the draft.</summary>
    Draft,

    /// <summary>Change what hosts enforce: provision the draft, restore a revision, and, with <see cref="Label"/>, label enforcing hosts.</summary>
    Provision,

    /// <summary>Quarantine workloads, and release them.</summary>
    Quarantine,

    /// <summary>Make pairing keys; admit and remove workloads.</summary>
    ManageAgents,

    /// <summary>Make and change accounts and API keys.</summary>
    ManageAccess,
}

/// <summary>A set of permissions that can be granted.</summary>
public enum AccessRole
{
    /// <summary>Reads.</summary>
    Viewer,

    /// <summary>Reads, the audit log and who may do what too.</summary>
    Auditor,

    /// <summary>Labels, and edits the draft.</summary>
    PolicyEditor,

    /// <summary>Provisions and restores.</summary>
    Provisioner,

    /// <summary>Quarantines and releases.</summary>
    Responder,

    /// <summary>Pairs, admits, labels and removes workloads.</summary>
    AgentManager,

    /// <summary>Everything.</summary>
    Owner,
}

/// <summary>A role that somebody has.</summary>
/// <param name="Role">The role.</param>
/// <param name="Scope">A selector: what may be changed concerns only workloads that it chooses. Null for all; viewers, auditors and owners have no scope.</param>
public sealed record Grant(AccessRole Role, string? Scope);

/// <summary><c>POST /api/v1/session</c>: signs in; the answer sets an HttpOnly cookie.</summary>
public sealed record SignIn(string User, string Password);

/// <summary><c>GET /api/v1/session</c>: who is signed in.</summary>
/// <param name="User">The account's, or the API key's, name.</param>
/// <param name="Grants">Their roles.</param>
/// <param name="Permissions">What they may do, within the scopes of the grants.</param>
/// <param name="MustChangePassword">With a one-time password nothing but changing it is allowed.</param>
/// <param name="Expires">When the session ends; null for an API key.</param>
public sealed record SessionView(string User, IReadOnlyList<Grant> Grants, IReadOnlyList<Permission> Permissions, bool MustChangePassword, DateTimeOffset? Expires);

/// <summary><c>POST /api/v1/session/password</c>. A new password has at least 12 characters.</summary>
public sealed record ChangePassword(string Current, string New);

/// <summary><c>POST /api/v1/api-keys</c>.</summary>
public sealed record CreateApiKey(string Name, IReadOnlyList<Grant> Grants, DateTimeOffset? Expires);

/// <summary>An API key, without its secret.</summary>
public sealed record ApiKeyView(Guid Id, string Name, IReadOnlyList<Grant> Grants, string CreatedBy, DateTimeOffset Created, DateTimeOffset? Expires, DateTimeOffset? LastUsed);

/// <summary>The answer to <see cref="CreateApiKey"/>: the only time that the secret is shown. Sent as <c>Authorization: Bearer SECRET</c>.</summary>
public sealed record CreatedApiKey(ApiKeyView Key, string Secret);

/// <summary>One entry of the hash-chained audit log (<c>GET /api/v1/audit</c>, newest first).</summary>
/// <param name="Sequence">1, 2, 3 …</param>
/// <param name="At">When.</param>
/// <param name="Actor">Who: an account, its key <c>ACCOUNT/key:NAME</c>, a key of no account <c>key:NAME</c>, or <c>agent:NAME</c>.</param>
/// <param name="Action">Such as <c>policy.provision</c>.</param>
/// <param name="Subject">What it was done to.</param>
/// <param name="Detail">A sentence.</param>
/// <param name="Hash">SHA-256 over the previous hash and this entry, hex.</param>
public sealed record AuditEntryView(long Sequence, DateTimeOffset At, string Actor, string Action, string Subject, string Detail, string Hash);

/// <summary>A person's account, without its password.</summary>
/// <param name="Name">Unique, lower case.</param>
/// <param name="Grants">What they may do.</param>
/// <param name="MustChangePassword">Whether the password is a one-time one that was not used yet.</param>
public sealed record AccountView(string Name, IReadOnlyList<Grant> Grants, bool MustChangePassword);

/// <summary><c>POST /api/v1/accounts</c>.</summary>
/// <param name="Name">Up to 64 lower-case letters, digits, '.', '_', '-' or '@', of which the first is a letter or digit.</param>
/// <param name="Grants">What they may do.</param>
public sealed record CreateAccount(string Name, IReadOnlyList<Grant> Grants);

/// <summary>An account whose password was just made: the only time that it is shown. It must be changed at the first sign-in.</summary>
/// <param name="Account">The account.</param>
/// <param name="OneTimePassword">The password.</param>
/// <param name="RevokedKeys">Names of its API keys that were revoked with this.</param>
public sealed record AccountPassword(AccountView Account, string OneTimePassword, IReadOnlyList<string> RevokedKeys);

/// <summary><c>PUT /api/v1/accounts/{name}/grants</c>: from the next request on.</summary>
/// <param name="Grants">What they may do from now on.</param>
public sealed record SetGrants(IReadOnlyList<Grant> Grants);
