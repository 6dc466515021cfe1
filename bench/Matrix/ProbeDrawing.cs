using Bulkhead.Lab;

namespace Bulkhead.Bench.Matrix;

/// <summary>Draws as many connections that should pass as such that should not, in each family.</summary>
/// <param name="hosts">Between whom.</param>
/// <param name="kind">What the round is about.</param>
internal sealed class ProbeDrawing(IReadOnlyList<LabHost> hosts, RuleKind kind)
{
    /// <summary>So many pass in a family, and so many do not, if there are so many.</summary>
    public const int PerSide = 30;

    /// <summary>Draws them.</summary>
    public List<Probe> Draw(Oracle oracle, Random random) => [.. Draw(oracle, random, isV6: false), .. Draw(oracle, random, isV6: true)];

    private IEnumerable<Probe> Draw(Oracle oracle, Random random, bool isV6)
    {
        var choices = Choices(isV6).ToArray();
        random.Shuffle(choices);
        List<Probe> passing = [], blocked = [];
        foreach (var choice in choices)
        {
            // Of probes that differ in their processes only, two that are judged differently: all else being equal, it is the process that decides.
            random.Shuffle(choice);
            var sides = choice.ToLookup(oracle.Passes);
            if (choice.Length == 1 || (sides[true].Any() && sides[false].Any()))
            {
                passing.AddRange(sides[true].Take(PerSide - passing.Count > 0 ? 1 : 0));
                blocked.AddRange(sides[false].Take(PerSide - blocked.Count > 0 ? 1 : 0));
            }

            if (passing.Count + blocked.Count == PerSide * 2)
            {
                break;
            }
        }

        return [.. passing, .. blocked];
    }

    /// <summary>All that there is to try; what differs in processes only together.</summary>
    private IEnumerable<Probe[]> Choices(bool isV6) => kind switch
    {
        _ when kind.AsksForConsumer() => from probe in Pairs(isV6, Target.Served) select (Probe[])[probe, .. Identity.All.Select(identity => probe with { By = identity })],
        _ when kind.AsksForProvider() =>
            from pair in Pairs(isV6, [default])
            from who in Identity.All
            from targets in Target.Served.GroupBy(target => target.Protocol)
            select (Probe[])[.. targets.Select(target => pair with { By = who, Target = target })],
        RuleKind.Groupcast => from probe in Pairs(isV6, Target.Groupcast) where !isV6 || probe.Target.Reach == Reach.Multicast select (Probe[])[probe],
        RuleKind.Segments => from probe in Pairs(isV6, Target.Segments) select (Probe[])[probe],
        // A protocol without ports is tried one way only between two hosts: there, what the other sends counts as the answer.
        _ => from probe in Pairs(isV6, Target.All) where probe.Target.Protocol != Target.Experimental || string.CompareOrdinal(probe.From.Name, probe.To.Name) < 0 select (Probe[])[probe],
    };

    private IEnumerable<Probe> Pairs(bool isV6, IReadOnlyList<Target> targets) =>
        from source in hosts from destination in hosts from target in targets where source != destination select new Probe(source, destination, isV6, target);
}
