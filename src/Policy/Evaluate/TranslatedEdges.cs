using System.Collections.Concurrent;

namespace Bulkhead.Policy.Evaluate;

/// <summary>Judges those of many connections again, one by one, whose ends <see cref="BulkJudge"/> cannot know: they have to do with translated addresses.</summary>
internal static class TranslatedEdges
{
    /// <summary>Replaces the verdicts, by policy and connection.</summary>
    public static void Judge(IReadOnlyList<Connection> connections, PolicyEvaluator[] evaluators, EdgeVerdict[][] verdicts)
    {
        if (connections.Count > 0)
        {
            Parallel.ForEach(Partitioner.Create(0, connections.Count), range =>
            {
                for (var i = range.Item1; i < range.Item2; i++)
                {
                    for (var policy = 0; policy < evaluators.Length && evaluators[policy].IsTranslated(connections[i]); policy++)
                    {
                        verdicts[policy][i] = Brief(evaluators[policy].Judge(connections[i]));
                    }
                }
            });
        }
    }

    /// <summary>A verdict in brief.</summary>
    public static EdgeVerdict Brief(Verdict verdict)
    {
        var brief = new EdgeVerdict();
        foreach (var end in new[] { verdict.Source, verdict.Destination }.OfType<EndDecision>())
        {
            brief.Decide(end.Direction, new(end.Mode, end.Outcome, end.InFull, end.By, end.Rule));
        }

        return brief;
    }
}
