using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests;

/// <summary>Which tier decides, in which mode, and how two ends combine (design, section 2).</summary>
public class TierTests
{
    [Theory]
    // rules that match             visibility        selective         full              what decides
    [InlineData("", "allow", "allow", "block", "default")]
    [InlineData("deny", "allow", "block", "block", "deny")]
    [InlineData("allow", "allow", "allow", "allow", "allow")]
    [InlineData("override-deny", "allow", "block", "block", "override-deny")]
    [InlineData("allow deny", "allow", "allow", "allow", "allow")]
    [InlineData("deny override-deny", "allow", "block", "block", "override-deny")]
    [InlineData("allow override-deny", "allow", "block", "block", "override-deny")]
    [InlineData("allow deny override-deny", "allow", "block", "block", "override-deny")]
    public void Override_deny_then_allow_then_deny_then_the_modes_default(string rules, string visibility, string selective, string full, string decisive)
    {
        foreach (var (mode, expected) in new[] { ("visibility", visibility), ("selective", selective), ("full", full) })
        {
            foreach (var inbound in new[] { true, false })
            {
                var decision = Decide(rules, mode, inbound);
                Assert.Equal(expected, decision.Outcome.ToString().ToLowerInvariant());
                Assert.Equal(full, decision.InFull.ToString().ToLowerInvariant());
                Assert.Equal(decisive == "default" ? DecidedBy.Default : DecidedBy.Rule, decision.By);
                Assert.Equal(decisive == "default" ? null : IdOf(decisive), decision.Rule?.Value);
                Assert.Equal(rules.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length, decision.Others.Count + (decision.Rule is null ? 0 : 1));
            }
        }
    }

    [Theory]
    // source: mode, rule    destination: mode, rule     together
    [InlineData("full allow", "full allow", VerdictKind.Allowed)]
    [InlineData("full allow", "full -", VerdictKind.Blocked)]
    [InlineData("full -", "full allow", VerdictKind.Blocked)]
    [InlineData("visibility -", "full allow", VerdictKind.PotentiallyBlocked)]
    [InlineData("full allow", "selective -", VerdictKind.PotentiallyBlocked)]
    [InlineData("visibility -", "full -", VerdictKind.Blocked)]
    [InlineData("selective deny", "full allow", VerdictKind.Blocked)]
    [InlineData("visibility deny", "visibility allow", VerdictKind.PotentiallyBlocked)]
    [InlineData("visibility allow", "visibility allow", VerdictKind.Allowed)]
    [InlineData("selective override-deny", "full allow", VerdictKind.Blocked)]
    public void An_enforcing_end_blocks_else_a_later_one_would(string source, string destination, VerdictKind expected)
    {
        Assert.Equal(expected, Verdict.Combine(End(source, false), End(destination, true)).Kind);
    }

    [Theory]
    [InlineData(null, null, VerdictKind.Unknown)]
    [InlineData("full allow", null, VerdictKind.Allowed)]
    [InlineData(null, "visibility -", VerdictKind.PotentiallyBlocked)]
    [InlineData(null, "full -", VerdictKind.Blocked)]
    public void An_end_without_an_agent_judges_nothing(string? source, string? destination, VerdictKind expected)
    {
        Assert.Equal(expected, Verdict.Combine(End(source, false), End(destination, true)).Kind);
    }

    [Theory]
    [InlineData("visibility", "selective", "selective")]
    [InlineData("full", "visibility", "full")]
    [InlineData("selective", "full", "full")]
    public void Of_several_modes_the_strictest_wins_in_each_direction_by_itself(string one, string other, string expected)
    {
        var world = new World().Host("a", "role=web,env=prod").Modes("role=web", one, "visibility").Modes("env=prod", other, "selective").Modes("env=dev", "full", "full");
        Assert.Equal(new(Enum.Parse<EnforcementMode>(expected, true), EnforcementMode.Selective), world.HostPolicy("a").Modes);
    }

    private static EndDecision? End(string? text, bool inbound) =>
        text?.Split(' ') is [var mode, var rule] ? Decide(rule == "-" ? "" : rule, mode, inbound) : null;

    private static EndDecision Decide(string rules, string mode, bool inbound)
    {
        var world = new World().Host("a", "role=a").Host("b", "role=b").Modes("all", inbound ? mode : "visibility", inbound ? "visibility" : mode)
            .Ruleset("r", "all", [.. rules.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(action => Write.Allow("role=a", "role=b", "tcp/80") with { Action = action, Id = IdOf(action) })]);
        var verdict = world.Judge("a", "b", "tcp/80");
        return (inbound ? verdict.Destination : verdict.Source)!;
    }

    /// <summary>Ids that run against the tiers, so that an order by id alone would be noticed.</summary>
    private static long IdOf(string action) => action switch { "deny" => 1, "allow" => 2, _ => 3 };
}
