using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Symbolic;

/// <summary>Turns rules into the regions that each end decides of them, as the compiler turns them into entries.</summary>
internal sealed class RuleRegions(Alphabet alphabet)
{
    private readonly Dictionary<EquatableArray<PortMatch>, Intervals<int>> _ports = [];
    private readonly List<Constraint> _constraints = [];

    /// <summary>The regions of a ruleset's rules, for each end that judges by them.</summary>
    public IEnumerable<(Direction Direction, PolicyRegion Region)> Of(Ruleset ruleset, Func<Rule, bool> where)
    {
        var scopes = ruleset.Scopes.Select(scope => (Scope: scope, From: Scoped(scope, Side.Consumer), To: Scoped(scope, Side.Provider))).ToList();
        foreach (var rule in ruleset.Rules)
        {
            if (!where(rule))
            {
                continue;
            }

            var source = new RegionSource(ruleset, rule, null);
            foreach (var (scope, from, to) in scopes)
            {
                if (Ends(rule, scope, from, to) is not { } ends)
                {
                    continue;
                }

                if (Outbound(rule, ends) is { } outbound)
                {
                    yield return (Direction.Outbound, new(outbound, source));
                }

                foreach (var inbound in Inbound(rule, ends))
                {
                    yield return (Direction.Inbound, new(inbound, source));
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
        _constraints.Clear();
        Require(selector, side);
        return Region.Of(_constraints, PortCodes.All);
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

    private void Require(Selector selector, Side side)
    {
        _constraints.Add(new(Dimension.Kind(side), ValueSet.Of(Dimension.Workload)));
        foreach (var requirement in selector.Requirements)
        {
            var key = alphabet.Key(requirement.Key);
            _constraints.Add(new(Dimension.Label(side, key), Values(requirement, key)));
        }
    }

    private ValueSet Values(Requirement requirement, int key)
    {
        if (requirement.Kind == RequirementKind.Exists)
        {
            return ValueSet.Present;
        }

        var ids = new int[requirement.Values.Count];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = alphabet.Value(key, requirement.Values[i]);
        }

        var set = ValueSet.Of(ids);
        return requirement.Kind == RequirementKind.OneOf ? set : set.Not();
    }

    private Constraint[]? Scoped(Scope scope, Side side)
    {
        _constraints.Clear();
        Require(scope.Selector, side);
        foreach (var key in scope.Per)
        {
            _constraints.Add(new(Dimension.Label(side, alphabet.Key(key)), ValueSet.Present));
        }

        return Region.Of(_constraints, PortCodes.All)?.Values;
    }

    /// <summary>What a rule asks of both ends within one scope, ports and sockets aside; null if nothing can meet it.</summary>
    private Region? Ends(Rule rule, Scope scope, Constraint[]? from, Constraint[]? to)
    {
        var fromBound = rule.Within != Within.To && rule.From is RuleEnd.Workloads;
        var toBound = rule.Within != Within.From && rule.To is RuleEnd.Workloads;
        if ((fromBound && from is null) || (toBound && to is null))
        {
            return null;
        }

        _constraints.Clear();
        _constraints.AddRange(fromBound ? from! : []);
        _constraints.AddRange(toBound ? to! : []);
        foreach (var (end, side) in (ReadOnlySpan<(RuleEnd, Side)>)[(rule.From, Side.Consumer), (rule.To, Side.Provider)])
        {
            if (end is RuleEnd.Workloads { Selector: var selector })
            {
                Require(selector, side);
            }
        }

        var region = Region.Of(_constraints, PortCodes.All);
        foreach (var (end, side) in (ReadOnlySpan<(RuleEnd, Side)>)[(rule.From, Side.Consumer), (rule.To, Side.Provider)])
        {
            region = end is RuleEnd.Addresses { Network: var network } ? region?.And(Region.Of(side, AddressCodes.Of(network.Prefixes))) : region;
        }

        if (fromBound && toBound)
        {
            foreach (var key in scope.Per)
            {
                region = region?.And(Region.Of(new Relation(alphabet.Key(key), Equal: true)));
            }
        }

        return region;
    }

    /// <summary>The consumer decides its own process and users, and of a deny only services that ask nothing of the provider's process.</summary>
    private Region? Outbound(Rule rule, Region ends) =>
        rule.From is RuleEnd.Workloads && Ports(rule, s => rule.Action == RuleAction.Allow || s.Process is null) is { IsEmpty: false } ports
            ? (rule.HasConsumerCondition ? ends.And(Consumer(rule.FromProcess, rule.Users)) : ends)?.And(Region.Of(ports))
            : null;

    /// <summary>The provider decides its own process; it takes a consumer's condition on trust in an allow, and leaves it to the consumer in a deny.</summary>
    private IEnumerable<Region> Inbound(Rule rule, Region ends)
    {
        if (rule.To is not RuleEnd.Workloads || (rule.Action != RuleAction.Allow && rule.HasConsumerCondition))
        {
            yield break;
        }

        foreach (var process in rule.Services.Select(s => s.Process).Distinct())
        {
            if (ends.And(Region.Of(Ports(rule, s => s.Process == process)))?.And(Process(process, Side.Provider)) is { } part)
            {
                yield return part;
            }
        }
    }

    private Intervals<int> Ports(Rule rule, Func<Service, bool> where)
    {
        if (rule.Services.Count > 1 || !where(rule.Services[0]))
        {
            return PortCodes.Of(rule.Services.Where(where).SelectMany(s => s.Ports));
        }

        // Most rules have one service, and many rules the same.
        var key = rule.Services[0].Ports;
        if (!_ports.TryGetValue(key, out var ports))
        {
            _ports.Add(key, ports = PortCodes.Of(key));
        }

        return ports;
    }
}
