using Bulkhead.Policy.Documents;

namespace Bulkhead.Bench.Matrix;

/// <summary>Draws rules that ask whose a socket is.</summary>
internal sealed class ConditionDrawing(Random random)
{
    private const string Served = "served-";

    private static readonly ProcessDocument[] s_units = [new() { Unit = "pay.service" }, new() { Unit = "shop.service" }, new() { Unit = "pay.service", Path = "/run/matrix/pay" }];
    private static readonly ProcessDocument[] s_programs = [new() { Path = "/run/matrix/pay" }, new() { Path = "/run/matrix/shop" }, new() { Path = Identity.Open }];
    private static readonly string[][] s_groups = [["ops"], ["dev"], ["dev", "ops"], ["nobody-there"]];

    /// <summary>The services that such rules name: some ports, served by each of the processes.</summary>
    public ServiceDocument[] Services(RuleKind kind) => !kind.AsksForProvider() ? [] :
        [.. Processes(kind).Select((process, i) => new ServiceDocument { Name = $"{Served}{i}", Ports = [.. Ports()], Process = process })];

    /// <summary>Ports of the processes that hosts have.</summary>
    public IEnumerable<string> Ports() => Any<string[]>(["tcp"], ["udp"], ["any"], ["any"], ["tcp/7001-7003", "udp/7002-7005"], ["tcp/7000-7010", "udp/7000-7010"]);

    /// <summary>A rule for certain processes or users.</summary>
    public RuleDocument Rule(RuleKind kind, string from, string to)
    {
        var action = Any("allow", "deny", "override-deny");
        var rule = new RuleDocument { From = from, To = to, Action = action, Services = [.. Ports()] };
        rule = kind switch
        {
            RuleKind.User => rule with { Users = Any(s_groups), FromProcess = Any<ProcessDocument?>(null, null, s_units[1], s_programs[1]) },
            _ when kind.AsksForConsumer() => rule with { FromProcess = Any(Processes(kind)) },
            _ => rule with { Services = [$"{Served}{random.Next(Processes(kind).Length)}"] },
        };
        // Of a socket of an executable that could be anything, its unit and its user are known.
        return action == "allow" || kind is RuleKind.UnitInbound or RuleKind.UnitOutbound || (kind == RuleKind.User && rule.FromProcess is not null)
            ? rule
            : rule with { Unidentified = Any("skip", "skip", "match") };
    }

    private static ProcessDocument[] Processes(RuleKind kind) => kind is RuleKind.UnitInbound or RuleKind.UnitOutbound ? s_units : s_programs;

    private T Any<T>(params T[] choices) => choices[random.Next(choices.Length)];
}
