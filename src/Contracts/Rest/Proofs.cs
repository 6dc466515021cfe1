namespace Bulkhead.Contracts.Rest;

/// <summary>What became of an assertion.</summary>
public enum AssertionState
{
    /// <summary>It holds for every workload that could exist.</summary>
    Held,

    /// <summary>No rule allows what it forbids; but connections that a helper lets be agreed upon may pass.</summary>
    Unproven,

    /// <summary>It fails only for an address of which no plan speaks and that no live workload has.</summary>
    Conditional,

    /// <summary>It fails; stops provisioning.</summary>
    Violated,

    /// <summary>The search was given up at its bound; stops provisioning.</summary>
    Undecided,
}

/// <summary>An assertion of the draft, decided for every workload that could exist (<c>GET /api/v1/policy/draft/assertions</c>).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind"><c>never</c> or <c>must</c>.</param>
/// <param name="State">Whether it holds.</param>
/// <param name="Message">A sentence.</param>
/// <param name="Counterexample">A connection that shows that it does not hold, in words; null if it is held, unproven or undecided.</param>
/// <param name="DecidedBy">The rules that decide the counterexample.</param>
/// <param name="NotYetEnforced">How many directions of live workloads are denied by the letter, but not yet enforced.</param>
/// <param name="NotYetEnforcedAt">The first of these workloads, by name.</param>
public sealed record AssertionView(
    string Name, string Kind, AssertionState State, string Message, string? Counterexample, IReadOnlyList<long> DecidedBy, int NotYetEnforced, IReadOnlyList<string> NotYetEnforcedAt);

/// <summary>Something that may be wrong with a rule.</summary>
/// <param name="Code">Such as <c>shadowed</c>, <c>never-used</c>, <c>broader-than-observed</c>.</param>
/// <param name="Rule">The rule's id.</param>
/// <param name="Path">Its place in the policy.</param>
/// <param name="Message">What is wrong and what to do about it.</param>
/// <param name="Others">The rules that make it so; the first few.</param>
/// <param name="Evidence">Hosts, ports or labels that show it; the first few.</param>
public sealed record RuleFindingView(string Code, long Rule, string Path, string Message, IReadOnlyList<long> Others, IReadOnlyList<string> Evidence);

/// <summary>The health of the draft's rules against what exists and what was seen in a window (<c>GET /api/v1/policy/draft/health</c>).</summary>
/// <param name="From">Start of the window.</param>
/// <param name="To">End of the window.</param>
/// <param name="Edges">How many distinct edges were seen in it.</param>
/// <param name="Findings">By rule.</param>
/// <param name="Undecided">Rules of which it was given up to find out whether others cover them.</param>
public sealed record RuleHealthView(DateTimeOffset From, DateTimeOffset To, long Edges, IReadOnlyList<RuleFindingView> Findings, IReadOnlyList<long> Undecided);

/// <summary>Connections that the draft newly allows or blocks, between all workloads that could exist.</summary>
/// <param name="Allows">Whether it newly allows them; else it newly blocks them.</param>
/// <param name="Connections">Which, such as <c>role=web → role=db on tcp/5432</c>.</param>
/// <param name="Rules">The rules that allow them in the policy that does.</param>
/// <param name="Message">A sentence.</param>
/// <param name="AgreedUpon">Whether no rule allows them, or did, but a helper lets them be agreed upon.</param>
public sealed record EffectView(bool Allows, string Connections, IReadOnlyList<long> Rules, string Message, bool AgreedUpon);

/// <summary>What the draft does against the newest revision (<c>GET /api/v1/policy/draft/effects</c>).</summary>
/// <param name="InForce">With workloads in the modes that each policy assigns to their labels.</param>
/// <param name="InFull">By the letter, as if every workload were in full.</param>
public sealed record DraftEffects(EffectList InForce, EffectList InFull);

/// <summary>Effects of one kind.</summary>
/// <param name="Effects">At most 100 each way.</param>
/// <param name="IsComplete">Whether that is all.</param>
public sealed record EffectList(IReadOnlyList<EffectView> Effects, bool IsComplete);
