using System.Collections.Immutable;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Compile;

/// <summary>What a rule says within one scope that is split into compartments: the same in each, between its own members.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Scope">The scope, with at least one key to split by.</param>
/// <param name="Members">The workloads that lie within the scope.</param>
internal sealed record Compartmented(Rule Rule, Scope Scope, Group Members)
{
    /// <summary>The values that put a member into its compartment, as one text; values hold no control characters.</summary>
    public string CompartmentOf(LabelSet labels) => string.Join('\n', Scope.Per.Select(key => labels[key]));
}

/// <summary>A labelled end of a rule.</summary>
/// <param name="Side"><c>from</c> or <c>to</c>.</param>
/// <param name="End">As the rule has it.</param>
/// <param name="Bound">Whether it lies within the scope.</param>
/// <param name="Groups">What it chooses; one for each scope.</param>
internal sealed record LabelledEnd(string Side, RuleEnd End, bool Bound, ImmutableArray<Group> Groups);

/// <summary>Turns rules into entries: each end is told only what it can decide.</summary>
internal sealed class RuleExpansion(Lattice lattice)
{
    /// <summary>The parts of a rule that depend on which compartments exist.</summary>
    public IEnumerable<Compartmented> Compartmented(Ruleset ruleset, Rule rule) => ruleset.Scopes
        .Where(scope => IsSplit(rule, scope))
        .Select(scope => new Compartmented(rule, scope, Members(scope)));

    /// <summary>The workloads of a scope.</summary>
    public Group Members(Scope scope) => lattice.Add(Within(scope, Selector.All));

    /// <summary>The labelled ends of a rule, with the workloads that they choose in each scope.</summary>
    public IEnumerable<LabelledEnd> Ends(Ruleset ruleset, Rule rule)
    {
        foreach (var (end, side, bound) in new[] { (rule.From, "from", rule.Within != Rules.Within.To), (rule.To, "to", rule.Within != Rules.Within.From) })
        {
            if (end is RuleEnd.Workloads)
            {
                yield return new(side, end, bound, [.. ruleset.Scopes.Select(scope => End(end, bound, scope).Group!)]);
            }
        }
    }

    /// <summary>The entries of a rule that depend on no compartment.</summary>
    public IEnumerable<Entry> Entries(Ruleset ruleset, Rule rule)
    {
        foreach (var scope in ruleset.Scopes.Where(scope => !IsSplit(rule, scope)))
        {
            var from = End(rule.From, rule.Within != Rules.Within.To, scope);
            var to = End(rule.To, rule.Within != Rules.Within.From, scope);
            foreach (var entry in Between(rule, from, to))
            {
                yield return entry;
            }
        }
    }

    /// <summary>The entries of a rule in the compartment of some labels.</summary>
    public IEnumerable<Entry> Entries(Compartmented rule, LabelSet labels)
    {
        var compartment = rule.Scope.CompartmentOf(labels);
        return Between(rule.Rule, Bound(rule.Rule.From), Bound(rule.Rule.To));

        Peer Bound(RuleEnd end) => new(lattice.Add(((RuleEnd.Workloads)end).Selector.And(compartment)), null, PeerVariant.All);
    }

    /// <summary>Both ends are labelled and lie within a scope that is split.</summary>
    private static bool IsSplit(Rule rule, Scope scope) =>
        scope.Per.Count > 0 && rule is { Within: Rules.Within.Both, From: RuleEnd.Workloads, To: RuleEnd.Workloads };

    private Peer End(RuleEnd end, bool bound, Scope scope) => end switch
    {
        RuleEnd.Addresses { Network: var network } => new(null, network.Name, PeerVariant.All),
        RuleEnd.Workloads { Selector: var selector } => new(lattice.Add(bound ? Within(scope, selector) : selector), null, PeerVariant.All),
        _ => throw new InvalidOperationException($"There is no other end than {end}."),
    };

    private static Selector Within(Scope scope, Selector selector) =>
        selector.And(scope.Selector).And(Selector.Of(scope.Per.Select(key => new Requirement(key, RequirementKind.Exists, []))));

    private static IEnumerable<Entry> Between(Rule rule, Peer consumers, Peer providers)
    {
        if (providers.Group is { } provider)
        {
            var strict = rule.Action == RuleAction.Allow && rule.HasConsumerCondition && !rule.ConsumerBestEffort && consumers.Group is not null;
            foreach (var entry in Inbound(rule, provider, strict ? consumers with { Variant = new(ConsumerFeatures(rule)) } : consumers))
            {
                yield return entry;
            }
        }

        if (consumers.Group is { } consumer && Outbound(rule, consumer, providers) is { } outbound)
        {
            yield return outbound;
        }
    }

    /// <summary>At the provider: with the serving process, as one entry for each; a deny only if it asks nothing of the consumer's socket.</summary>
    private static IEnumerable<Entry> Inbound(Rule rule, Group provider, Peer consumers)
    {
        if (rule.Action != RuleAction.Allow && rule.HasConsumerCondition)
        {
            yield break;
        }

        foreach (var services in rule.Services.GroupBy(service => service.Process))
        {
            yield return new(provider, consumers, Direction.Inbound, rule, Ports(services), services.Key, []);
        }
    }

    /// <summary>At the consumer: with its process and users; a deny only for services that ask nothing of the provider's socket.</summary>
    private static Entry? Outbound(Rule rule, Group consumer, Peer providers)
    {
        var services = rule.Services.Where(service => rule.Action == RuleAction.Allow || service.Process is null).ToList();
        return services.Count == 0 ? null : new(consumer, providers, Direction.Outbound, rule, Ports(services), rule.FromProcess, rule.Users);
    }

    private static EquatableArray<PortMatch> Ports(IEnumerable<Service> services) =>
        services.SelectMany(service => service.Ports).Distinct().Order().ToEquatableArray();

    /// <summary>What a consumer must be able to decide for providers to rely on it.</summary>
    public static Feature ConsumerFeatures(Rule rule) =>
        (rule.FromProcess is null ? Feature.None : Feature.ProcessOutbound) | (rule.Users.Count == 0 ? Feature.None : Feature.UserOutbound);
}
