using Bulkhead.Bench.Harness;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Bench.Policy;

/// <summary>Draws distinct flow edges of an estate: of 10, 8 along what some rule allows and 2 between any workloads.</summary>
internal sealed class EdgeDrawing
{
    private const int EdgesPerRule = 40;

    private static readonly SocketFacts[] Sockets =
    [
        SocketFacts.Unrecorded, SocketFacts.Unidentified,
        .. from unit in new[] { "nginx", "mariadb", "envoy", "java", "sshd" } select SocketFacts.Of($"/usr/sbin/{unit}", $"{unit}.service", ["developers"]),
        SocketFacts.Of("/usr/bin/curl", null, null),
    ];

    private readonly Random _random;
    private readonly EstateMembers _members;
    private readonly IReadOnlyList<Workload> _workloads;
    private readonly (Ruleset Ruleset, Rule Rule)[] _allows;
    private readonly HashSet<(IpAddress, IpAddress, byte, ushort, SocketFacts, SocketFacts)> _seen = [];
    private readonly List<Connection> _edges = [];

    private EdgeDrawing(PolicyModel policy, IReadOnlyList<Workload> workloads, Random random)
    {
        (_random, _workloads, _members) = (random, workloads, new(workloads));
        _allows = [.. from ruleset in policy.Rulesets from rule in ruleset.Rules where rule.Action == RuleAction.Allow select (ruleset, rule)];
        random.Shuffle(_allows);
    }

    /// <summary>Draws edges, in an order that says nothing.</summary>
    public static IReadOnlyList<Connection> Draw(PolicyModel policy, IReadOnlyList<Workload> workloads, int count, Random random)
    {
        var drawing = new EdgeDrawing(policy, workloads, random);
        drawing.AlongRules(count / 10 * 8);
        drawing.Anywhere(count);
        var edges = drawing._edges.ToArray();
        random.Shuffle(edges);
        return edges;
    }

    private void AlongRules(int count)
    {
        // Rules with few members give fewer edges, so rules are gone through until there are enough.
        for (var round = 0; _edges.Count < count; round++)
        {
            if (round == 100)
            {
                throw new BenchException($"the rules allow too few connections for {count:N0} distinct edges");
            }

            foreach (var (ruleset, rule) in _allows)
            {
                var share = Math.Max(1, Math.Min(EdgesPerRule, 2 * count / _allows.Length));
                for (var i = 0; i < share && _edges.Count < count; i++)
                {
                    DrawAlong(ruleset, rule);
                }
            }
        }
    }

    private void DrawAlong(Ruleset ruleset, Rule rule)
    {
        var scope = ruleset.Scopes[_random.Next(ruleset.Scopes.Count)];
        if (Pick(rule.From, rule.Within == Within.To ? null : scope.Selector) is not { } from)
        {
            return;
        }

        var (source, consumer) = from;
        var bound = rule.Within switch
        {
            Within.From => null,
            Within.Both when consumer is not null && scope.Contains(consumer.Labels) => scope.CompartmentOf(consumer.Labels),
            _ => scope.Selector,
        };
        if (Pick(rule.To, bound) is not { } to)
        {
            return;
        }

        var service = rule.Services[_random.Next(rule.Services.Count)];
        var port = service.Ports[_random.Next(service.Ports.Count)];
        var isV6 = _random.Next(2) == 0 && !(port.Protocol == IpProtocol.Icmp);
        Add(
            source[isV6], to.Address[isV6], port.Protocol == 0 ? IpProtocol.Tcp : port.Protocol,
            (ushort)_random.Next(port.First, port.Last + 1), Meeting(rule.FromProcess, rule.Users.Count > 0), Meeting(service.Process, false));
    }

    private void Anywhere(int count)
    {
        while (_edges.Count < count)
        {
            var isV6 = _random.Next(2) == 0;
            var (from, to) = (Addresses.Of(AnyWorkload()), Addresses.Of(AnyWorkload()));
            Add(from[isV6], to[isV6], _random.Next(10) == 0 ? IpProtocol.Udp : IpProtocol.Tcp, (ushort)_random.Next(1, 10_000), AnySocket(), AnySocket());
        }
    }

    private void Add(IpAddress source, IpAddress destination, byte protocol, ushort port, SocketFacts consumer, SocketFacts provider)
    {
        if (source != destination && _seen.Add((source, destination, protocol, port, consumer, provider)))
        {
            _edges.Add(new(AddressSpace.Default, source, destination, protocol, port, consumer, provider));
        }
    }

    private (Addresses Address, Workload? Workload)? Pick(RuleEnd end, Selector? bound)
    {
        if (end is RuleEnd.Addresses { Network: var network })
        {
            return (Addresses.Of(network), null);
        }

        var selector = ((RuleEnd.Workloads)end).Selector;
        var members = _members.Of(bound is null ? selector : selector.And(bound));
        if (members.Count == 0)
        {
            return null;
        }

        var member = members[_random.Next(members.Count)];
        return (Addresses.Of(member), member);
    }

    private Workload AnyWorkload() => _workloads[_random.Next(_workloads.Count)];

    private SocketFacts AnySocket() => Sockets[_random.Next(Sockets.Length)];

    /// <summary>Mostly a socket that meets a condition; any socket where there is none.</summary>
    private SocketFacts Meeting(ProcessCondition? process, bool users) =>
        (process is null && !users) || _random.Next(5) == 0 ? AnySocket() : SocketFacts.Of(process?.Path, process?.Unit, ["administrators", "auditors", "developers", "operators"]);

    /// <summary>An address of each family.</summary>
    private readonly record struct Addresses(IpAddress V4, IpAddress V6)
    {
        public IpAddress this[bool isV6] => isV6 ? V6 : V4;

        public static Addresses Of(Workload workload) => new(workload.Addresses[0].Address, workload.Addresses[1].Address);

        public static Addresses Of(Bulkhead.Policy.Services.Network network) =>
            new(network.Prefixes.First(p => !p.Address.IsV6).Last, network.Prefixes.First(p => p.Address.IsV6).Last);
    }
}
