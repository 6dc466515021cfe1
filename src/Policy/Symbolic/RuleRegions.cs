using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Symbolic;

/// <summary>Turns rules into the regions that each end decides of them, as the compiler turns them into entries.</summary>
internal sealed class RuleRegions(Alphabet alphabet)
{
    /// <summary>The regions of a ruleset's rules, for each end that judges by them.</summary>
    public IEnumerable<(Direction Direction, PolicyRegion Region)> Of(Ruleset ruleset, Func<Rule, bool> where)
    {
        var scopes = ruleset.Scopes.Select(scope => (Scope: scope, From: Scoped(scope, Side.Consumer), To: Scoped(scope, Side.Provider))).ToList();
        foreach (var rule in ruleset.Rules)
        {
            if (!where(rule) || End(rule.To, Side.Provider) is not { } provider || End(rule.From, Side.Consumer)?.And(provider) is not { } ends)
            {
                continue;
            }

            var source = new RegionSource(ruleset, rule, null);
            foreach (var (scope, from, to) in scopes)
            {
                if (Within(rule, scope, ends, from, to) is not { } region)
                {
                    continue;
                }

                foreach (var part in Outbound(rule, region))
                {
                    yield return (Direction.Outbound, new(part, source));
                }

                foreach (var part in Inbound(rule, region))
                {
                    yield return (Direction.Inbound, new(part, source));
                }
            }
        }
    }

    /// <summary>The connections with one end as a rule says; null if there can be none. A network is met by workloads and by others.</summary>
    public Region? End(RuleEnd end, Side side) => end switch
    {
        RuleEnd.Workloads { Selector: var selector } => Selected(selector, side),
        RuleEnd.Addresses { Network: var network } => Region.All.And(Region.Of(side, AddressCodes.Of(network.Prefixes))),
        _ => throw new ArgumentOutOfRangeException(nameof(end)),
    };

    /// <summary>The connections with a workload that a selector chooses at one end; null if it contradicts itself.</summary>
    public Region? Selected(Selector selector, Side side)
    {
        var region = Region.Of(Dimension.Kind(side), ValueSet.Of(Dimension.Workload));
        foreach (var requirement in selector.Requirements)
        {
            if (region.And(Region.Of(Dimension.Label(side, alphabet.Key(requirement.Key)), Values(requirement))) is not { } both)
            {
                return null;
            }

            region = both;
        }

        return region;
    }

    /// <summary>The connections of a process and of users.</summary>
    public Region Consumer(ProcessCondition? process, EquatableArray<string> users)
    {
        var region = Process(process, Side.Consumer);
        return users.Count == 0 ? region : region.And(Region.Of(UserSet.InAny(users.Select(alphabet.Of))))!;
    }

    /// <summary>The connections whose socket at one end a process owns.</summary>
    public Region Process(ProcessCondition? process, Side side)
    {
        var region = Region.All;
        if (process?.Path is { } path)
        {
            region = region.And(Region.Of(Dimension.Path(side), ValueSet.Of(alphabet.Of(path))))!;
        }

        return process?.Unit is { } unit ? region.And(Region.Of(Dimension.Unit(side), ValueSet.Of(alphabet.Of(unit))))! : region;
    }

    private ValueSet Values(Requirement requirement)
    {
        if (requirement.Kind == RequirementKind.Exists)
        {
            return ValueSet.Present;
        }

        var key = alphabet.Key(requirement.Key);
        var ids = new int[requirement.Values.Count];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = alphabet.Value(key, requirement.Values[i]);
        }

        var set = ValueSet.Of(ids);
        return requirement.Kind == RequirementKind.OneOf ? set : set.Not();
    }

    private Region? Scoped(Scope scope, Side side)
    {
        var region = Selected(scope.Selector, side);
        foreach (var key in scope.Per)
        {
            region = region?.And(Region.Of(Dimension.Label(side, alphabet.Key(key)), ValueSet.Present));
        }

        return region;
    }

    private Region? Within(Rule rule, Scope scope, Region ends, Region? from, Region? to)
    {
        var fromBound = rule.Within != Rules.Within.To && rule.From is RuleEnd.Workloads;
        var toBound = rule.Within != Rules.Within.From && rule.To is RuleEnd.Workloads;
        if ((fromBound && from is null) || (toBound && to is null))
        {
            return null;
        }

        var region = ends.And(fromBound ? from! : Region.All)?.And(toBound ? to! : Region.All);
        foreach (var key in scope.Per.Where(_ => fromBound && toBound))
        {
            region = region?.And(Region.Of(new Relation(alphabet.Key(key), Equal: true)));
        }

        return region;
    }

    /// <summary>The consumer decides its own process and users, and of a deny only services that ask nothing of the provider's process.</summary>
    private IEnumerable<Region> Outbound(Rule rule, Region region)
    {
        var services = rule.Services.Where(s => rule.Action == RuleAction.Allow || s.Process is null).ToList();
        if (rule.From is RuleEnd.Workloads && services.Count > 0
            && region.And(Region.Of(PortCodes.Of(services.SelectMany(s => s.Ports))))?.And(Consumer(rule.FromProcess, rule.Users)) is { } part)
        {
            yield return part;
        }
    }

    /// <summary>The provider decides its own process; it takes a consumer's condition on trust in an allow, and leaves it to the consumer in a deny.</summary>
    private IEnumerable<Region> Inbound(Rule rule, Region region)
    {
        if (rule.To is not RuleEnd.Workloads || (rule.Action != RuleAction.Allow && rule.HasConsumerCondition))
        {
            yield break;
        }

        foreach (var services in rule.Services.GroupBy(s => s.Process))
        {
            if (region.And(Region.Of(PortCodes.Of(services.SelectMany(s => s.Ports))))?.And(Process(services.Key, Side.Provider)) is { } part)
            {
                yield return part;
            }
        }
    }
}
