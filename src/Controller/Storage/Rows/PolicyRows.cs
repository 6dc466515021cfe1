namespace Bulkhead.Controller.Storage.Rows;

/// <summary>One object of the draft policy.</summary>
public sealed class DraftObjectRow
{
    /// <summary><c>ruleset</c>, <c>service</c>, <c>network</c>, <c>modes</c> or <c>failSafe</c>.</summary>
    public string Kind { get; set; } = "";

    /// <summary>Unique within the kind; empty for modes and failSafe.</summary>
    public string Name { get; set; } = "";

    /// <summary>Its JSON.</summary>
    public string Body { get; set; } = "";
}

/// <summary>An immutable revision of the policy.</summary>
public sealed class RevisionRow
{
    /// <summary>1, 2, 3 …</summary>
    public long Number { get; set; }

    /// <summary>The one before it; 0 for none.</summary>
    public long Parent { get; set; }

    /// <summary>SHA-256 of <see cref="Document"/>, hex.</summary>
    public string Hash { get; set; } = "";

    /// <summary>Why.</summary>
    public string Note { get; set; } = "";

    /// <summary>Who.</summary>
    public string Author { get; set; } = "";

    /// <summary>When.</summary>
    public DateTimeOffset Created { get; set; }

    /// <summary>The second person, where one was needed, as the audit log names them.</summary>
    public string? ApprovedBy { get; set; }

    /// <summary>The revision whose content it restores, or null.</summary>
    public long? RestoredFrom { get; set; }

    /// <summary>The policy as canonical JSON.</summary>
    public string Document { get; set; } = "";

    /// <summary>The differences from its parent, as JSON.</summary>
    public string Changes { get; set; } = "[]";
}

/// <summary>A label key that operators declared.</summary>
public sealed class LabelKeyRow
{
    /// <summary>The key.</summary>
    public string Key { get; set; } = "";
}
