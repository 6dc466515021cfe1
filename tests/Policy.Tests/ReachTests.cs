using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Tests.Naive;

namespace Bulkhead.Policy.Tests;

/// <summary>What is said of many at once is what is judged of each.</summary>
public class ReachTests
{
    private static readonly IpAddress[] s_strangers =
    [
        .. Enumerable.Range(0, 9).SelectMany(n => new[] { IpAddress.V4(0x0a000000 + (uint)n), IpAddress.Parse($"fd00::{n}"), IpAddress.Parse($"2001:db8::{n}") }),
        .. new[] { "192.0.2.7", "192.0.2.127", "192.0.2.128", "192.0.2.200", "192.0.3.0", "198.51.100.3", "203.0.113.9", "10.9.9.9", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255", "fe80::1", "::1", "ff02::1", "2001:db8:0:1::1" }.Select(IpAddress.Parse),
    ];

    private sealed record Brief(VerdictKind Kind, EndVerdict? Source, EndVerdict? Destination)
    {
        public static Brief Of(EdgeVerdict verdict) => new(verdict.Kind, verdict.Source, verdict.Destination);

        public static Brief Of(Verdict verdict)
        {
            static EndVerdict? End(EndDecision? end) => end is null ? null : new(end.Mode, end.Outcome, end.InFull, end.By, end.Rule);
            return new(verdict.Kind, End(verdict.Source), End(verdict.Destination));
        }
    }

    [Fact]
    public void What_is_said_of_many_is_what_is_judged_of_each_pair_of_addresses()
    {
        var (several, strangers) = (0, 0);
        Estates.Check(150, (estate, random) =>
        {
            var evaluator = new PolicyEvaluator(estate.Compile());
            foreach (var own in estate.Workloads)
            {
                var (protocol, port) = random.Pick<(byte, ushort)>([(6, 80), (6, 443), (17, 53), (6, 8444), (47, 0)]);
                var (consumer, provider) = (random.Pick(SocketFacts.Unrecorded, SocketFacts.Unidentified, SocketFacts.Of("/bin/app", null, [])), random.Pick(SocketFacts.Unrecorded, SocketFacts.Of("/bin/srv", null, [])));
                var isProvider = random.Next(2) == 0;
                var like = new Connection(default, default, default, protocol, port, consumer, provider);
                Connection Connect(Meeting meeting) => like with { Space = meeting.Source.Space, Source = meeting.Source.Address, Destination = meeting.Destination.Address, Port = meeting.Port };
                Brief Judged(Meeting meeting, Workload? other) => Brief.Of(isProvider ? evaluator.Judge(Connect(meeting), other?.Id, own.Id) : evaluator.Judge(Connect(meeting), own.Id, other?.Id));
                var reach = isProvider ? Reachability.To(evaluator, own, protocol, port, consumer, provider) : Reachability.From(evaluator, own, protocol, port, consumer, provider);

                var expected = (from other in estate.Workloads
                                where other.Id != own.Id
                                let pair = isProvider ? (From: other, To: own) : (From: own, To: other)
                                from source in pair.From.Addresses.Concat(pair.From.Sources)
                                from destination in Meeting.DestinationsOf(evaluator.Compiled.Workloads, pair.To, protocol, port)
                                where source.Space == destination.Address.Space && source.Address.IsV6 == destination.Address.Address.IsV6
                                group other.Id by (other.Labels, Verdict: Judged(new(source, destination.Address, destination.Port), other)))
                    .ToDictionary(group => group.Key, group => group.Distinct().Count());
                var said = reach.Workloads.ToDictionary(r => (r.Labels, Verdict: Brief.Of(r.Verdict)), r => r.Count);
                Assert.True(expected.Count == said.Count && expected.All(e => said.GetValueOrDefault(e.Key) == e.Value), $"{own.Name} {protocol}/{port}");
                Assert.All(reach.Workloads, r => Assert.Equal(Judged(r.Meeting, r.Example), Brief.Of(r.Verdict)));
                several += reach.Workloads.Count - reach.Workloads.DistinctBy(r => r.Labels).Count();

                foreach (var network in evaluator.Compiled.Policy.Rulesets.SelectMany(r => r.Rules).Where(r => !(r.Expires <= estate.Now)).SelectMany(r => new[] { r.From, r.To }).OfType<Rules.RuleEnd.Addresses>().Select(end => end.Network).DistinctBy(n => n.Name))
                {
                    foreach (var address in s_strangers.Where(a => network.Prefixes.Any(p => p.Contains(a)) && !IsSomebodys(evaluator, new(own.Space, a))))
                    {
                        foreach (var mine in own.Addresses.Where(a => a.Space == own.Space && a.Address.IsV6 == address.IsV6 && evaluator.Compiled.Workloads.Holder(a) is var holder && (holder is null || holder.Id == own.Id)))
                        {
                            var part = Assert.Single(reach.Networks, n => n.Name == network.Name && n.Own == mine && n.Part.Any(run => run.First.CompareTo(address) <= 0 && run.Last.CompareTo(address) >= 0));
                            Assert.True(Judged(isProvider ? new(new(own.Space, address), mine, port) : new(mine, new(own.Space, address), port), null) == Brief.Of(part.Verdict), $"{own.Name} {network.Name} {address} {protocol}/{port}");
                            strangers++;
                        }
                    }
                }
            }
        });
        Assert.True(several > 100 && strangers > 1000, $"only {several} {strangers}");
    }

    private static bool IsSomebodys(PolicyEvaluator evaluator, ScopedAddress address) => evaluator.Compiled.Workloads.Translations.VisibleAt(address).Count > 0;

    [Fact]
    public void A_rule_for_a_network_splits_workloads_of_equal_labels()
    {
        var world = new World().Host("db", "role=db").Host("a", "role=web").Host("b", "role=web").Host("c", "role=web", managed: false).Modes("role=db", "full", "visibility")
            .Network("some", "10.0.0.3", "192.0.2.0/24").Network("half", "192.0.2.0/25").Ruleset("r", "all", Write.Allow("network:some", "role=db", "tcp/80") with { Id = 1 }, Write.OverrideDeny("network:half", "role=db", "tcp/80") with { Id = 2 });
        var reach = Reachability.To(new(world.Compile()), world.Workloads[0], 6, 80, SocketFacts.Unrecorded, SocketFacts.Unrecorded);
        Assert.Equal(
            [("a", 2, DecidedBy.Default), ("b", 1, DecidedBy.Rule), ("c", 1, DecidedBy.Default)],
            reach.Workloads.Select(r => (r.Example.Name, r.Count, r.Verdict.Destination!.Value.By)));
        Assert.Equal(["half 192.0.2.0-192.0.2.127 Blocked", "some 192.0.2.0-192.0.2.127 Blocked", "some 192.0.2.128-192.0.2.255 Allowed"], reach.Networks.Select(n => $"{n.Name} {string.Join(' ', n.Part.Select(p => $"{p.First}-{p.Last}"))} {n.Verdict.Kind}"));
    }

    [Fact]
    public void Port_classes_cover_each_port_once_and_no_rule_splits_one()
    {
        var world = new World().Network("some", "192.0.2.0/24").Ruleset("r", "all", Write.Allow("all", "all", "tcp/80-90", "tcp/85", "udp/1", "icmp/8", "47", "any") with { Id = 1 });
        world.Document = world.Document with { FailSafe = [new() { Network = "some", Ports = ["tcp/22"] }] };
        var policy = world.Parse();
        var classes = PortClasses.Of(policy);
        foreach (var ports in classes.GroupBy(match => match.Protocol))
        {
            Assert.Equal(0, ports.First().First);
            Assert.All(ports.Zip(ports.Skip(1)), pair => Assert.Equal(pair.First.Last + 1, pair.Second.First));
            Assert.True(Services.PortMatch.Whole(ports.Key).Last == ports.Last().Last);
        }

        var named = policy.Rulesets.SelectMany(r => r.Rules).SelectMany(r => r.Services).SelectMany(s => s.Ports).Concat(policy.FailSafe.SelectMany(f => f.Ports)).ToList();
        Assert.All(classes, match => Assert.All(named, port => Assert.Equal(port.Matches(match.Protocol, match.First), port.Matches(match.Protocol, match.Last))));
        Assert.Equal([1, 6, 17, 47], classes.Select(match => (int)match.Protocol).Distinct());
    }
}
