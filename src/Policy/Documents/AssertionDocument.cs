namespace Bulkhead.Policy.Documents;

/// <summary>A statement about the policy itself, proven for every workload that could exist: exactly one of never and must.</summary>
public sealed record AssertionDocument
{
    /// <summary>Unique.</summary>
    public string Name { get; init => field = value ?? ""; } = "";

    /// <summary>What the policy must never allow.</summary>
    public AssertedDocument? Never { get; init; }

    /// <summary>What the policy must always allow.</summary>
    public AssertedDocument? Must { get; init; }

    /// <summary><c>count</c> or <c>accept</c>: whether a never is unproven where connections that helpers let be agreed upon may pass.</summary>
    [OneOf("count", "accept")]
    public string Helpers { get; init => field = value ?? "count"; } = "count";

    /// <summary>Who answers for it.</summary>
    public string? Owner { get; init; }

    /// <summary>Why it matters.</summary>
    public string? Reason { get; init; }
}

/// <summary>The connections that an assertion is about.</summary>
public sealed record AssertedDocument
{
    /// <summary>The consumer: a selector or <c>network:NAME</c>.</summary>
    public string From { get; init => field = value ?? ""; } = "";

    /// <summary>The provider: a selector or <c>network:NAME</c>.</summary>
    public string To { get; init => field = value ?? ""; } = "";

    /// <summary>Names of services, or ports such as <c>tcp/443</c>; usually <c>any</c>.</summary>
    public IReadOnlyList<string> Services { get; init => field = value ?? ["any"]; } = ["any"];

    /// <summary>The executable path or systemd unit that owns the consumer's socket.</summary>
    public ProcessDocument? FromProcess { get; init; }

    /// <summary>Directory groups of which the connecting user is in one.</summary>
    public IReadOnlyList<string> Users { get; init => field = value ?? []; } = [];
}

/// <summary>Says in which networks the workloads that a selector chooses have their addresses, those included that do not exist yet.</summary>
public sealed record PlanDocument
{
    /// <summary>Which workloads.</summary>
    public string Selector { get; init => field = value ?? ""; } = "";

    /// <summary>Names of networks; at least one.</summary>
    public IReadOnlyList<string> Networks { get; init => field = value ?? []; } = [];
}
