using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>Workloads of equal labels, and what becomes of their connections. A workload whose addresses fare differently stands in several.</summary>
/// <param name="Labels">Their labels.</param>
/// <param name="Example">The first of them by id.</param>
/// <param name="Meeting">How the example meets the workload that was asked about, such that the verdict holds.</param>
/// <param name="Count">How many they are.</param>
/// <param name="Verdict">On a connection between some address of each of them and one of the workload asked about.</param>
public sealed record Reached(LabelSet Labels, Workload Example, Meeting Meeting, int Count, EdgeVerdict Verdict);

/// <summary>A part of a network that rules name, and what becomes of connections with addresses in it that no workload has.</summary>
/// <param name="Name">The network.</param>
/// <param name="Own">An address of the workload that was asked about.</param>
/// <param name="Example">The first of the addresses.</param>
/// <param name="Part">All of them, as inclusive ranges in order; workloads' addresses among them are not meant.</param>
/// <param name="Verdict">On a connection with any of them.</param>
public sealed record ReachedNetwork(string Name, ScopedAddress Own, IpAddress Example, EquatableArray<(IpAddress First, IpAddress Last)> Part, EdgeVerdict Verdict);

/// <summary>All that can reach a workload, or that it can reach.</summary>
/// <param name="Workloads">By labels, then by the example.</param>
/// <param name="Networks">By name, then by the first address.</param>
public sealed record Reach(IReadOnlyList<Reached> Workloads, IReadOnlyList<ReachedNetwork> Networks);

/// <summary>
/// Answers who reaches whom. Rules may name addresses, so each way in which two workloads meet is judged, in bulk, and told by what becomes
/// of it; of addresses that no workload has, one of each run that the policy cannot tell apart, from the addresses that nobody else holds.
/// </summary>
public static class Reachability
{
    private const int AtOnce = 1 << 16;

    /// <summary>What becomes of connections from anybody to a workload's port.</summary>
    public static Reach To(PolicyEvaluator evaluator, Workload provider, byte protocol, ushort port, SocketFacts consumer, SocketFacts serving) =>
        new Survey(evaluator, provider, Direction.Inbound, new(default, default, default, protocol, port, consumer, serving)).Reach();

    /// <summary>What becomes of connections from a workload to anybody's port.</summary>
    public static Reach From(PolicyEvaluator evaluator, Workload consumer, byte protocol, ushort port, SocketFacts connecting, SocketFacts provider) =>
        new Survey(evaluator, consumer, Direction.Outbound, new(default, default, default, protocol, port, connecting, provider)).Reach();

    private sealed class Survey(PolicyEvaluator evaluator, Workload own, Direction direction, Connection like)
    {
        private readonly WorkloadIndex _workloads = evaluator.Compiled.Workloads;

        public Reach Reach() => new(
            [
                .. Judge(Meetings()).GroupBy(way => (way.About.Other.Labels, way.Verdict))
                    .Select(group => (group.Key, First: group.MinBy(way => way.About.Other.Id).About, Count: group.Select(way => way.About.Other.Id).Distinct().Count()))
                    .Select(g => new Reached(g.Key.Labels, g.First.Other, g.First.Meeting, g.Count, g.Key.Verdict))
                    .OrderBy(r => r.Labels).ThenBy(r => r.Example.Id),
            ],
            [
                .. Judge(Runs()).GroupBy(run => (run.About.Name, run.About.Own, run.Verdict))
                    .Select(group => new ReachedNetwork(group.Key.Name, group.Key.Own, group.First().About.Free, Joined(group.Select(run => (run.About.First, run.About.Last))), group.Key.Verdict))
                    .OrderBy(r => r.Name, StringComparer.Ordinal).ThenBy(r => r.Example).ThenBy(r => r.Own),
            ]);

        private IEnumerable<(T About, EdgeVerdict Verdict)> Judge<T>(IEnumerable<(T About, Workload? Other, Meeting Meeting)> asked) => asked.Chunk(AtOnce).SelectMany(some =>
        {
            Connection[] connections = [.. some.Select(one => like with { Space = one.Meeting.Source.Space, Source = one.Meeting.Source.Address, Destination = one.Meeting.Destination.Address, Port = one.Meeting.Port })];
            return some.Zip(evaluator.JudgeAll(connections), connections).Select(one => (one.First.About, KnownEnds(one.Third, one.First.Other) ?? one.Second));
        });

        /// <summary>Where others share an address with one of the two, it is these two that are asked about.</summary>
        private EdgeVerdict? KnownEnds(Connection connection, Workload? other) => !evaluator.IsTranslated(connection) ? null
            : TranslatedEdges.Brief(direction == Direction.Inbound ? evaluator.Judge(connection, other?.Id, own.Id) : evaluator.Judge(connection, own.Id, other?.Id));

        private IEnumerable<((Workload Other, Meeting Meeting) About, Workload? Other, Meeting Meeting)> Meetings()
        {
            List<ScopedAddress> sources = [.. Meeting.SourcesOf(own)];
            List<(ScopedAddress Address, ushort Port)> destinations = [.. Meeting.DestinationsOf(_workloads, own, like.Protocol, like.Port)];
            return from other in _workloads.Workloads
                   where other.Id != own.Id
                   from meeting in direction == Direction.Inbound ? Meeting.All(Meeting.SourcesOf(other), destinations) : Meeting.All(sources, Meeting.DestinationsOf(_workloads, other, like.Protocol, like.Port))
                   select ((other, meeting), (Workload?)other, meeting);
        }

        private IEnumerable<((string Name, ScopedAddress Own, IpAddress First, IpAddress Last, IpAddress Free) About, Workload? Other, Meeting Meeting)> Runs()
        {
            var state = evaluator.Compiled.State;
            var classes = new AddressClasses(state, own.Space);
            return from network in state.Networks.Values
                   from run in classes.Of(network.Network.Prefixes)
                   from address in own.Addresses
                   where address.Space == own.Space && address.Address.IsV6 == run.First.IsV6 && (_workloads.Holder(address)?.Id ?? own.Id) == own.Id
                   let other = new ScopedAddress(own.Space, run.Free)
                   select ((network.Network.Name, address, run.First, run.Last, run.Free), (Workload?)null, direction == Direction.Inbound ? new Meeting(other, address, like.Port) : new(address, other, like.Port));
        }

        private static EquatableArray<(IpAddress First, IpAddress Last)> Joined(IEnumerable<(IpAddress First, IpAddress Last)> runs)
        {
            var joined = new List<(IpAddress First, IpAddress Last)>();
            foreach (var run in runs.Order())
            {
                if (joined.Count > 0 && joined[^1].Last.IsV6 == run.First.IsV6 && run.First.Bits - joined[^1].Last.Bits == 1)
                {
                    joined[^1] = (joined[^1].First, run.Last);
                }
                else
                {
                    joined.Add(run);
                }
            }

            return joined.ToEquatableArray();
        }
    }
}
