using System.Collections.Concurrent;

namespace Bulkhead.Policy.Evaluate;

/// <summary>Judges those of many connections again, one by one, whose ends <see cref="BulkJudge"/> cannot know: they have to do with translated addresses.</summary>
internal static class TranslatedEdges
{
    /// <summary>Replaces the verdicts, by policy and connection.</summary>
    public static void Judge(IReadOnlyList<Connection> connections, PolicyEvaluator[] evaluators, EdgeVerdict[][] verdicts)
    {
        var index = evaluators[0].Compiled.Workloads;
        // A number is enough: it costs little to ask about a connection of another space too often.
        var concerned = index.Translations.Addresses.Select(address => address.Address)
            .Concat(index.Translations.Addresses.SelectMany(index.Translations.VisibleAt).SelectMany(workload => workload.Addresses).Select(address => address.Address)).ToHashSet();
        if (connections.Count > 0)
        {
            Parallel.ForEach(Partitioner.Create(0, connections.Count), range =>
            {
                for (var i = range.Item1; i < range.Item2; i++)
                {
                    if (concerned.Contains(connections[i].Source) || concerned.Contains(connections[i].Destination))
                    {
                        for (var policy = 0; policy < evaluators.Length; policy++)
                        {
                            verdicts[policy][i] = Brief(evaluators[policy].Judge(connections[i]));
                        }
                    }
                }
            });
        }
    }

    private static EdgeVerdict Brief(Verdict verdict)
    {
        var brief = new EdgeVerdict();
        foreach (var end in new[] { verdict.Source, verdict.Destination }.OfType<EndDecision>())
        {
            brief.Decide(end.Direction, new(end.Mode, end.Outcome, end.InFull, end.By, end.Rule));
        }

        return brief;
    }
}
