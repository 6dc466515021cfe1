using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>Estates small enough that everything overlaps: few labels, few addresses, every word of the vocabulary.</summary>
internal static class RandomEstates
{
    public static readonly AddressSpace Vpc = new("vpc");

    private static readonly (string Key, string[] Values)[] _labels =
        [("role", ["web", "db", "lb"]), ("app", ["x", "y"]), ("env", ["prod", "dev", "qa"]), ("loc", ["a", "b"])];

    private static readonly PolicyDocument _vocabulary = new()
    {
        LabelGroups =
        [
            new() { Name = "dev-like", Key = "env", Values = ["dev"] },
            new() { Name = "nonprod", Key = "env", Values = ["qa"], Groups = ["dev-like"] },
            new() { Name = "front", Key = "role", Values = ["web", "lb"] },
            new() { Name = "any-app", Key = "app", Values = ["x", "y"] },
        ],
        Services =
        [
            new() { Name = "web", Ports = ["tcp/80", "tcp/443"] },
            new() { Name = "served", Ports = ["tcp/80-90"], Process = new() { Path = "/bin/srv" } },
            new() { Name = "in-unit", Ports = ["udp/53", "tcp/443"], Process = new() { Unit = "dns.service" } },
            new() { Name = "untracked", Ports = ["tcp/80", "udp/50-60"], Stateless = true },
            new() { Name = "helped", Ports = ["tcp/80", "tcp/85"], Helper = "ftp" },
            new() { Name = "helped-too", Ports = ["udp/53"], Helper = "sip" },
            new() { Name = "strict", Ports = ["tcp"], Process = new() { Path = "/bin/srv", Unit = "dns.service" } },
        ],
        Networks =
        [
            new() { Name = "outside", Addresses = ["192.0.2.0/24", "2001:db8::/32"], Exclude = ["192.0.2.128/25", "2001:db8::5-2001:db8::9"] },
            new() { Name = "some", Addresses = ["10.0.0.2-10.0.0.6", "fd00::3-fd00::5"], Exclude = ["10.0.0.4"] },
            new() { Name = "responders", Addresses = ["10.0.0.5", "fd00::5", "198.51.100.0/24"] },
            new() { Name = "everything", Addresses = ["0.0.0.0/0", "::/0"] },
        ],
    };

    private static readonly string[] _services =
        ["any", "any", "tcp", "tcp/80", "tcp/80-90", "udp/53", "icmp/8", "icmpv6", "47", "sctp/80", "helped", "served", "helped-too", "in-unit", "in-unit", "strict", "strict", "untracked", "untracked"];

    public static Estate Make(Random random)
    {
        var document = _vocabulary with
        {
            Modes = [.. Several(random, 1, 3, () => Mode(random))],
            FailSafe = random.Next(3) == 0 ? [new() { Network = random.Pick("outside", "some"), Ports = [random.Pick("tcp/80", "udp", "tcp/85-443")] }] : [],
        };
        var id = 1;
        var rulesets = Several(random, 1, 3, () => Ruleset(random, $"r{id}", () => id++)).Select(ruleset => ruleset with { Rules = [.. ruleset.Rules.Where(rule => Valid(ruleset, rule))] });
        return new(document with { Rulesets = [.. rulesets] }, [.. Several(random, 3, 7, () => 0).Select((_, i) => Workload(random, i + 1))], World.Now);
    }

    public static RulesetDocument Ruleset(Random random, string name, Func<long> nextId)
    {
        ScopeDocument[] scopes = [.. Several(random, 1, 2, () => new ScopeDocument { Selector = Selector(random, 1), Per = random.Next(4) == 0 ? [random.Pick("loc", "app")] : [] })];
        string[] taken = [.. scopes.SelectMany(s => s.Selector == "all" ? [] : s.Selector.Split(',').Select(t => t.Split('=', '!')[0])), .. scopes.SelectMany(s => s.Per)];
        return new() { Name = name, Scopes = scopes, Rules = [.. Several(random, 1, 5, () => Rule(random, nextId(), taken))] };
    }

    /// <summary>A rule that mostly avoids the keys of its scope, which it may not repeat at ends that the scope binds.</summary>
    public static RuleDocument Rule(Random random, long id, params string[] scopeKeys)
    {
        var action = random.Pick("allow", "allow", "allow", "deny", "override-deny");
        var within = random.Pick("both", "both", "from", "to");
        string End(string side) => random.Next(6) == 0
            ? "network:" + random.Pick("outside", "some", "everything")
            : Selector(random, random.Pick(1, 1, 2), within == "both" || within == side ? scopeKeys : []);
        return new()
        {
            Id = id,
            From = End("from"),
            To = End("to"),
            Services = [.. Several(random, 1, 2, () => random.Pick(_services))],
            Action = action,
            Within = within,
            FromProcess = random.Next(5) == 0 ? random.Pick(new ProcessDocument { Path = "/bin/app" }, new() { Unit = "app.service" }, new() { Path = "/bin/app", Unit = "app.service" }) : null,
            Users = random.Next(6) == 0 ? [.. Several(random, 1, 2, () => random.Pick("ops", "dba")).Distinct()] : [],
            Consumer = random.Pick("strict", "best-effort"),
            Unidentified = action != "allow" && random.Next(3) == 0 ? "match" : "skip",
            WhereUnenforceable = random.Pick("refuse", "skip"),
            Expires = random.Next(10) == 0 ? World.Now.AddHours(random.Next(-1, 3)) : null,
        };
    }

