using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Controller.Workloads;

/// <summary>A host's provisioned policy in plain words, in the order in which it decides.</summary>
public static class PolicySentences
{
    /// <summary>The sentences; none for an unmanaged workload.</summary>
    public static IReadOnlyList<PolicySentence> Of(WorkloadEntry entry, LiveSnapshot snapshot)
    {
        if (!snapshot.Enforced.Hosts.TryGetValue(entry.Workload.Id, out var policy))
        {
            return [];
        }

        var rules = snapshot.Enforced.Policy.Rulesets.SelectMany(set => set.Rules.Select(rule => (set, rule))).ToDictionary(pair => pair.rule.Id);
        return [.. Of(policy, Direction.Inbound, rules), .. Of(policy, Direction.Outbound, rules)];
    }

    private static IEnumerable<PolicySentence> Of(HostPolicy policy, Direction direction, Dictionary<RuleId, (Ruleset Set, Rule Rule)> rules)
    {
        var side = direction == Direction.Inbound ? "inbound" : "outbound";
        if (policy.Quarantined)
        {
            yield return new(side, null, null, policy.Responders.Count == 0
                ? "In quarantine: nothing but the controller, neighbour discovery and DHCP passes."
                : "In quarantine: nothing but the controller, the network 'responders', neighbour discovery and DHCP passes.");
            yield break;
        }

        yield return new(side, null, null, "Established connections, loopback, neighbour discovery, DHCP and the controller always pass.");
        if (direction == Direction.Inbound)
        {
            foreach (var entry in policy.FailSafe)
            {
                yield return new(side, null, null, $"Fail-safe: {string.Join(", ", entry.Sources)} may always reach this host on {string.Join(", ", entry.Ports)}.");
            }
        }

        var decides = policy.Modes[direction] != EnforcementMode.Visibility;
        foreach (var entry in policy.Entries.Where(entry => entry.Direction == direction))
        {
            var (set, rule) = rules[entry.Rule];
            yield return new(side, entry.Rule.Value, set.Name, Sentence(entry, set, rule, decides));
        }

        yield return new(side, null, null, policy.Modes[direction] switch
        {
            EnforcementMode.Full => "Everything else is blocked (full).",
            EnforcementMode.Selective => "Everything else passes (selective).",
            _ => "Everything passes, and is reported (visibility).",
        });
    }

    private static string Sentence(HostEntry entry, Ruleset set, Rule rule, bool decides)
    {
        var inbound = entry.Direction == Direction.Inbound;
        var end = inbound ? rule.From : rule.To;
        var bound = inbound ? rule.Within != Within.To : rule.Within != Within.From;
        var peer = end is RuleEnd.Workloads && bound ? $"{end} of {string.Join(" or ", set.Scopes.Select(scope => scope.Selector))}" : end.ToString();
        var verb = (entry.Action, decides) switch
        {
            (RuleAction.Allow, _) => "may",
            (RuleAction.OverrideDeny, true) => "must never",
            (RuleAction.OverrideDeny, false) => "would never be let",
            (_, true) => "must not",
            _ => "would not be let",
        };
        var ports = string.Join(", ", entry.Ports) + (entry.Stateless ? " (not tracked)" : "") + (entry.Helper is { } helper ? $" (and what {helper} agrees upon there)" : "");
        var process = entry.Process is null ? "" : $", where {entry.Process} owns the socket";
        var users = entry.Users.Count == 0 ? "" : $", for users in {string.Join(" or ", entry.Users)}";
        return inbound
            ? $"{peer} {verb} reach this host on {ports}{process}."
            : $"This host {verb} reach {peer} on {ports}{process}{users}.";
    }
}
