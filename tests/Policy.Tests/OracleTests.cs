using System.Globalization;
using System.Text;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Evaluate;

namespace Bulkhead.Policy.Tests;

/// <summary>
/// Random estates and policies: the verdict of the compiled host policies equals that of <see cref="Oracle"/>, which knows nothing of
/// compilation and reads the document's text by itself.
/// </summary>
public class OracleTests
{
    private static readonly string[] Actions = ["allow", "allow", "allow", "deny", "override-deny"];
    private static readonly string[] Ends = ["all", "role=web", "role=db", "role=web|db", "role!=web", "role=*", "loc=a", "loc!=a|b", "network:n"];
    private static readonly string[] Scopes = ["all", "app=x", "app=y,env=prod", "env=prod", "env!=dev"];
    private static readonly string[] Ports = ["any", "tcp/80", "tcp/80-90", "udp", "udp/53", "icmp/8", "tcp/443"];
    private static readonly string[] Probes = ["tcp/80", "tcp/85", "tcp/443", "udp/53", "icmp/8", "47"];
    private static readonly string[] Modes = ["visibility", "selective", "full", "full"];

    [Fact]
    public void Compiled_verdicts_equal_the_oracles()
    {
        var judged = 0;
        for (var seed = 0; seed < 400; seed++)
        {
            var world = RandomWorld(new Random(seed));
            var evaluator = new PolicyEvaluator(world.Compile());
            var oracle = new Oracle(world);
            foreach (var from in world.Workloads.Select(w => w.Name).Append("192.0.2.7"))
            {
                foreach (var to in world.Workloads.Select(w => w.Name).Append("192.0.2.7").Where(to => to != from))
                {
                    foreach (var probe in Probes)
                    {
                        var verdict = evaluator.Judge(world.Connect(from, to, probe));
                        var expected = oracle.Judge(from, to, probe);
                        Assert.True(expected == (verdict.Kind, verdict.Source?.Rule?.Value, verdict.Destination?.Rule?.Value), $"seed {seed}: {from} → {to} {probe}: expected {expected}, was {verdict}");
                        judged++;
                    }
                }
            }
        }

        Assert.True(judged > 50_000, $"only {judged} verdicts were compared");
    }

    [Fact]
    public void Output_depends_on_what_is_said_not_on_its_order()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var world = RandomWorld(new Random(seed));
            world.Parse();
            world.Document = PolicyJson.Sort(world.Document);
            var shuffled = world.Document with
            {
                Rulesets = [.. world.Document.Rulesets.Reverse().Select(r => r with { Rules = [.. r.Rules.Reverse()], Scopes = [.. r.Scopes.Reverse()] })],
                Modes = [.. world.Document.Modes.Reverse()],
            };
            var before = world.Compile();
            world.Document = shuffled;
            var after = world.Compile();
            Assert.All(before.Hosts, host => Assert.Equal(host.Value, after.Hosts[host.Key]));
        }
    }

    [Fact]
    public void A_host_holds_only_peer_sets_that_its_entries_name()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            Assert.All(RandomWorld(new Random(seed)).Compile().Hosts.Values, host =>
            {
                Assert.Equal(host.PeerSets.Select(s => s.Name), host.Entries.Select(e => e.Peers).Distinct().Order(StringComparer.Ordinal));
                Assert.All(host.PeerSets, set => Assert.Equal(PeerSetDigest.Of(set.Members.Reverse()), set.Digest));
            });
        }
    }

    private static World RandomWorld(Random random)
    {
        T Pick<T>(IReadOnlyList<T> items) => items[random.Next(items.Count)];
        var world = new World().Network("n", "192.0.2.0/24", "10.0.0.2");
        for (var i = random.Next(2, 7); i > 0; i--)
        {
            var labels = new StringBuilder($"role={Pick<string>(["web", "db"])}");
            labels.Append(Pick(["", ",app=x", ",app=y"])).Append(Pick(["", ",env=prod", ",env=dev"])).Append(Pick(["", ",loc=a", ",loc=b"]));
            world.Host($"h{i}", labels.ToString(), managed: random.Next(5) > 0, admitted: random.Next(8) > 0);
        }

        for (var i = random.Next(3); i > 0; i--)
        {
            world.Modes(Pick(Scopes), Pick(Modes), Pick(Modes));
        }

        var id = 1;
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            ScopeDocument[] scopes = [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => new ScopeDocument { Selector = Pick(Scopes), Per = random.Next(3) == 0 ? ["loc"] : [] })];
            RuleDocument[] rules = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => new RuleDocument
            {
                Id = id++,
                From = Pick(Ends),
                To = Pick(Ends),
                Services = [Pick(Ports), Pick(Ports)],
                Action = Pick(Actions),
                Within = Pick<string>(["both", "both", "from", "to"]),
            })];
            // What the parser refuses is not at issue here.
            world.Ruleset(string.Create(CultureInfo.InvariantCulture, $"r{i}"), scopes, [.. rules.Where(rule => Valid(world, scopes, rule))]);
        }

        return world;
    }

    private static bool Valid(World world, ScopeDocument[] scopes, RuleDocument rule) => PolicyParser.Parse(
        world.Document with { Rulesets = [new() { Name = "candidate", Scopes = scopes, Rules = [rule] }] }, World.Keys).Ok;
}

