using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>
/// Judges many connections under several policies. Memory is what limits it: what is asked of a connection is packed into a few bytes, and
/// ends are judged in the order of their hosts' kinds, so that the entries that are searched stay in the processor's cache.
/// </summary>
internal sealed class BulkJudge
{
    private readonly Connection[] _connections;
    private readonly PolicyEvaluator[] _evaluators;
    private readonly Packed[] _packed;

    public BulkJudge(IReadOnlyList<Connection> connections, PolicyEvaluator[] evaluators)
    {
        if (evaluators.Length == 0 || evaluators.Any(evaluator => !ReferenceEquals(evaluator.Compiled.Workloads, evaluators[0].Compiled.Workloads)))
        {
            throw new ArgumentException("Policies are judged together only for the same workloads.", nameof(evaluators));
        }

        (_connections, _evaluators) = (connections as Connection[] ?? [.. connections], evaluators);
        _packed = new Packed[_connections.Length];
    }

    [Flags]
    private enum Traits : byte
    {
        None = 0,

        /// <summary>Outbound, it is allowed whatever the policy.</summary>
        AlwaysOut = 1,

        /// <summary>Inbound, it is allowed whatever the policy.</summary>
        AlwaysIn = 2,

        /// <summary>An end sees its peer in another space than the one in which the connection is told.</summary>
        Crossing = 4,
    }

    /// <summary>The verdicts, by policy and connection.</summary>
    public EdgeVerdict[][] Judge()
    {
        InRanges(_connections.Length, Pack);
        var verdicts = Array.ConvertAll(_evaluators, _ => new EdgeVerdict[_connections.Length]);
        End[] outbound = [], inbound = [];
        Parallel.Invoke(() => outbound = Ends(Direction.Outbound), () => inbound = Ends(Direction.Inbound));
        Judge(Direction.Outbound, outbound, verdicts);
        Judge(Direction.Inbound, inbound, verdicts);
        return verdicts;
    }

    private void Pack(int from, int to)
    {
        var rows = _evaluators[0].Compiled.Workloads.Rows;
        var seats = _evaluators[0].Seats.All;
        for (var i = from; i < to; i++)
        {
            var connection = _connections[i];
            var (source, destination) = rows.Find(connection.Space, connection.Source, connection.Destination);
            var (protocol, port) = (connection.Protocol, connection.Port);
            var traits = Traits.None;
            if (source == destination || Essential.Always(Direction.Outbound, connection.Source, connection.Destination, protocol, port))
            {
                traits |= Traits.AlwaysOut;
            }

            if (source == destination || Essential.Always(Direction.Inbound, connection.Destination, connection.Source, protocol, port))
            {
                traits |= Traits.AlwaysIn;
            }

            if (Crosses(source) || Crosses(destination))
            {
                traits |= Traits.Crossing;
            }

            _packed[i] = new(source, destination, port, protocol, traits);

            bool Crosses(int row) => row >= 0 && seats[row].Standing.Key.Space != connection.Space;
        }
    }

    /// <summary>The ends of one direction that a workload holds, in the order of that workload's kind under the first policy.</summary>
    private End[] Ends(Direction direction)
    {
        var seats = _evaluators[0].Seats;
        var starts = new int[seats.Kinds + 1];
        foreach (ref readonly var packed in _packed.AsSpan())
        {
            if (packed.Own(direction) is var row and >= 0)
            {
                starts[seats.KindOf[row] + 1]++;
            }
        }

        for (var kind = 1; kind < starts.Length; kind++)
        {
            starts[kind] += starts[kind - 1];
        }

        var ends = new End[starts[^1]];
        for (var i = 0; i < _packed.Length; i++)
        {
            if (_packed[i].Own(direction) is var row and >= 0)
            {
                ends[starts[seats.KindOf[row]]++] = new(_connections[i], i, _packed[i]);
            }
        }

        return ends;
    }

    private void Judge(Direction direction, End[] ends, EdgeVerdict[][] verdicts)
    {
        var seats = Array.ConvertAll(_evaluators, evaluator => evaluator.Seats.All);
        var workloads = _evaluators[0].Compiled.Workloads.Workloads;
        InRanges(ends.Length, (from, to) =>
        {
            for (var at = from; at < to; at++)
            {
                ref readonly var end = ref ends[at];
                var own = end.Edge.Own(direction);
                var other = end.Edge.Other(direction);
                for (var policy = 0; policy < seats.Length && seats[policy][own].Standing.IsManaged; policy++)
                {
                    verdicts[policy][end.Index].Decide(direction, (end.Edge.Traits & Traits.Crossing) != 0
                        ? _evaluators[policy].Quickly(workloads[own], direction, end.Connection)
                        : _evaluators[policy].Quickly(new PolicyEvaluator.End(seats[policy][own], other < 0 ? default : seats[policy][other], direction, end.Connection)
                        {
                            Protocol = end.Edge.Protocol,
                            Port = end.Edge.Port,
                            IsAlwaysAllowed = (end.Edge.Traits & (direction == Direction.Outbound ? Traits.AlwaysOut : Traits.AlwaysIn)) != 0,
                        }));
                }
            }
        });
    }

    private static void InRanges(int count, Action<int, int> work)
    {
        if (count > 0)
        {
            Parallel.ForEach(Partitioner.Create(0, count), range => work(range.Item1, range.Item2));
        }
    }

    /// <summary>A connection by the rows of the workloads at its ends, -1 where there is none.</summary>
    private readonly record struct Packed(int Source, int Destination, ushort Port, byte Protocol, Traits Traits)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public int Own(Direction direction) => direction == Direction.Outbound ? Source : Destination;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public int Other(Direction direction) => direction == Direction.Outbound ? Destination : Source;
    }

    /// <summary>One end of a connection.</summary>
    private readonly record struct End(Connection Connection, int Index, Packed Edge);
}
