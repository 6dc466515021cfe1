using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>How far a host has come.</summary>
internal enum RolloutPhase
{
    Old,
    First,
    Then,
}

/// <summary>
/// Hosts on their way from one compiled policy to another. What each would do with each of some connections, in each phase, is asked once;
/// moments are then a matter of looking it up.
/// </summary>
internal sealed class Rollout
{
    private readonly List<WorkloadId> _hosts;
    private readonly List<int[]> _waitsFor;
    private readonly List<Judged> _connections = [];

    private Rollout(CompiledPolicy before, PolicyStep step, IReadOnlyList<Workload> workloads, IReadOnlyList<Connection> connections)
    {
        var transition = Transition.Of(before, step);
        _hosts = [.. workloads.Select(w => w.Id)];
        _waitsFor = [.. _hosts.Select(id => transition.WaitsFor(id).Select(other => _hosts.IndexOf(other)).Where(i => i >= 0).ToArray())];
        var evaluators = workloads.Select(host =>
        {
            var (old, now) = (before.Hosts[host.Id], step.After.Hosts[host.Id]);
            var first = transition.Hosts.TryGetValue(host.Id, out var planned) ? planned.First : new(now);
            return Array.ConvertAll<HostPhase, PhaseEvaluator>([new(old), first, new(now)], phase => new(phase));
        }).ToList();
        foreach (var connection in connections)
        {
            // Of several workloads that may be at an end any one is.
            foreach (var consumer in Ends(connection, Direction.Outbound))
            {
                foreach (var provider in Ends(connection, Direction.Inbound))
                {
                    _connections.Add(new(connection, [.. new[] { consumer, provider }.OfType<End>()]));
                }
            }
        }

        IReadOnlyList<End?> Ends(Connection connection, Direction direction)
        {
            var ends = ConnectionEnd.Of(before.Workloads, connection, direction).Select(end => Decided(end, direction)).ToList();
            return ends.Count == 0 ? [null] : ends;
        }

        End? Decided(ConnectionEnd end, Direction direction)
        {
            var (host, seen) = (_hosts.IndexOf(end.Workload.Id), end.Seen);
            var (local, peer, socket) = direction == Direction.Outbound ? (seen.Source, seen.Destination, seen.Consumer) : (seen.Destination, seen.Source, seen.Provider);
            return host < 0 ? null : new(host, Array.ConvertAll(evaluators[host], phase => phase.Decide(direction, local, peer, seen.Protocol, seen.Port, socket).Outcome == Outcome.Allow));
        }
    }

    /// <summary>Some changes of an estate that leave managed hosts and addresses where they are.</summary>
    public static Rollout Of(Estate before, Random random)
    {
        var after = before;
        for (var i = random.Next(3, 12); i > 0; i--)
        {
            var (_, next) = RandomChanges.Make(random, after);
            after = next with { Workloads = [.. next.Workloads.Where(w => before.Workloads.Any(b => b.Id == w.Id && b.Addresses == w.Addresses && b.Space == w.Space && b.Managed == w.Managed && b.Published == w.Published && b.Sources == w.Sources))] };
        }

        var compiled = before.Compile();
        return new(
            compiled,
            compiled.Advance(after.Parse(), new(after.Workloads), after.Settings),
            [.. after.Workloads.Where(w => w.Managed)],
            [.. Enumerable.Range(0, 100).Select(_ => RandomConnections.Make(random, before))]);
    }

    /// <summary>Lets hosts move one at a time, in any order that the transition allows; stuck hosts are a failure.</summary>
    public IEnumerable<RolloutPhase[]> Moments(Random random)
    {
        var phases = new RolloutPhase[_hosts.Count];
        while (phases.Any(p => p != RolloutPhase.Then))
        {
            var movable = Enumerable.Range(0, phases.Length).Where(i => phases[i] == RolloutPhase.Old || (phases[i] == RolloutPhase.First && _waitsFor[i].All(w => phases[w] != RolloutPhase.Old))).ToList();
            Assert.NotEmpty(movable);
            phases[random.Pick(movable)]++;
            yield return phases;
        }
    }

    /// <summary>Fails if a moment is more open, or more closed, than both policies.</summary>
    public void Check(RolloutPhase[] phases)
    {
        foreach (var judged in _connections)
        {
            var (now, old, then) = (judged.Passes(i => phases[i]), judged.Passes(_ => RolloutPhase.Old), judged.Passes(_ => RolloutPhase.Then));
            Assert.True(!now || old || then, $"passes, though neither policy allows it: {Text(judged, phases)}");
            Assert.True(now || !old || !then, $"is refused, though both policies allow it: {Text(judged, phases)}");
        }
    }

    /// <summary>The connections that neither policy allows, but that would pass if some hosts were still at the old one and others already at the new.</summary>
    public int Gaps() => _connections.Count(judged =>
        !judged.Passes(_ => RolloutPhase.Old) && !judged.Passes(_ => RolloutPhase.Then)
        && judged.Ends.All(end => end.Passes[(int)RolloutPhase.Old] || end.Passes[(int)RolloutPhase.Then]) && judged.Ends.Select(end => end.Host).Distinct().Count() > 1);

    private string Text(Judged judged, RolloutPhase[] phases) =>
        $"{judged.Connection} while {string.Join(", ", judged.Ends.Select(end => $"{_hosts[end.Host]} is in {phases[end.Host]} [{string.Join(' ', end.Passes)}], waits for {string.Join(' ', _waitsFor[end.Host].Select(i => _hosts[i]))}"))}";

    /// <summary>What a host says at one end of a connection, by phase.</summary>
    private sealed record End(int Host, bool[] Passes);

    private sealed record Judged(Connection Connection, IReadOnlyList<End> Ends)
    {
        public bool Passes(Func<int, RolloutPhase> phase) => Ends.All(end => end.Passes[(int)phase(end.Host)]);
    }
}
