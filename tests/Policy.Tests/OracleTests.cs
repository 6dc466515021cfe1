using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Tests.Naive;
using Xunit.Abstractions;

namespace Bulkhead.Policy.Tests;

/// <summary>
/// The engine against <see cref="NaiveEvaluator"/>, which knows nothing of compilation: over random estates both say the same of every
/// connection, at both ends, with the same reasons.
/// </summary>
public class OracleTests(ITestOutputHelper output)
{
    private const int ConnectionsPerEstate = 100;

    [Fact]
    public void The_compiled_verdict_is_the_naive_one()
    {
        var tally = new Tally();
        var (several, rewritten) = (0, 0);
        Estates.Check(1400, (estate, random) =>
        {
            var (engine, naive) = (new PolicyEvaluator(estate.Compile()), new NaiveEvaluator(estate));
            for (var i = 0; i < ConnectionsPerEstate; i++)
            {
                var connection = RandomConnections.Make(random, estate);
                var (actual, expected) = (engine.Judge(connection), naive.Judge(connection));
                Same(connection, expected.Source, actual.Source);
                Same(connection, expected.Destination, actual.Destination);
                Assert.True(expected.Kind == actual.Kind, $"{connection}: {expected.Kind}, not {actual.Kind}");
                if (actual is not { Source: null, Destination: null })
                {
                    tally.Add(actual.Kind);
                }

                var ends = engine.Ends(connection, Direction.Outbound).Concat(engine.Ends(connection, Direction.Inbound)).ToList();
                several += ends.Count > 2 ? 1 : 0;
                rewritten += ends.Exists(end => end.Seen.Port != connection.Port) ? 1 : 0;
            }
        });
        tally.MustBeMixed(output, 100_000);
        output.WriteLine($"{several} with several workloads at an end, {rewritten} with another port there");
        Assert.True(several > 2_500 && rewritten > 400, $"{several} with several workloads at an end, {rewritten} with another port there");
    }

    [Fact]
    public void Judging_many_at_once_is_judging_each()
    {
        var judged = 0;
        Estates.Check(600, (estate, random) =>
        {
            var engine = new PolicyEvaluator(estate.Compile());
            var connections = Enumerable.Range(0, ConnectionsPerEstate).Select(_ => RandomConnections.Make(random, estate)).ToList();
            foreach (var (connection, quick) in connections.Zip(engine.JudgeAll(connections)))
            {
                var slow = engine.Judge(connection);
                EndVerdict? Brief(EndDecision? end) => end is null ? null : new(end.Mode, end.Outcome, end.InFull, end.By, end.Rule);
                Assert.True((slow.Kind, Brief(slow.Source), Brief(slow.Destination)) == (quick.Kind, quick.Source, quick.Destination), $"{connection}:\n{slow}\nbut at once {quick}");
                judged++;
            }
        });
        Assert.True(judged >= 50_000, $"only {judged}");
    }

    [Fact]
    public void The_host_policy_alone_decides_as_the_naive_end_does()
    {
        var tally = new Tally();
        Estates.Check(900, (estate, random) =>
        {
            var (compiled, naive) = (estate.Compile(), new NaiveEvaluator(estate));
            foreach (var host in estate.Workloads.Where(w => w.Managed))
            {
                var evaluator = new HostEvaluator(compiled.Hosts[host.Id]);
                for (var i = 0; i < ConnectionsPerEstate / 3; i++)
                {
                    var c = RandomConnections.Make(random, estate);
                    var local = host.Addresses.Where(a => a.Space == host.Space && a.Address.IsV6 == c.Source.IsV6).Select(a => (IpAddress?)a.Address).FirstOrDefault();
                    var direction = random.Pick(Direction.Inbound, Direction.Outbound);
                    var facts = direction == Direction.Inbound ? c.Provider : c.Consumer;
                    // That another address is its own as well is nothing that a host policy says.
                    if (local is { } own && (own == c.Destination || !host.Addresses.Contains(new(host.Space, c.Destination))))
                    {
                        var actual = evaluator.Decide(direction, own, c.Destination, c.Protocol, c.Port, facts);
                        Same(c with { Source = own }, naive.Decide(host, direction == Direction.Inbound, own, c.Destination, c.Protocol, c.Port, facts), actual);
                        tally.Add(actual.Outcome switch { Outcome.Allow => VerdictKind.Allowed, Outcome.Block => VerdictKind.Blocked, _ => VerdictKind.Unknown });
                    }
                }
            }
        });
        tally.MustBeMixed(output, 100_000);
    }

