using Bulkhead.Contracts.Rest;

namespace Bulkhead.Controller.Storage.Rows;

/// <summary>A revision that was provisioned for a time.</summary>
public sealed class TrialRow
{
    /// <summary>Which.</summary>
    public long Revision { get; set; }

    /// <summary>When it reverts by itself.</summary>
    public DateTimeOffset Until { get; set; }

    /// <summary>Whether an unexpected block reverts it.</summary>
    public bool OnBlock { get; set; }

    /// <summary>How it stands.</summary>
    public TrialState State { get; set; }

    /// <summary>Why it was to be reverted before its time and could not be; null if that did not happen.</summary>
    public string? Cause { get; set; }

    /// <summary>Why it could not be reverted so far; null if nothing is wrong.</summary>
    public string? Problem { get; set; }

    /// <summary>How it ended, a sentence.</summary>
    public string? Ended { get; set; }

    /// <summary>When.</summary>
    public DateTimeOffset? EndedAt { get; set; }
}