    public static ModeDocument Mode(Random random) => new()
    {
        Selector = random.Next(2) == 0 ? "all" : Selector(random, 1),
        Inbound = random.Pick("visibility", "selective", "full"),
        Outbound = random.Pick("visibility", "selective", "full", "full"),
    };

    public static string Selector(Random random, int terms, params string[] without)
    {
        var keys = _labels.Where(l => !without.Contains(l.Key)).OrderBy(_ => random.Next()).Take(random.Next(terms + 1)).ToList();
        return keys.Count == 0 ? "all" : string.Join(',', keys.Select(k => Term(random, k.Key, k.Values)));
    }

    public static Workload Workload(Random random, int number)
    {
        var (space, alsoDefault) = random.Next(6) == 0 ? (Vpc, random.Next(2) == 0) : (AddressSpace.Default, false);
        IEnumerable<ScopedAddress> addresses =
        [
            new(space, Address(random, number, false)), new(space, Address(random, number, true)),
            .. random.Next(4) == 0 ? [new ScopedAddress(space, Address(random, number + 3, false))] : Array.Empty<ScopedAddress>(),
            .. alsoDefault ? [new ScopedAddress(AddressSpace.Default, Address(random, number, false))] : Array.Empty<ScopedAddress>(),
        ];
        var managed = random.Next(6) > 0;
        return new()
        {
            Id = new(new Guid(number, 0, 0, new byte[8])),
            Name = $"w{number}",
            Labels = Labels(random),
            Addresses = addresses.Distinct().Order().ToEquatableArray(),
            Space = space,
            Managed = managed,
            Features = managed ? FeaturesOf(random) : [],
            Pin = random.Next(10) == 0 ? new(random.Pick(Enum.GetValues<EnforcementMode>()), random.Pick(Enum.GetValues<EnforcementMode>())) : null,
            Quarantined = random.Next(20) == 0,
            Admitted = random.Next(10) > 0,
            Published = random.Next(5) == 0 ? RandomTranslations.Published(random) : [],
            Sources = random.Next(5) == 0 ? RandomTranslations.Sources(random) : [],
        };
    }

    public static LabelSet Labels(Random random) => LabelSet.Of(
        from label in _labels
        where random.Next(4) > 0
        select new Label(label.Key, random.Pick(label.Values)));

    public static EquatableArray<string> FeaturesOf(Random random)
    {
        if (random.Next(3) > 0)
        {
            return Features.All.ToEquatableArray();
        }

        string[] drawn = [Features.ProcessInbound, Features.ProcessOutbound, Features.UserOutbound, Features.Stateless];
        var chosen = drawn.Where(_ => random.Next(2) == 0).ToList();
        // With the other direction's executables, so that a host may decide either, both or none.
        var units = new[] { (Features.ProcessOutbound, Features.UnitInbound), (Features.ProcessInbound, Features.UnitOutbound) }.Where(pair => chosen.Contains(pair.Item1)).Select(pair => pair.Item2);
        // And helpers with others of these.
        var helpers = new[] { (Features.UserOutbound, "helper-ftp-1"), (Features.Stateless, "helper-sip-1") }.Where(pair => chosen.Contains(pair.Item1)).Select(pair => pair.Item2);
        return chosen.Concat(units).Concat(helpers).Append(Features.Base).Order(StringComparer.Ordinal).ToEquatableArray();
    }

    /// <summary>Its own address, and at times another's.</summary>
    public static IpAddress Address(Random random, int number, bool v6)
    {
        var n = random.Next(12) == 0 ? random.Next(1, 9) : number;
        return v6 ? IpAddress.Parse($"fd00::{n}") : IpAddress.V4(0x0a000000 + (uint)n);
    }

    public static bool Valid(RulesetDocument ruleset, RuleDocument rule) =>
        PolicyParser.Parse(_vocabulary with { Rulesets = [ruleset with { Rules = [rule] }] }, World.Keys).Ok;

    public static List<T> Several<T>(Random random, int least, int most, Func<T> make) => [.. Enumerable.Range(0, random.Next(least, most + 1)).Select(_ => make())];

    public static T Pick<T>(this Random random, params IReadOnlyList<T> items) => items[random.Next(items.Count)];

    private static string Term(Random random, string key, string[] values)
    {
        var group = _vocabulary.LabelGroups.Where(g => g.Key == key).Select(g => "@" + g.Name);
        return random.Next(8) switch
        {
            0 => $"{key}=*",
            1 => $"{key}!={random.Pick(values)}|{random.Pick(values)}|nowhere",
            2 => $"{key}!={random.Pick<string>([.. values, .. group])}",
            3 => $"{key}={random.Pick<string>([.. values, .. group])}|{random.Pick<string>([.. values, .. group])}",
            4 => $"{key}={random.Pick<string>([.. group, values[0]])}",
            _ => $"{key}={random.Pick(values)}",
        };
    }
}