    [Fact]
    public void What_passes_a_host_untracked_is_what_the_text_says()
    {
        var (untracked, overruled) = (0, 0);
        Estates.Check(900, (estate, random) =>
        {
            var (compiled, naive) = (estate.Compile(), new NaiveEvaluator(estate));
            foreach (var host in estate.Workloads.Where(w => w.Managed))
            {
                var evaluator = new HostEvaluator(compiled.Hosts[host.Id]);
                for (var i = 0; i < ConnectionsPerEstate / 3; i++)
                {
                    var c = RandomConnections.Make(random, estate);
                    var (direction, client) = (random.Pick(Direction.Inbound, Direction.Outbound), random.Pick<ushort>(1024, 32767, 32768, 40000));
                    var expected = naive.IsUntracked(host, direction == Direction.Inbound, c.Destination, c.Protocol, c.Port, client);
                    Assert.True(expected == evaluator.IsUntracked(direction, c.Destination, c.Protocol, c.Port, client), $"{host.Name} {direction} {c.Destination} {c.Protocol}/{c.Port} client {client}: expected {expected}");
                    untracked += expected ? 1 : 0;
                    var local = host.Addresses.Where(a => a.Space == host.Space && a.Address.IsV6 == c.Destination.IsV6).Select(a => (IpAddress?)a.Address).FirstOrDefault();
                    if (expected && local is { } own && own != c.Destination)
                    {
                        // What is not tracked is allowed, whosoever socket it is of.
                        Assert.Equal(Outcome.Allow, evaluator.Decide(direction, own, c.Destination, c.Protocol, c.Port, SocketFacts.Unrecorded).Outcome);
                        overruled++;
                    }
                }
            }
        });
        output.WriteLine($"{untracked} untracked, {overruled} of them between different addresses");
        Assert.True(untracked > 700 && overruled > 500, $"{untracked} untracked, {overruled} of them between different addresses");
    }

    [Fact]
    public void Output_depends_on_what_is_said_not_on_its_order() => Estates.Check(300, (estate, random) =>
    {
        T[] Shuffled<T>(IEnumerable<T> items) => [.. items.OrderBy(_ => random.Next())];
        var document = estate.Document;
        var shuffled = new Estate(
            document with
            {
                Rulesets = Shuffled(document.Rulesets.Select(r => r with
                {
                    Scopes = Shuffled(r.Scopes.Select(s => s with { Per = Shuffled(s.Per) })),
                    Rules = Shuffled(r.Rules.Select(rule => rule with { Services = Shuffled(rule.Services), Users = Shuffled(rule.Users) })),
                })),
                Services = Shuffled(document.Services.Select(s => s with { Ports = Shuffled(s.Ports) })),
                Networks = Shuffled(document.Networks.Select(n => n with { Addresses = Shuffled(n.Addresses), Exclude = Shuffled(n.Exclude) })),
                Modes = Shuffled(document.Modes),
                FailSafe = Shuffled(document.FailSafe),
                LabelGroups = Shuffled(document.LabelGroups.Select(g => g with { Values = Shuffled(g.Values), Groups = Shuffled(g.Groups) })),
            },
            Shuffled(estate.Workloads),
            estate.Now);
        Assert.Equal(HostText.Of(estate.Compile()), HostText.Of(shuffled.Compile()));
    });

    [Fact]
    public void A_host_holds_just_the_peer_sets_that_its_entries_name() => Estates.Check(300, (estate, _) =>
        Assert.All(estate.Compile().Hosts.Values, host =>
        {
            Assert.Equal(host.Entries.Select(e => e.Peers).Distinct().Order(StringComparer.Ordinal), host.PeerSets.Select(s => s.Name));
            Assert.All(host.PeerSets, set => Assert.Equal(PeerSetDigest.Of(set.Members.Reverse()), set.Digest));
            Assert.All(host.PeerSets, set => Assert.Equal(set.Members.Distinct().Order(), set.Members));
            Assert.Equal(host.QuarantinedPeers.Distinct().Order(), host.QuarantinedPeers);
            Assert.Equal(host.Responders.Distinct().Order(), host.Responders);
        }));

    private static void Same(Connection connection, NaiveEnd? expected, EndDecision? actual)
    {
        var decided = actual is null ? null : new NaiveEnd(actual.Outcome, actual.InFull, actual.By, [.. actual.Rule is { } rule ? [rule.Value] : Array.Empty<long>(), .. actual.Others.Select(o => o.Value)]);
        Assert.True(expected == decided, $"{connection}:\nexpected {expected}\nbut was  {decided}");
    }
}
