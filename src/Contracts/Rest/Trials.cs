namespace Bulkhead.Contracts.Rest;

/// <summary>How a revision stands that was provisioned for a time.</summary>
public enum TrialState
{
    /// <summary>It is in force, and reverts by itself.</summary>
    Running,

    /// <summary>Somebody confirmed it: it stays.</summary>
    Confirmed,

    /// <summary>The policy before it is in force again.</summary>
    Reverted,

    /// <summary>Something else was provisioned meanwhile; nothing of that is undone.</summary>
    Superseded,
}

/// <summary>What was said about a revision that was provisioned for a time.</summary>
/// <param name="Until">When it reverts by itself.</param>
/// <param name="RevertOnBlock">Whether it reverts at once when a host blocks what the policy before it would have let pass.</param>
/// <param name="State">How it stands.</param>
/// <param name="Problem">Why it could not be reverted so far, which is tried on; null if nothing is wrong.</param>
/// <param name="Ended">How it ended, a sentence; null while it runs.</param>
/// <param name="EndedAt">When.</param>
public sealed record TrialView(DateTimeOffset Until, bool RevertOnBlock, TrialState State, string? Problem, string? Ended, DateTimeOffset? EndedAt);
