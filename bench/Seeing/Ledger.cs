using System.Net;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Bench.Seeing;

/// <summary>The ends of connections: from whom, to whom, at which port.</summary>
internal readonly record struct Edge(string From, string To, uint Port);

/// <summary>Who made or took them.</summary>
internal readonly record struct Owner(uint Pid, uint Uid, string Path);

/// <summary>What differs between what was done and what was told.</summary>
/// <param name="Made">Connections that were made.</param>
/// <param name="Lost">That were made and not told of.</param>
/// <param name="Invented">That were told of and not made.</param>
/// <param name="Misattributed">That were told of as somebody's who did not make them.</param>
/// <param name="Unnamed">That were told of as nobody's.</param>
internal sealed record Differences(long Made, long Lost, long Invented, long Misattributed, long Unnamed)
{
    /// <summary>In words.</summary>
    public override string ToString() => $"{Made:N0} made, {Lost:N0} lost, {Invented:N0} invented, {Misattributed:N0} misattributed, {Unnamed:N0} unnamed";
}

/// <summary>What was done, entry by entry.</summary>
internal sealed class Ledger
{
    private readonly Dictionary<(Edge Edge, Owner Owner), long> _entries = [];

    /// <summary>All connections of it.</summary>
    public long Total => _entries.Values.Sum();

    /// <summary>Enters connections.</summary>
    public void Add(Edge edge, Owner owner, long connections) => _entries[(edge, owner)] = _entries.GetValueOrDefault((edge, owner)) + connections;

    /// <summary>Compares it with what batches tell of the same edges.</summary>
    public Differences Compare(IEnumerable<FlowBatch> batches)
    {
        var told = Told(batches, _entries.Keys.Select(entry => entry.Edge).ToHashSet());
        var (made, toldOf) = (Sum(_entries, key => key.Edge), Sum(told, key => key.Edge));
        var named = told.Where(entry => entry.Key.Owner is not null).ToDictionary(entry => (entry.Key.Edge, entry.Key.Owner!.Value), entry => entry.Value);
        return new(
            Total,
            made.Sum(edge => Math.Max(0, edge.Value - toldOf.GetValueOrDefault(edge.Key))),
            toldOf.Sum(edge => Math.Max(0, edge.Value - made.GetValueOrDefault(edge.Key))),
            named.Sum(entry => Math.Max(0, entry.Value - _entries.GetValueOrDefault(entry.Key))),
            told.Where(entry => entry.Key.Owner is null).Sum(entry => entry.Value));
    }

    /// <summary>How many owners are told of with as many connections as they have here.</summary>
    public long OwnersToldInFull(IEnumerable<FlowBatch> batches)
    {
        var told = Told(batches, _entries.Keys.Select(entry => entry.Edge).ToHashSet());
        return _entries.Count(entry => told.GetValueOrDefault((entry.Key.Edge, entry.Key.Owner)) == entry.Value);
    }

    /// <summary>What batches tell of the same edges that is not so, in words; some of it.</summary>
    public IEnumerable<string> Examples(IEnumerable<FlowBatch> batches) =>
        from entry in Told(batches, _entries.Keys.Select(entry => entry.Edge).ToHashSet())
        where entry.Key.Owner is not { } owner || entry.Value > _entries.GetValueOrDefault((entry.Key.Edge, owner))
        select $"{entry.Key.Edge} is told {entry.Value} times as of {(entry.Key.Owner is { } told ? told.ToString() : "nobody")}";

    private static Dictionary<(Edge Edge, Owner? Owner), long> Told(IEnumerable<FlowBatch> batches, HashSet<Edge> edges)
    {
        var told = new Dictionary<(Edge, Owner?), long>();
        foreach (var batch in batches)
        {
            foreach (var flow in batch.Flows)
            {
                var (local, remote) = (new IPAddress(flow.LocalAddress.Span).ToString(), new IPAddress(flow.RemoteAddress.Span).ToString());
                var edge = flow.Direction == Direction.Outbound ? new Edge(local, remote, flow.Port) : new Edge(remote, local, flow.Port);
                if (edges.Contains(edge) && flow.Connections > 0)
                {
                    var process = flow.Process > 0 ? batch.Processes[(int)flow.Process - 1] : null;
                    var key = (edge, process is null ? (Owner?)null : new Owner(process.Pid, process.Uid, process.Path));
                    told[key] = told.GetValueOrDefault(key) + (long)flow.Connections;
                }
            }
        }

        return told;
    }

    private static Dictionary<Edge, long> Sum<TKey>(Dictionary<TKey, long> entries, Func<TKey, Edge> edgeOf)
        where TKey : notnull => entries.GroupBy(entry => edgeOf(entry.Key)).ToDictionary(group => group.Key, group => group.Sum(entry => entry.Value));
}
