using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;

namespace Bulkhead.Controller.Traffic;

/// <summary>The verdicts on edges under the compiled policies that are still in use. Thread-safe.</summary>
public sealed class VerdictCache
{
    private readonly ConditionalWeakTable<CompiledPolicy, JudgedEdges> _byPolicy = [];

    /// <summary>The verdicts under a policy.</summary>
    public JudgedEdges For(CompiledPolicy compiled) => _byPolicy.GetValue(compiled, static policy => new(policy));
}

/// <summary>
/// The verdicts on edges under one compiled policy. An edge is judged when first asked for, and again when more processes are seen at its
/// ends. Equal verdicts are one object. Thread-safe.
/// </summary>
public sealed class JudgedEdges
{
    private static readonly ConditionalWeakTable<ProcessSet, SocketFacts[]> s_facts = [];

    private readonly PolicyEvaluator _evaluator;
    private readonly ConcurrentDictionary<Verdict, Verdict> _distinct = new();
    private readonly Lock _growing = new();
    private Judgement?[] _judged = [];

    internal JudgedEdges(CompiledPolicy compiled) => _evaluator = new(compiled);

    /// <summary>What is judged by.</summary>
    public CompiledPolicy Compiled => _evaluator.Compiled;

    /// <summary>The verdict on an edge: the worst that any of the processes seen at its ends meets.</summary>
    public Verdict Of(Edge edge)
    {
        var (consumers, providers) = (edge.At(FlowSide.Source).Processes, edge.At(FlowSide.Destination).Processes);
        var judged = RoomFor(edge.Id);
        if (judged[edge.Id] is { } known && known.Consumers == consumers && known.Providers == providers)
        {
            return known.Verdict;
        }

        var verdict = Judge(edge, FactsOf(consumers), FactsOf(providers));
        verdict = _distinct.GetOrAdd(verdict, verdict);
        judged[edge.Id] = new(consumers, providers, verdict);
        return verdict;
    }

    /// <summary>The verdict on a connection that need not have been seen.</summary>
    public Verdict Of(Connection connection) => _evaluator.Judge(connection);

    // Each end's decision depends on its own process alone, and the worse of the two ends decides. So the worst of all pairs is among pairs
    // that use each process once, and no pair that was never seen together changes the verdict.
    private Verdict Judge(Edge edge, SocketFacts[] consumers, SocketFacts[] providers)
    {
        Verdict? worst = null;
        for (var i = 0; i < Math.Max(consumers.Length, providers.Length); i++)
        {
            var verdict = _evaluator.Judge(new(
                edge.Source.Address.Space, edge.Source.Address.Address, edge.Destination.Address.Address, edge.Protocol, edge.Port,
                consumers[i % consumers.Length], providers[i % providers.Length]));
            if (worst is null || VerdictSentences.Rank(verdict.Kind) > VerdictSentences.Rank(worst.Kind))
            {
                worst = verdict;
            }
        }

        return worst!;
    }

    private static SocketFacts[] FactsOf(ProcessSet processes) => s_facts.GetValue(processes, static set =>
    {
        // Where an agent does name processes, a connection that it could not attribute says something of the record, not of the socket.
        var named = set.Members.Any(member => member.Seen is not null);
        return set.Members.Count == 0 ? [SocketFacts.Unrecorded] : [.. set.Members.Select(member => FactsOf(member, named)).Distinct()];
    });

    private static SocketFacts FactsOf(KnownProcess process, bool othersNamed) =>
        process.Seen is { } seen ? SocketFacts.Of(seen.Path, seen.Unit.Length == 0 ? null : seen.Unit, groups: null)
        : process == KnownProcess.Unidentified && !othersNamed ? SocketFacts.Unidentified
        : SocketFacts.Unrecorded;

    private Judgement?[] RoomFor(int id)
    {
        var judged = Volatile.Read(ref _judged);
        if (id < judged.Length)
        {
            return judged;
        }

        lock (_growing)
        {
            if (id >= _judged.Length)
            {
                // A verdict written to the old array meanwhile is only judged again.
                var grown = new Judgement?[Math.Max(1024, (id + 1) * 3 / 2)];
                _judged.CopyTo(grown, 0);
                Volatile.Write(ref _judged, grown);
            }

            return _judged;
        }
    }

    private sealed record Judgement(ProcessSet Consumers, ProcessSet Providers, Verdict Verdict);
}
