using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Compile;

/// <summary>What a rule says within one scope that is split into compartments: the same in each, between its own members.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Scope">The scope, with at least one key to split by.</param>
/// <param name="Members">The workloads that lie within the scope.</param>
internal sealed record Compartmented(Rule Rule, Scope Scope, Group Members);

/// <summary>A labelled end of a rule.</summary>
/// <param name="Side"><c>from</c> or <c>to</c>.</param>
/// <param name="End">As the rule has it.</param>
/// <param name="Bound">Whether it lies within the scope.</param>
/// <param name="Groups">What it chooses; one for each scope.</param>
internal sealed record LabelledEnd(string Side, RuleEnd End, bool Bound, ImmutableArray<Group> Groups);

/// <summary>Turns rules into entries: each end is told only what it can decide.</summary>
internal sealed class RuleExpansion(Lattice lattice)
{
    private readonly Dictionary<Rule, Says> _says = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<(Scope Scope, string End), Group> _within = new(new ByReference<Scope, string>());
    private readonly Dictionary<(Scope Scope, LabelSet Labels), Selector> _compartments = new(new ByReference<Scope, LabelSet>());
    private readonly Dictionary<(Selector Compartment, string End), Group> _inCompartment = new(new ByReference<Selector, string>());

    /// <summary>The parts of a rule that depend on which compartments exist.</summary>
    public IEnumerable<Compartmented> Compartmented(Ruleset ruleset, Rule rule) => ruleset.Scopes
        .Where(scope => IsSplit(rule, scope))
        .Select(scope => new Compartmented(rule, scope, Members(scope)));

    /// <summary>The workloads of a scope.</summary>
    public Group Members(Scope scope) => Within(scope, Selector.All);

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
        if (!_compartments.TryGetValue((rule.Scope, labels), out var compartment))
        {
            _compartments.Add((rule.Scope, labels), compartment = rule.Scope.CompartmentOf(labels));
        }

        return Between(rule.Rule, InCompartment(rule.Rule.From, compartment), InCompartment(rule.Rule.To, compartment));
    }

    private Peer InCompartment(RuleEnd end, Selector compartment)
    {
        var selector = ((RuleEnd.Workloads)end).Selector;
        if (!_inCompartment.TryGetValue((compartment, selector.ToString()), out var group))
        {
            _inCompartment.Add((compartment, selector.ToString()), group = lattice.Add(selector.And(compartment)));
        }

        return new(group, null, PeerVariant.All);
    }

    /// <summary>Both ends are labelled and lie within a scope that is split.</summary>
    private static bool IsSplit(Rule rule, Scope scope) =>
        scope.Per.Count > 0 && rule is { Within: Rules.Within.Both, From: RuleEnd.Workloads, To: RuleEnd.Workloads };

    private Peer End(RuleEnd end, bool bound, Scope scope) => end switch
    {
        RuleEnd.Addresses { Network: var network } => new(null, network.Name, PeerVariant.All),
        RuleEnd.Workloads { Selector: var selector } => new(bound ? Within(scope, selector) : lattice.Add(selector), null, PeerVariant.All),
        _ => throw new InvalidOperationException($"There is no other end than {end}."),
    };

    private Group Within(Scope scope, Selector selector)
    {
        if (!_within.TryGetValue((scope, selector.ToString()), out var group))
        {
            var split = Selector.Of(scope.Per.Select(key => new Requirement(key, RequirementKind.Exists, [])));
            _within.Add((scope, selector.ToString()), group = lattice.Add(selector.And(scope.Selector).And(split)));
        }

        return group;
    }

    private IEnumerable<Entry> Between(Rule rule, Peer consumers, Peer providers)
    {
        if (!_says.TryGetValue(rule, out var says))
        {
            _says.Add(rule, says = new(rule));
        }

        if (providers.Group is { } provider)
        {
            var strict = says.Strictly && consumers.Group is not null;
            foreach (var (process, handling, ports) in says.Inbound)
            {
                yield return new(provider, strict ? consumers with { Variant = new(ConsumerFeatures(rule)) } : consumers, Direction.Inbound, rule, ports, process, [], handling);
            }
        }

        if (consumers.Group is { } consumer)
        {
            foreach (var (handling, ports) in says.Outbound)
            {
                yield return new(consumer, providers, Direction.Outbound, rule, ports, rule.FromProcess, rule.Users, handling);
            }
        }
    }

    /// <summary>What a consumer must be able to decide for providers to rely on it.</summary>
    public static Feature ConsumerFeatures(Rule rule) =>
        FeatureMask.For(Direction.Outbound, rule.FromProcess, rule.Users);

    /// <summary>What a rule says at each end, wherever its ends are.</summary>
    private sealed class Says
    {
        public Says(Rule rule)
        {
            var deny = rule.Action != RuleAction.Allow;
            Strictly = !deny && rule.HasConsumerCondition && !rule.ConsumerBestEffort;
            Inbound = deny && rule.HasConsumerCondition ? [] :
                [.. from services in rule.Services.GroupBy(service => service.Process) from part in Parts(services, !deny, !deny) select (services.Key, part.Handling, part.Ports)];
            // Whose packet it is, is known of tracked connections only.
            Outbound = [.. Parts(rule.Services.Where(service => !deny || service.Process is null), !deny && !rule.HasConsumerCondition, !deny)];
        }

        /// <summary>Whether providers rely on consumers to enforce a condition on their sockets.</summary>
        public bool Strictly { get; }

        /// <summary>At the provider, by serving process and how it is tracked; nothing for a deny that asks something of the consumer's socket.</summary>
        public ImmutableArray<(ProcessCondition? Process, Handling Handling, EquatableArray<PortMatch> Ports)> Inbound { get; }

        /// <summary>At the consumer, by how it is tracked; a deny does without services that ask something of the provider's socket.</summary>
        public ImmutableArray<(Handling Handling, EquatableArray<PortMatch> Ports)> Outbound { get; }

        /// <summary>The ports of services by how they are tracked: of those that are in no way special, what is not among untracked ones. Who lacks a helper still has them.</summary>
        private static IEnumerable<(Handling Handling, EquatableArray<PortMatch> Ports)> Parts(IEnumerable<Service> services, bool mayBeStateless, bool mayHaveHelper)
        {
            var all = services.ToLookup(service => new Handling(service.Stateless && mayBeStateless, mayHaveHelper ? service.Helper : null));
            var special = all.Where(part => part.Key != default).Select(part => (Handling: part.Key, Ports: Ports(part))).ToList();
            var plain = Ports(all[default]).Where(port => !special.Any(part => part.Handling.Stateless && part.Ports.Contains(port))).ToEquatableArray();
            return special.Prepend((default, plain)).Where(part => part.Ports.Count > 0);
        }

        private static EquatableArray<PortMatch> Ports(IEnumerable<Service> services) =>
            services.SelectMany(service => service.Ports).Distinct().Order().ToEquatableArray();
    }

    /// <summary>Scopes and compartments are compared by reference: that of another ruleset is only made again.</summary>
    private sealed class ByReference<TFirst, TSecond> : IEqualityComparer<(TFirst, TSecond)>
        where TFirst : class
        where TSecond : IEquatable<TSecond>
    {
        public bool Equals((TFirst, TSecond) x, (TFirst, TSecond) y) => ReferenceEquals(x.Item1, y.Item1) && x.Item2.Equals(y.Item2);

        public int GetHashCode((TFirst, TSecond) pair) => HashCode.Combine(RuntimeHelpers.GetHashCode(pair.Item1), pair.Item2);
    }
}
