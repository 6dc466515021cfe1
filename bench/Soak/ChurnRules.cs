using Bulkhead.Policy.Documents;

namespace Bulkhead.Bench.Soak;

/// <summary>Draws rules of the fenced application itself, on ports above all that is probed: half of them ask for processes or people at one end or at both.</summary>
internal sealed class ChurnRules(Random random)
{
    private static readonly string[] s_served = ["tcp", "served-by-a-unit", "served-by-a-program"];

    /// <summary>A policy with some of them besides.</summary>
    public PolicyDocument AddTo(PolicyDocument policy) => policy with
    {
        Services =
        [
            .. policy.Services,
            new() { Name = s_served[1], Ports = [Ports("tcp")], Process = new() { Unit = Unit() } },
            new() { Name = s_served[2], Ports = [Ports("tcp"), Ports("udp")], Process = new() { Path = Path() } },
        ],
        Rulesets = [.. policy.Rulesets, .. Enumerable.Range(0, random.Next(1, 6)).Select(Ruleset)],
    };

    /// <summary>A policy with a rule besides for which every host has to tell executables apart.</summary>
    public static PolicyDocument ForAll(PolicyDocument policy) => policy with
    {
        Rulesets =
        [
            .. policy.Rulesets,
            new()
            {
                Name = "warm-up",
                Scopes = [new() { Selector = "all" }],
                Rules = [new() { From = "all", To = "all", Services = ["tcp/40000"], Action = "deny", FromProcess = new() { Path = "/opt/program" } }],
            },
        ],
    };

    private RulesetDocument Ruleset(int number) => new()
    {
        Name = $"churn-{number}",
        Scopes = [new() { Selector = "app=storefront,env=prod" }],
        Rules = [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => Rule())],
    };

    private RuleDocument Rule()
    {
        var action = Any("allow", "allow", "deny", "override-deny");
        var served = Any(s_served);
        // A deny is decided at one end.
        var condition = random.Next(2) == 0 || (action != "allow" && served != s_served[0]) ? 0 : random.Next(1, 4);
        return new()
        {
            From = Any("all", "loc=fra", "loc=ams", "loc!=fra", "role=monitor"),
            To = Any("all", "role=web", "role=app", "role=db", "loc=ams"),
            Services = served == s_served[0] ? [Ports("tcp"), Ports("udp")] : [served],
            Within = "to",
            Action = action,
            FromProcess = condition switch { 1 => new() { Unit = Unit() }, 2 => new() { Path = Path() }, _ => null },
            Users = condition == 3 ? Any<string[]>(["dba"], ["helpdesk"], ["dba", "helpdesk"]) : [],
        };
    }

    private string Ports(string transport) => $"{transport}/{random.Next(40_000, 50_000)}-{random.Next(50_000, 60_000)}";

    private string Unit() => Any("appserver.service", "nginx.service", "redis.service", "no-such.service");

    /// <summary>So many that over a run there are more classes of sockets than a mark has numbers for, and less than that at a time.</summary>
    private string Path() => random.Next(2) == 0 ? Any("/usr/sbin/nginx", "/run/soak/clerk", "/usr/sbin/mariadbd") : $"/opt/program-{random.Next(200)}";

    private T Any<T>(params T[] choices) => choices[random.Next(choices.Length)];
}
