using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>A change that would let a blocked connection pass.</summary>
public abstract record Remedy
{
    private const int MostNetworks = 3;

    private Remedy()
    {
    }

    /// <summary>A sentence.</summary>
    public abstract string Sentence { get; }

    /// <summary>A workload is in quarantine.</summary>
    public sealed record LiftQuarantine(WorkloadId Workload, string Name) : Remedy
    {
        /// <inheritdoc/>
        public override string Sentence => $"Lift the quarantine of {Name}, or reach it from the network 'responders'.";
    }

    /// <summary>A rule that blocks must be removed or narrowed, whatever is allowed.</summary>
    public sealed record NarrowRule(RuleId Rule, string Ruleset) : Remedy
    {
        /// <inheritdoc/>
        public override string Sentence => $"Remove or narrow rule {Rule} of ruleset '{Ruleset}', which blocks this connection.";
    }

    /// <summary>A rule that covers both ends, and nobody else than a new rule would, lacks the port.</summary>
    public sealed record AddService(RuleId Rule, string Ruleset, string Port) : Remedy
    {
        /// <inheritdoc/>
        public override string Sentence => $"Add {Port} to the services of rule {Rule} of ruleset '{Ruleset}', which covers both ends already.";
    }

    /// <summary>The rule to add, to a ruleset or to a new one whose scope is <c>all</c>.</summary>
    public sealed record AddRule(string Ruleset, RuleDocument Rule, bool NewRuleset = false) : Remedy
    {
        /// <inheritdoc/>
        public override string Sentence =>
            $"Add to {(NewRuleset ? $"a new ruleset '{Ruleset}' of scope all" : $"ruleset '{Ruleset}'")}: allow {Rule.From} to {Rule.To} on {string.Join(", ", Rule.Services)}{(Rule.Within == "both" ? "" : $", within: {Rule.Within}")}.";
    }

    /// <summary>An allow covers the connection, but asks for another process or user.</summary>
    public sealed record MeetCondition(RuleId Rule, string Ruleset, string Condition) : Remedy
    {
        /// <inheritdoc/>
        public override string Sentence => $"Rule {Rule} of ruleset '{Ruleset}' allows it for {Condition} only: connect so, or add what connects to the rule.";
    }

    /// <summary>Nobody holds the address at the other end, and no network names it alone.</summary>
    /// <param name="Address">The address.</param>
    /// <param name="Rule">The rule to add then.</param>
    /// <param name="Ruleset">Where.</param>
    /// <param name="Wider">Networks in use that hold it, and other addresses too; sorted.</param>
    public sealed record DeclareNetwork(string Address, RuleDocument Rule, string Ruleset, EquatableArray<string> Wider) : Remedy
    {
        /// <inheritdoc/>
        public override string Sentence =>
            $"Declare a network that holds {Address}, or a workload with that address, and allow it in ruleset '{Ruleset}': {Rule.From} to {Rule.To} on {string.Join(", ", Rule.Services)}."
            + (Wider.Count == 0 ? "" : $" ({string.Join(", ", Wider.Take(MostNetworks).Select(name => $"network '{name}'"))} {(Wider.Count == 1 ? "holds" : "hold")} it too, but other addresses as well.)");
    }

    /// <summary>Nothing in policy can help, since no workload with labels is at the end that decides.</summary>
    public sealed record LabelWorkload(WorkloadId Workload, string Name) : Remedy
    {
        /// <inheritdoc/>
        public override string Sentence => $"Label {Name}, so that a rule can choose it.";
    }
}
