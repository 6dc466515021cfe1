using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Health;

/// <summary>What may be wrong with a rule.</summary>
public enum HealthCode
{
    /// <summary>No connection that could ever be made meets it.</summary>
    NeverMatches,

    /// <summary>An end chooses no workload that exists.</summary>
    NoLiveWorkload,

    /// <summary>Rules that decide before it take every connection that it is about.</summary>
    Shadowed,

    /// <summary>Other rules do the same without it.</summary>
    Redundant,

    /// <summary>It no longer applies.</summary>
    Expired,

    /// <summary>It will soon no longer apply.</summary>
    Expiring,

    /// <summary>Some hosts go without it.</summary>
    Unenforceable,

    /// <summary>It decided no observed connection.</summary>
    NeverUsed,

    /// <summary>Part of what it allows was not observed.</summary>
    BroaderThanObserved,
}

/// <summary>One thing that may be wrong with a rule.</summary>
/// <param name="Code">What kind of thing.</param>
/// <param name="Rule">The rule.</param>
/// <param name="Path">Its place in the policy.</param>
/// <param name="Message">What is wrong and what to do about it.</param>
/// <param name="Others">The rules that make it so, sorted; the first few.</param>
/// <param name="Evidence">Names of hosts (all of them), ports or labels (the first few) that show it; sorted.</param>
public sealed record RuleFinding(HealthCode Code, RuleId Rule, string Path, string Message, EquatableArray<RuleId> Others, EquatableArray<string> Evidence)
{
    /// <summary>As a warning; rule health never stops provisioning.</summary>
    public Diagnostic ToDiagnostic() => Diagnostic.Warning(
        Code switch
        {
            HealthCode.NeverMatches => "never-matches",
            HealthCode.NoLiveWorkload => "no-live-workload",
            HealthCode.Shadowed => "shadowed",
            HealthCode.Redundant => "redundant",
            HealthCode.Expired => "expired",
            HealthCode.Expiring => "expiring",
            HealthCode.Unenforceable => "unenforceable",
            HealthCode.NeverUsed => "never-used",
            _ => "broader-than-observed",
        },
        Path,
        Message);
}

/// <summary>The findings on a policy's rules.</summary>
/// <param name="Findings">By rule, then by code.</param>
/// <param name="Undecided">Rules that were given up at the bound before it was known whether others cover them; sorted.</param>
public sealed record HealthReport(IReadOnlyList<RuleFinding> Findings, IReadOnlyList<RuleId> Undecided);

/// <summary>A connection that was observed, and the rules that decided it.</summary>
/// <param name="Consumer">The consumer's labels; null if it is no workload.</param>
/// <param name="Provider">The provider's labels; null if it is no workload.</param>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Port">Destination port, or ICMP type; 0 for other protocols.</param>
/// <param name="Rules">The deciding rule of each managed end that a rule decided.</param>
public sealed record ObservedConnection(LabelSet? Consumer, LabelSet? Provider, byte Protocol, ushort Port, EquatableArray<RuleId> Rules);

/// <summary>What was observed, and when.</summary>
/// <param name="From">The beginning of the window.</param>
/// <param name="To">Its end.</param>
/// <param name="Connections">In any order; each may stand many times.</param>
public sealed record ObservedWindow(DateTimeOffset From, DateTimeOffset To, IReadOnlyList<ObservedConnection> Connections);

/// <summary>What rules are checked against.</summary>
public sealed record HealthInput
{
    /// <summary>The policy.</summary>
    public required PolicyModel Policy { get; init; }

    /// <summary>The present.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>How long before its expiry a rule is reported.</summary>
    public TimeSpan ExpiringWithin { get; init; } = TimeSpan.FromDays(14);

    /// <summary>The workloads that exist; null leaves out what they tell.</summary>
    public WorkloadIndex? Workloads { get; init; }

    /// <summary>What hosts go without, of the compiled policy.</summary>
    public IReadOnlyList<LeftOut> LeftOut { get; init; } = [];

    /// <summary>What was observed; null leaves out what it tells.</summary>
    public ObservedWindow? Observed { get; init; }
}