/// <summary>The semantics, as plainly as they can be written: no sets, no compilation, no types of the engine but its input.</summary>
internal sealed class Oracle(World world)
{
    public (VerdictKind Kind, long? Source, long? Destination) Judge(string from, string to, string port)
    {
        var source = End(from, to, port, inbound: false);
        var destination = End(from, to, port, inbound: true);
        var ends = new[] { source, destination }.Where(e => e is not null).Select(e => e!.Value).ToList();
        var kind = ends.Any(e => e.Blocked) ? VerdictKind.Blocked
            : ends.Any(e => e.WouldBlock) ? VerdictKind.PotentiallyBlocked
            : ends.Count == 0 ? VerdictKind.Unknown : VerdictKind.Allowed;
        return (kind, source?.Rule, destination?.Rule);
    }

    private (bool Blocked, bool WouldBlock, long? Rule)? End(string from, string to, string port, bool inbound)
    {
        var host = world.Workloads.FirstOrDefault(w => w.Name == (inbound ? to : from));
        if (host is not { Managed: true, Admitted: true })
        {
            return null;
        }

        var strictness = new[] { "visibility", "selective", "full" };
        var mode = world.Document.Modes.Where(m => Selects(m.Selector, Labels(host.Name))).Select(m => Array.IndexOf(strictness, inbound ? m.Inbound : m.Outbound)).DefaultIfEmpty(0).Max();
        foreach (var action in new[] { "override-deny", "allow", "deny" })
        {
            // A network's rule is for the opposite, labelled end alone.
            var rule = world.Document.Rulesets.SelectMany(r => r.Rules.Where(rule => rule.Action == action && !(inbound ? rule.To : rule.From).StartsWith("network:", StringComparison.Ordinal) && r.Scopes.Any(s => Applies(rule, s, from, to, port)))).OrderBy(r => r.Id).FirstOrDefault();
            if (rule is not null)
            {
                return (mode > 0 && action != "allow", action != "allow", rule.Id);
            }
        }

        return (mode == 2, true, null);
    }

    private bool Applies(RuleDocument rule, ScopeDocument scope, string from, string to, string port)
    {
        var fromBound = rule.Within != "to" && !rule.From.StartsWith("network:", StringComparison.Ordinal);
        var toBound = rule.Within != "from" && !rule.To.StartsWith("network:", StringComparison.Ordinal);
        var samePlace = !fromBound || !toBound || scope.Per.All(key => Labels(from).GetValueOrDefault(key) == Labels(to).GetValueOrDefault(key));
        return Reaches(rule.From, from) && Reaches(rule.To, to)
            && (!fromBound || InScope(scope, from)) && (!toBound || InScope(scope, to)) && samePlace
            && rule.Services.Any(s => Covers(s, port));
    }

    private bool InScope(ScopeDocument scope, string name) => Selects(scope.Selector, Labels(name)) && scope.Per.All(Labels(name).ContainsKey);

    private bool Reaches(string end, string name)
    {
        var workload = world.Workloads.FirstOrDefault(w => w.Name == name);
        if (end.StartsWith("network:", StringComparison.Ordinal))
        {
            var address = workload?.Addresses[0].Address ?? IpAddress.Parse(name);
            return address.ToString() is var text && (text == "10.0.0.2" || text.StartsWith("192.0.2.", StringComparison.Ordinal));
        }

        return workload is { Admitted: true } && Selects(end, Labels(name));
    }

    private static bool Covers(string service, string port)
    {
        if (service == "any")
        {
            return true;
        }

        var (want, have) = (service.Split('/'), port.Split('/'));
        if (want[0] != have[0])
        {
            return false;
        }

        var number = have.Length > 1 ? int.Parse(have[1], CultureInfo.InvariantCulture) : 0;
        var bounds = want.Length > 1 ? want[1].Split('-').Select(b => int.Parse(b, CultureInfo.InvariantCulture)).ToArray() : [0, 65535];
        return number >= bounds[0] && number <= bounds[^1];
    }

    private static bool Selects(string selector, Dictionary<string, string> labels) => selector == "all" || selector.Split(',').All(term =>
    {
        var negated = term.Contains("!=", StringComparison.Ordinal);
        var parts = term.Split(negated ? "!=" : "=");
        var has = labels.TryGetValue(parts[0], out var value);
        return parts[1] == "*" ? has : negated ? !has || !parts[1].Split('|').Contains(value) : has && parts[1].Split('|').Contains(value);
    });

    private Dictionary<string, string> Labels(string name) =>
        world.Workloads.FirstOrDefault(w => w.Name == name)?.Labels.Labels.ToDictionary(l => l.Key, l => l.Value) ?? [];
}
