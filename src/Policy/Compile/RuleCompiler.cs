using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Compile;

/// <summary>Compiles the rules for workloads that agree on everything that policy looks at.</summary>
internal sealed class RuleCompiler(PolicyModel policy, PeerSets peers, DateTimeOffset now)
{
    private readonly List<(Ruleset Ruleset, Rule Rule)> _rules =
        [.. policy.Rulesets.SelectMany(ruleset => ruleset.Rules.Where(rule => rule.Expires is not { } expiry || expiry > now).Select(rule => (ruleset, rule)))];

    /// <summary>Denies that some host cannot decide.</summary>
    public List<Diagnostic> Diagnostics { get; } = [];

    /// <summary>What hosts go without.</summary>
    public List<LeftOut> LeftOut { get; } = [];

    /// <summary>The part of a host policy that kin share.</summary>
    public sealed record Result(EquatableArray<HostEntry> Entries, EquatableArray<PeerSet> PeerSets, EquatableArray<string> Features);

    /// <summary>Compiles for workloads that agree on labels, space, features and modes.</summary>
    public Result For(IReadOnlyList<Workload> kin)
    {
        var host = kin[0];
        var entries = new HashSet<HostEntry>();
        var sets = new Dictionary<string, PeerSet>(StringComparer.Ordinal);
        var features = new SortedSet<string>(StringComparer.Ordinal) { Compile.Features.Base };
        foreach (var (ruleset, rule) in _rules)
        {
            foreach (var scope in ruleset.Scopes)
            {
                foreach (var (direction, set) in Ends(rule, scope, host))
                {
                    foreach (var entry in Entries(rule, direction, set))
                    {
                        if (CanDecide(ruleset, rule, entry, kin, features))
                        {
                            entries.Add(entry);
                            sets[set.Name] = set;
                        }
                    }
                }
            }
        }

        return new(
            entries.OrderBy(e => e.Direction).ThenBy(e => e.Action).ThenBy(e => e.Rule).ThenBy(e => e.Peers, StringComparer.Ordinal)
                .ThenBy(e => e.Process?.ToString(), StringComparer.Ordinal).ToEquatableArray(),
            sets.Values.OrderBy(s => s.Name, StringComparer.Ordinal).ToEquatableArray(),
            features.ToEquatableArray());
    }

    /// <summary>The directions in which a rule binds a host within one scope, each with the peers at the other end.</summary>
    private IEnumerable<(Direction Direction, PeerSet Peers)> Ends(Rule rule, Scope scope, Workload host)
    {
        var fromBound = rule.Within != Within.To;
        var toBound = rule.Within != Within.From;
        if (Chooses(rule.To, toBound, scope, host))
        {
            yield return (Direction.Inbound, Peers(rule, rule.From, fromBound, toBound, scope, host, provider: true));
        }

        if (Chooses(rule.From, fromBound, scope, host))
        {
            yield return (Direction.Outbound, Peers(rule, rule.To, toBound, fromBound, scope, host, provider: false));
        }
    }

    private static bool Chooses(RuleEnd end, bool bound, Scope scope, Workload host) =>
        end is RuleEnd.Workloads { Selector: var selector } && selector.Matches(host.Labels) && (!bound || scope.Contains(host.Labels));

    private PeerSet Peers(Rule rule, RuleEnd end, bool bound, bool hostBound, Scope scope, Workload host, bool provider)
    {
        if (end is RuleEnd.Addresses { Network: var network })
        {
            return peers.Of(network);
        }

        var selector = ((RuleEnd.Workloads)end).Selector;
        if (bound)
        {
            selector = selector.And(hostBound ? scope.CompartmentOf(host.Labels) : scope.Selector);
            selector = selector.And(Selector.Of(scope.Per.Where(_ => !hostBound).Select(key => new Requirement(key, RequirementKind.Exists, []))));
        }

        if (!provider || rule.Action != RuleAction.Allow || !rule.HasConsumerCondition || rule.ConsumerBestEffort)
        {
            return peers.Of(selector, host.Space);
        }

        var needed = ConsumerFeatures(rule);
        foreach (var consumer in peers.Members(selector).Where(w => !peers.Enforces(w, needed)))
        {
            LeftOut.Add(new(rule.Id, consumer.Id, Direction.Inbound,
                $"Providers do not open to {consumer.Name}: it does not enforce the rule's process or user condition outbound ({string.Join(", ", needed)} in full)."));
        }

        return peers.Enforcing(selector, host.Space, needed);
    }

    private static List<string> ConsumerFeatures(Rule rule)
    {
        var features = new List<string>();
        if (rule.FromProcess is not null)
        {
            features.Add(Features.ProcessOutbound);
        }

        if (rule.Users.Count > 0)
        {
            features.Add(Features.UserOutbound);
        }

        return features;
    }

    /// <summary>The entries of a rule in one direction: a deny only where all its conditions can be decided, an allow with the conditions of this end.</summary>
    private static IEnumerable<HostEntry> Entries(Rule rule, Direction direction, PeerSet set)
    {
        var deny = rule.Action != RuleAction.Allow;
        if (deny && direction == Direction.Inbound && rule.HasConsumerCondition)
        {
            yield break;
        }

        var inbound = direction == Direction.Inbound;
        foreach (var services in rule.Services.Where(s => !deny || inbound || s.Process is null).GroupBy(s => inbound ? s.Process : null))
        {
            yield return new(
                direction,
                rule.Action,
                rule.Id,
                set.Name,
                services.SelectMany(s => s.Ports).Distinct().Order().ToEquatableArray(),
                inbound ? services.Key : rule.FromProcess,
                inbound ? [] : rule.Users,
                deny && rule.UnidentifiedMatches);
        }
    }

    private bool CanDecide(Ruleset ruleset, Rule rule, HostEntry entry, IReadOnlyList<Workload> kin, SortedSet<string> features)
    {
        var needed = new List<string>();
        if (entry.Process is not null)
        {
            needed.Add(entry.Direction == Direction.Inbound ? Features.ProcessInbound : Features.ProcessOutbound);
        }

        if (entry.Users.Count > 0)
        {
            needed.Add(Features.UserOutbound);
        }

        var missing = needed.Where(feature => !kin[0].Features.Contains(feature)).ToList();
        if (missing.Count == 0)
        {
            features.UnionWith(needed);
            return true;
        }

        foreach (var host in kin)
        {
            if (rule.Action != RuleAction.Allow && !rule.SkipWhereUnenforceable)
            {
                Diagnostics.Add(Diagnostic.Error("unenforceable-deny", $"rulesets[{ruleset.Name}].rules[id={rule.Id}]",
                    $"{host.Name} cannot decide this deny: its agent lacks {string.Join(", ", missing)}. Upgrade the agent, or write whereUnenforceable: skip."));
            }
            else
            {
                LeftOut.Add(new(rule.Id, host.Id, entry.Direction, $"{host.Name} goes without it: its agent lacks {string.Join(", ", missing)}."));
            }
        }

        return false;
    }
}
