using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>Workloads that policy cannot tell apart, and what becomes of their connections.</summary>
/// <param name="Labels">Their labels.</param>
/// <param name="Example">The first of them by id.</param>
/// <param name="Count">How many they are.</param>
/// <param name="Verdict">On a connection of any of them.</param>
public sealed record Reached(LabelSet Labels, Workload Example, int Count, EdgeVerdict Verdict);

/// <summary>A network that rules name, and what becomes of connections with addresses in it that no workload holds.</summary>
public sealed record ReachedNetwork(string Name, IpAddress Example, EdgeVerdict Verdict);

/// <summary>All that can reach a workload, or that it can reach.</summary>
/// <param name="Workloads">By labels.</param>
/// <param name="Networks">By name.</param>
public sealed record Reach(IReadOnlyList<Reached> Workloads, IReadOnlyList<ReachedNetwork> Networks);

/// <summary>Which workloads a rule touches.</summary>
/// <param name="Consumers">The number of workloads at its consumer's end; null if that is a network.</param>
/// <param name="Providers">The number at its provider's end; null if that is a network.</param>
/// <param name="Hosts">The managed workloads that hold an entry of it, in id order.</param>
public sealed record RuleTouch(int? Consumers, int? Providers, IReadOnlyList<WorkloadId> Hosts);

/// <summary>Answers who reaches whom, by one judgement for all workloads that policy cannot tell apart.</summary>
public static class Reachability
{
    /// <summary>What becomes of connections from anybody to a workload's port.</summary>
    public static Reach To(PolicyEvaluator evaluator, Workload provider, byte protocol, ushort port, SocketFacts consumer, SocketFacts serving)
    {
        var own = Meeting.DestinationsOf(evaluator.Compiled.Workloads, provider, protocol, port).ToList();
        return Survey(evaluator, provider, Direction.Inbound, new(default, default, default, protocol, port, consumer, serving), other => Meeting.Between(other.Sources, own));
    }

    /// <summary>What becomes of connections from a workload to anybody's port.</summary>
    public static Reach From(PolicyEvaluator evaluator, Workload consumer, byte protocol, ushort port, SocketFacts connecting, SocketFacts provider) =>
        Survey(evaluator, consumer, Direction.Outbound, new(default, default, default, protocol, port, connecting, provider), other => Meeting.Between(Meeting.SourcesOf(consumer), other.Destinations));

    /// <summary>Which workloads a rule touches; null if there is no such rule, or it has expired.</summary>
    public static RuleTouch? Of(CompiledPolicy compiled, RuleId rule)
    {
        var state = compiled.State;
        var found = state.Rulesets.Values.Select(ruleset => ruleset.Rules.GetValueOrDefault(rule)).FirstOrDefault(compiled => compiled is not null);
        if (found is null)
        {
            return null;
        }

        var hosts = new HashSet<WorkloadId>();
        foreach (var labelSet in found.Ends.SelectMany(end => end.Groups).Distinct().SelectMany(group => group.LabelSets.Span.ToArray()).Distinct())
        {
            if (state.Inhabited(labelSet) is { } population && state.EntriesOf(labelSet).All.Any(entry => entry.Rule == rule))
            {
                hosts.UnionWith(population.Kins.Where(kin => kin.Key.Managed).SelectMany(kin => kin.Members).Select(workload => workload.Id));
            }
        }

        return new(Count("from"), Count("to"), [.. hosts.Order()]);

        int? Count(string side) => found.Ends.FirstOrDefault(end => end.Side == side) is not { } end ? null
            : end.Groups.SelectMany(group => group.LabelSets.Span.ToArray()).Distinct().Sum(labelSet => state.Inhabited(labelSet)?.Kins.Where(kin => kin.Key.Admitted).Sum(kin => kin.Members.Length) ?? 0);
    }

    private static Reach Survey(PolicyEvaluator evaluator, Workload own, Direction direction, Connection like, Func<Others, Meeting?> meet)
    {
        var state = evaluator.Compiled.State;
        var asked = new List<(LabelSet Labels, Workload Example, int Count)>();
        var connections = new List<Connection>();
        for (var labelSet = 0; labelSet < state.Lattice.LabelSetCount; labelSet++)
        {
            foreach (var kin in state.Inhabited(labelSet)?.Kins ?? [])
            {
                // Own addresses are much alike within a kin, translated ones are not.
                var others = kin.Members.Where(workload => workload.Id != own.Id).Take(1).Concat(kin.Translated.Where(workload => workload.Id != own.Id));
                foreach (var other in others)
                {
                    if (meet(new(Meeting.SourcesOf(other), Meeting.DestinationsOf(state.Workloads, other, like.Protocol, like.Port))) is { } meeting)
                    {
                        asked.Add((state.Lattice.LabelsOf(labelSet), other, kin.Members.Length - (kin.Members.Contains(own) ? 1 : 0)));
                        connections.Add(Connect(meeting));
                        break;
                    }
                }
            }
        }

        var networks = new List<(string Name, IpAddress Example)>();
        foreach (var (name, network) in state.Networks)
        {
            var free = network.Network.Prefixes.Select(prefix => new ScopedAddress(own.Space, prefix.Address)).Where(address => state.Workloads.Translations.VisibleAt(address).Count == 0).ToList();
            if (meet(new(free, free.Select(address => (address, like.Port)))) is { } meeting)
            {
                networks.Add((name, (free.Contains(meeting.Source) ? meeting.Source : meeting.Destination).Address));
                connections.Add(Connect(meeting));
            }
        }

        var verdicts = evaluator.JudgeAll(connections);
        for (var i = 0; i < connections.Count; i++)
        {
            if (evaluator.IsTranslated(connections[i]))
            {
                WorkloadId? other = i < asked.Count ? asked[i].Example.Id : null;
                var (consumer, provider) = direction == Direction.Inbound ? (other, (WorkloadId?)own.Id) : (own.Id, other);
                verdicts[i] = TranslatedEdges.Brief(evaluator.Judge(connections[i], consumer, provider));
            }
        }

        return new(
            [.. asked.Select((one, i) => new Reached(one.Labels, one.Example, one.Count, verdicts[i])).OrderBy(r => r.Labels).ThenBy(r => r.Example.Id)],
            [.. networks.Select((one, i) => new ReachedNetwork(one.Name, one.Example, verdicts[asked.Count + i])).OrderBy(r => r.Name, StringComparer.Ordinal)]);

        Connection Connect(Meeting meeting) => like with { Space = meeting.Source.Space, Source = meeting.Source.Address, Destination = meeting.Destination.Address, Port = meeting.Port };
    }

    /// <summary>Where others connect from, and where they are reached.</summary>
    private readonly record struct Others(IEnumerable<ScopedAddress> Sources, IEnumerable<(ScopedAddress Address, ushort Port)> Destinations);
}
