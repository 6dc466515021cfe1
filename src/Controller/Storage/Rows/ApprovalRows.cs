namespace Bulkhead.Controller.Storage.Rows;

/// <summary>A setting of the controllers on the store.</summary>
public sealed class SettingRow
{
    /// <summary>The setting that says which scopes take a second person: a JSON array of selectors.</summary>
    public const string ApprovalScopes = "approval-scopes";

    /// <summary>Which.</summary>
    public string Name { get; set; } = "";

    /// <summary>What it is set to.</summary>
    public string Value { get; set; } = "";
}

/// <summary>A request for approval of one policy in place of one revision.</summary>
public sealed class ApprovalRow
{
    /// <summary>1, 2, 3 …</summary>
    public long Number { get; set; }

    /// <summary>The revision in force when it was asked for; under another it is void.</summary>
    public long Base { get; set; }

    /// <summary>SHA-256 of the policy's canonical form, hex.</summary>
    public string Hash { get; set; } = "";

    /// <summary>The policy itself, in canonical form; null in a request of an earlier version, which nobody can approve, since nobody could see what.</summary>
    public string? Policy { get; set; }

    /// <summary>The differences from the base, as JSON.</summary>
    public string Changes { get; set; } = "[]";

    /// <summary>The changes of the draft that were named, as JSON; none for all.</summary>
    public string Only { get; set; } = "[]";

    /// <summary>The revision to restore; null for the draft.</summary>
    public long? Restores { get; set; }

    /// <summary>Why.</summary>
    public string Note { get; set; } = "";

    /// <summary>Who asked, as the audit log names them.</summary>
    public string RequestedBy { get; set; } = "";

    /// <summary>The account that asked; null for a key of no account.</summary>
    public Guid? RequesterId { get; set; }

    /// <summary>When.</summary>
    public DateTimeOffset Requested { get; set; }

    /// <summary>Who approved it; null if nobody has.</summary>
    public string? ApprovedBy { get; set; }

    /// <summary>The account that approved it.</summary>
    public Guid? ApproverId { get; set; }

    /// <summary>When.</summary>
    public DateTimeOffset? Approved { get; set; }

    /// <summary>The revision that it became; null if it was not provisioned.</summary>
    public long? Revision { get; set; }
}
