using Bulkhead.Lab;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Bench.Matrix;

/// <summary>Draws labels and policies over a world that is so small that everything overlaps.</summary>
/// <param name="random">What is drawn from.</param>
/// <param name="hosts">Whose addresses networks are made of.</param>
internal sealed class PolicyDrawing(Random random, IReadOnlyList<LabHost> hosts)
{
    private static readonly Dictionary<string, string[]> s_values = new()
    {
        ["app"] = ["pay", "shop"],
        ["env"] = ["dev", "prod"],
        ["role"] = ["app", "db", "web"],
    };

    private static readonly string[] s_ports =
    [
        "tcp/22", "tcp/80", "tcp/443", "tcp/3306", "tcp/5432", "tcp/8000-9000", "tcp/9000-9010", "tcp", "udp/53", "udp/123", "udp/5000-5010", "udp",
        "icmp/8", "icmpv6/128", "sctp/2905", "sctp", "253", "any",
    ];

    private static readonly string[] s_modes = ["visibility", "selective", "full"];

    private readonly ConditionDrawing _conditions = new(random);

    /// <summary>The label keys.</summary>
    public static IEnumerable<string> Keys => s_values.Keys;

    /// <summary>Labels for a host; sometimes one is missing.</summary>
    public Dictionary<string, string> Labels() =>
        s_values.Where(_ => random.Next(10) > 0).ToDictionary(pair => pair.Key, pair => Any(pair.Value));

    /// <summary>
    /// A policy in which a kind of rule stands out, with a mode for all. In visibility nothing is blocked; there, some hosts are in full as well, so that what
    /// is blocked is blocked by them alone. Rules are numbered in order, as the controller will.
    /// </summary>
    public PolicyDocument Policy(RuleKind kind, string mode)
    {
        long id = 1;
        var rules = Enumerable.Range(0, random.Next(kind.AsksForSockets() ? 0 : 2, kind.AsksForSockets() ? 3 : 6)).Select(_ => Ruleset(null));
        var about = Enumerable.Range(0, random.Next(2, 5)).Select(_ => Ruleset(kind));
        return new()
        {
            Rulesets = [.. rules.Concat(about).Select((ruleset, i) => ruleset with { Name = $"r{i}", Rules = [.. ruleset.Rules.Select(rule => rule with { Id = id++ })] })],
            Services = [.. _conditions.Services(kind)],
            Networks = [Network("near", 3, kind), Network("far", 2, kind), .. kind == RuleKind.Quarantine && random.Next(3) > 0 ? [Network("responders", 2, kind)] : Array.Empty<NetworkDocument>()],
            LabelGroups =
            [
                new() { Name = "tiers", Key = "role", Values = ["web"], Groups = ["inner"] },
                new() { Name = "inner", Key = "role", Values = [Any(["app", "db"])] },
            ],
            FailSafe = kind == RuleKind.FailSafe ? [new() { Network = "near", Ports = [.. Ports()] }] : [],
            Modes =
            [
                new() { Selector = "all", Inbound = mode, Outbound = mode },
                .. mode == "visibility" && kind != RuleKind.Modes ? [new() { Selector = $"role={Any(s_values["role"])}", Mode = "full" }] : Array.Empty<ModeDocument>(),
                .. kind == RuleKind.Modes ? Enumerable.Range(0, 3).Select(_ => new ModeDocument { Selector = Selector(null), Inbound = Any(s_modes), Outbound = Any(s_modes) }).DistinctBy(m => m.Selector) : [],
            ],
        };
    }

    private RulesetDocument Ruleset(RuleKind? kind)
    {
        var per = kind == RuleKind.IntraScope && random.Next(2) == 0;
        var key = Any([.. s_values.Keys]);
        var scope = per ? "all" : random.Next(3) == 0 ? "all" : $"{key}={Any(s_values[key])}";
        return new()
        {
            Scopes = [new() { Selector = scope, Per = per ? [key] : [] }],
            Rules = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Rule(kind, scope == "all" && !per ? null : key))],
        };
    }

    private RuleDocument Rule(RuleKind? kind, string? taken)
    {
        if (kind?.AsksForSockets() == true)
        {
            return _conditions.Rule(kind.Value, End(kind, taken), End(kind, taken));
        }

        var network = kind is RuleKind.Network or RuleKind.Groupcast || random.Next(6) == 0 ? Any(["from", "to"]) : null;
        var within = (kind, network) switch
        {
            // The labelled end is the one within the scope.
            (_, "from") => Any(["both", "to"]),
            (_, "to") => Any(["both", "from"]),
            (RuleKind.IntraScope, _) => "both",
            (RuleKind.ExtraScope, _) => Any(["from", "to"]),
            _ => Any(["both", "both", "from", "to"]),
        };
        return new RuleDocument
        {
            From = network == "from" ? $"network:{Any(["near", "far"])}" : End(kind, within == "to" ? null : taken),
            To = network == "to" ? $"network:{Any(["near", "far"])}" : End(kind, within == "from" ? null : taken),
            Services = [.. Ports()],
            Within = within,
            Action = kind switch
            {
                RuleKind.Deny => "deny",
                RuleKind.OverrideDeny => "override-deny",
                RuleKind.IntraScope or RuleKind.ExtraScope or RuleKind.Network => "allow",
                _ => Any(["allow", "allow", "allow", "deny", "override-deny"]),
            },
        };
    }

    private string End(RuleKind? kind, string? taken) =>
        random.Next(3) == 0 ? "all"
        : kind == RuleKind.Selectors && taken != "role" ? Any(["role=@tiers", "role!=@inner", "role=*", "role!=db", "role=app|db", "role!=@inner|web"])
        : Selector(taken);

    /// <summary>A selector that does not ask for a key of the scope.</summary>
    private string Selector(string? taken)
    {
        var key = Any([.. s_values.Keys.Where(key => key != taken)]);
        var value = Any(s_values[key]);
        return random.Next(5) == 0 ? $"{key}!={value}" : $"{key}={value}";
    }

    private IEnumerable<string> Ports() => random.GetItems(s_ports, random.Next(1, 5)).Distinct() is var ports && ports.Contains("any") ? ["any"] : Apart(ports);

    /// <summary>A whole protocol beside one of its ports is said twice; the ports go.</summary>
    private static IEnumerable<string> Apart(IEnumerable<string> ports) => ports.Where(port => !ports.Any(other => port.StartsWith(other + "/", StringComparison.Ordinal)));

    private NetworkDocument Network(string name, int count, RuleKind kind)
    {
        var chosen = hosts.ToArray();
        random.Shuffle(chosen);
        string[] groups = kind != RuleKind.Groupcast ? [] : [.. new[] { Group.Address(false), Group.Address(true), Group.Broadcast(hosts[0].Ipv4) }.Where(_ => random.Next(2) == 0).Select(group => $"{group}")];
        return new() { Name = name, Addresses = [.. chosen.Take(count).SelectMany(host => new[] { $"{host.Ipv4}", $"{host.Ipv6}" }), .. groups] };
    }

    private T Any<T>(T[] choices) => choices[random.Next(choices.Length)];
}
