namespace Bulkhead.Contracts.Rest;

/// <summary><c>GET</c> and <c>PUT /api/v1/settings/approval</c>: what only two people together may provision.</summary>
/// <param name="Scopes">Selectors: a change that may matter to a workload that one of them chooses takes a second person's approval. <c>all</c> for every change, none for no change.</param>
public sealed record ApprovalSetting(IReadOnlyList<string> Scopes);

/// <summary><c>POST /api/v1/policy/approvals</c>: asks others to approve what the caller would provision.</summary>
/// <param name="Note">Why; required.</param>
/// <param name="DraftVersion">The draft that was looked at; a different one is refused with 409.</param>
/// <param name="Only">As in <see cref="Provision"/>.</param>
/// <param name="Restore">The revision to restore, in place of the draft.</param>
public sealed record RequestApproval(string Note, long DraftVersion, IReadOnlyList<string>? Only = null, long? Restore = null);

/// <summary>How a request for approval stands.</summary>
public enum ApprovalState
{
    /// <summary>Nobody has approved it yet.</summary>
    Waiting,

    /// <summary>It can be provisioned.</summary>
    Approved,

    /// <summary>The draft says something else now, or another revision is in force.</summary>
    Void,

    /// <summary>It was provisioned.</summary>
    Used,
}

/// <summary>A request for approval of one policy in place of one revision.</summary>
/// <param name="Number">1, 2, 3 …</param>
/// <param name="State">How it stands.</param>
/// <param name="BaseRevision">The revision that it changes.</param>
/// <param name="Hash">SHA-256 of the policy that it leads to, hex: the revision's hash once it is provisioned.</param>
/// <param name="Changes">Against the base.</param>
/// <param name="Only">The changes of the draft that were named; none for all.</param>
/// <param name="Restore">The revision to restore; null for the draft.</param>
/// <param name="Note">Why.</param>
/// <param name="RequestedBy">Who asked.</param>
/// <param name="Requested">When.</param>
/// <param name="ApprovedBy">Who approved it; null if nobody has.</param>
/// <param name="Approved">When.</param>
/// <param name="Revision">What it became; null if it was not provisioned.</param>
public sealed record ApprovalView(
    long Number,
    ApprovalState State,
    long BaseRevision,
    string Hash,
    IReadOnlyList<PolicyChange> Changes,
    IReadOnlyList<string> Only,
    long? Restore,
    string Note,
    string RequestedBy,
    DateTimeOffset Requested,
    string? ApprovedBy,
    DateTimeOffset? Approved,
    long? Revision);
