using System.Collections.Concurrent;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>
/// Judges many connections under several policies. Memory is what limits it, so ends are judged in the order of their hosts' kinds: the
/// entries that are searched stay in the processor's cache, and both policies are asked while a connection is at hand.
/// </summary>
internal sealed class BulkJudge
{
    private readonly Connection[] _connections;
    private readonly PolicyEvaluator[] _evaluators;
    private readonly Dictionary<ScopedAddress, int> _rows;
    private readonly int[] _sources;
    private readonly int[] _destinations;

    public BulkJudge(IReadOnlyList<Connection> connections, PolicyEvaluator[] evaluators)
    {
        if (evaluators.Length == 0 || evaluators.Any(evaluator => !ReferenceEquals(evaluator.Compiled.Workloads, evaluators[0].Compiled.Workloads)))
        {
            throw new ArgumentException("Policies are judged together only for the same workloads.", nameof(evaluators));
        }

        (_connections, _evaluators, _rows) = (connections as Connection[] ?? [.. connections], evaluators, evaluators[0].Compiled.Workloads.Rows);
        (_sources, _destinations) = (new int[_connections.Length], new int[_connections.Length]);
    }

    /// <summary>The verdicts, by policy and connection.</summary>
    public EdgeVerdict[][] Judge()
    {
        InRanges(_sources.Length, i =>
        {
            var connection = _connections[i];
            _sources[i] = _rows.TryGetValue(new(connection.Space, connection.Source), out var source) ? source : -1;
            _destinations[i] = _rows.TryGetValue(new(connection.Space, connection.Destination), out var destination) ? destination : -1;
        });
        int[] bySource = [], byDestination = [];
        Parallel.Invoke(() => bySource = ByKind(_sources), () => byDestination = ByKind(_destinations));
        var verdicts = Array.ConvertAll(_evaluators, _ => new EdgeVerdict[_sources.Length]);
        var nobody = new EdgeVerdict(default, default);
        foreach (var verdict in verdicts)
        {
            Array.Fill(verdict, nobody);
        }

        Ends(Direction.Outbound, bySource, _sources, _destinations, verdicts);
        Ends(Direction.Inbound, byDestination, _destinations, _sources, verdicts);
        return verdicts;
    }

    private void Ends(Direction direction, int[] order, int[] own, int[] other, EdgeVerdict[][] verdicts)
    {
        var seats = Array.ConvertAll(_evaluators, evaluator => evaluator.Seats.All);
        InRanges(order.Length, at =>
        {
            var i = order[at];
            var connection = _connections[i];
            for (var policy = 0; policy < seats.Length; policy++)
            {
                var host = seats[policy][own[i]];
                if (host.IsManaged)
                {
                    ref var verdict = ref verdicts[policy][i];
                    var end = _evaluators[policy].Quickly(host, other[i] < 0 ? null : seats[policy][other[i]], direction, connection);
                    verdict = direction == Direction.Outbound ? new(end, default) : verdict.With(end);
                }
            }
        });
    }

    /// <summary>The connections that have a workload at an end, by that workload's kind under the first policy.</summary>
    private int[] ByKind(int[] rows)
    {
        var seats = _evaluators[0].Seats;
        var starts = new int[seats.Kinds + 1];
        foreach (var row in rows)
        {
            if (row >= 0)
            {
                starts[seats.KindOf[row] + 1]++;
            }
        }

        for (var kind = 1; kind < starts.Length; kind++)
        {
            starts[kind] += starts[kind - 1];
        }

        var order = new int[starts[^1]];
        for (var i = 0; i < rows.Length; i++)
        {
            if (rows[i] >= 0)
            {
                order[starts[seats.KindOf[rows[i]]]++] = i;
            }
        }

        return order;
    }

    private static void InRanges(int count, Action<int> judge)
    {
        if (count == 0)
        {
            return;
        }

        Parallel.ForEach(Partitioner.Create(0, count), range =>
        {
            for (var i = range.Item1; i < range.Item2; i++)
            {
                judge(i);
            }
        });
    }
}
