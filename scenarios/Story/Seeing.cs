using Bulkhead.Contracts.Rest;
using Bulkhead.Lab;

namespace Bulkhead.Scenarios.Story;

/// <summary>See: the map shows what the lab declares, with the right processes at both ends, and nothing else.</summary>
internal static class Seeing
{
    private static readonly TimeSpan SeenWithin = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan OnlineWithin = TimeSpan.FromSeconds(60);

    public static async Task<string> EveryAgentOnlineAsync(Stage stage, CancellationToken cancellationToken)
    {
        await stage.StartAgentsAsync(cancellationToken);
        await stage.AllSyncedAsync(OnlineWithin, cancellationToken);
        return $"{stage.Lab.Hosts.Count} agents online and in sync";
    }

    public static async Task<string> EveryLinkOnTheMapAsync(Stage stage, CancellationToken cancellationToken)
    {
        var lab = stage.Lab;
        var declared = lab.Links.ToLookup(link => Edge.Of(lab, link));
        IReadOnlyList<FlowEdge> flows = [];
        await Wait.UntilAsync(
            async () =>
            {
                flows = await Seen.FlowsAsync(stage, cancellationToken);
                return Complaint(lab, declared, flows.ToDictionary(Edge.Of));
            },
            SeenWithin,
            cancellationToken);
        var undeclared = flows.Select(Edge.Of).Where(edge => !declared.Contains(edge)).ToList();
        if (undeclared.Count > 0)
        {
            throw new StoryException($"{undeclared.Count} links that nobody declared: {undeclared.Names(lab)}");
        }

        var map = await stage.Operator.AskAsync<MapView>(cancellationToken, "map", "--group", "workload");
        var processes = flows.SelectMany(f => f.Source.Processes.Concat(f.Destination.Processes)).Select(p => p.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
        return $"{declared.Count} declared links, each with its processes at both ends, none undeclared; {map.Groups.Count} compartments, {map.Links.Count} lines on the map; processes {string.Join(", ", processes)}";
    }

    private static string? Complaint(RunningLab lab, ILookup<Edge, Link> declared, Dictionary<Edge, FlowEdge> flows)
    {
        var missing = declared.Select(d => d.Key).Where(edge => !flows.ContainsKey(edge)).ToList();
        if (missing.Count > 0)
        {
            return $"{missing.Count} of {declared.Count} declared links are not on the map: {missing.Names(lab)}";
        }

        var wrong = declared.SelectMany(links =>
            Differences(links.Key.In(lab), "consumer", links.Select(l => l.From), flows[links.Key].Source)
                .Concat(Differences(links.Key.In(lab), "provider", links.Select(l => l.To), flows[links.Key].Destination))).ToList();
        return wrong.Count > 0 ? string.Join("; ", wrong) : null;
    }

    private static IEnumerable<string> Differences(string edge, string side, IEnumerable<LinkEnd> declared, FlowEnd seen)
    {
        if (declared.Any(end => end.Host == DaemonRef.Controller))
        {
            yield break;
        }

        var expected = declared.Select(end => end.Executable ?? end.Process).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        var found = seen.Processes.Select(p => p.Path).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (!expected.SequenceEqual(found))
        {
            yield return $"{edge}: {side} should be {string.Join(" and ", expected)}, was {(found.Count == 0 ? "nobody" : string.Join(" and ", found))}";
        }
    }
}
