namespace Bulkhead.Controller.Storage.Rows;

/// <summary>What a change was made to.</summary>
public enum ChangeKind
{
    /// <summary>A workload, its labels, addresses or agent.</summary>
    Workload,

    /// <summary>The declared label keys.</summary>
    LabelKeys,

    /// <summary>The draft policy.</summary>
    Draft,

    /// <summary>A new revision.</summary>
    Revision,

    /// <summary>Whether the newest revision is in force for a time.</summary>
    Trial,

    /// <summary>Accounts, sessions, API keys and pairing keys.</summary>
    Access,

    /// <summary>Time passed: a rule expired.</summary>
    Expiry,

    /// <summary>A new epoch of generations.</summary>
    Epoch,

    /// <summary>A controller that started, or is no longer one.</summary>
    Controllers,
}

/// <summary>One entry of the change log; written in the transaction of the change, so that sequence order is commit order.</summary>
public sealed class ChangeRow
{
    /// <summary>1, 2, 3 …</summary>
    public long Sequence { get; set; }

    /// <summary>What was changed.</summary>
    public ChangeKind Kind { get; set; }

    /// <summary>Which one; empty where there is only one.</summary>
    public string Id { get; set; } = "";
}

/// <summary>A number that must never go back.</summary>
public sealed class CounterRow
{
    /// <summary>See <see cref="Counters"/>.</summary>
    public string Name { get; set; } = "";

    /// <summary>The last one given out.</summary>
    public long Value { get; set; }
}

/// <summary>Names of counters.</summary>
public static class Counters
{
    /// <summary>Of the change log.</summary>
    public const string Sequence = "sequence";

    /// <summary>Of policy generations.</summary>
    public const string Epoch = "epoch";

    /// <summary>Of policy generations within the epoch.</summary>
    public const string Generation = "generation";

    /// <summary>When the newest generation was compiled, in Unix milliseconds: rules that had expired by then do not apply in it.</summary>
    public const string CompiledAt = "compiled-at";

    /// <summary>Of batches of observations.</summary>
    public const string Observation = "observation";

    /// <summary>Of rule ids.</summary>
    public const string Rule = "rule";

    /// <summary>Of requests for approval.</summary>
    public const string Approval = "approval";

    /// <summary>Of edits of the draft.</summary>
    public const string Draft = "draft";
}

/// <summary>One entry of the audit log; its hash covers the one before it.</summary>
public sealed class AuditRow
{
    /// <summary>1, 2, 3 …</summary>
    public long Sequence { get; set; }

    /// <summary>When.</summary>
    public DateTimeOffset At { get; set; }

    /// <summary>Who: an account, <c>key:NAME</c>, <c>agent:NAME</c> or <c>system</c>.</summary>
    public string Actor { get; set; } = "";

    /// <summary>Such as <c>policy.provision</c>.</summary>
    public string Action { get; set; } = "";

    /// <summary>What it was done to.</summary>
    public string Subject { get; set; } = "";

    /// <summary>A sentence.</summary>
    public string Detail { get; set; } = "";

    /// <summary>JSON of what was there before, to undo it with; null where nothing can be undone.</summary>
    public string? Before { get; set; }

    /// <summary>SHA-256, hex.</summary>
    public string Hash { get; set; } = "";
}
