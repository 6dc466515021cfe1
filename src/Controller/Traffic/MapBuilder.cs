using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;
using VerdictKind = Bulkhead.Policy.Evaluate.VerdictKind;

namespace Bulkhead.Controller.Traffic;

/// <summary>Sums a picture up into groups and the links between them.</summary>
public static class MapBuilder
{
    /// <summary>The most process names that a service of a link lists at one end.</summary>
    public const int MaxProcessNames = 8;

    /// <summary>Builds the map.</summary>
    /// <param name="picture">The traffic.</param>
    /// <param name="grouping">What belongs together.</param>
    /// <param name="view">Which verdicts.</param>
    /// <param name="noise">Whether link-local and multicast traffic is shown.</param>
    /// <param name="isStale">Whether what a workload reports is not the whole truth.</param>
    /// <param name="now">When.</param>
    public static MapView Build(
        TrafficPicture picture, MapGrouping grouping, TrafficView view, bool noise, Func<Workload, bool> isStale, DateTimeOffset now)
    {
        var nodes = new Dictionary<string, (MapNode Node, List<Workload> Members)>(StringComparer.Ordinal);
        foreach (var workload in picture.Workloads.Workloads)
        {
            var node = grouping.NodeOf(workload);
            if (!nodes.TryGetValue(node.Id, out var entry))
            {
                nodes[node.Id] = entry = (node, []);
            }

            entry.Members.Add(workload);
        }

        var shown = picture.Workloads.Workloads.Where(grouping.IsInside).Select(workload => grouping.NodeOf(workload).Id).ToHashSet(StringComparer.Ordinal);
        var links = new Dictionary<(string Source, string Destination), LinkSum>();
        foreach (var traffic in picture.Sample.Edges)
        {
            var edge = traffic.Edge;
            if ((edge.IsNoise && !noise) || !(IsInside(edge.Source) || IsInside(edge.Destination)))
            {
                continue;
            }

            var (source, destination) = (NodeOf(edge.Source), NodeOf(edge.Destination));
            if (!links.TryGetValue((source.Id, destination.Id), out var sum))
            {
                links[(source.Id, destination.Id)] = sum = new();
                shown.Add(source.Id);
                shown.Add(destination.Id);
                nodes.TryAdd(source.Id, (source, []));
                nodes.TryAdd(destination.Id, (destination, []));
            }

            sum.Add(traffic, picture.KindOf(edge, view));
        }

        var policy = picture.PolicyOf(view);
        return new(
            now,
            grouping.Keys,
            view,
            [.. shown.Order(StringComparer.Ordinal).Select(id => ToGroup(nodes[id].Node, nodes[id].Members, policy, isStale))],
            [.. links.OrderBy(link => link.Key.Source, StringComparer.Ordinal).ThenBy(link => link.Key.Destination, StringComparer.Ordinal)
                .Select(link => link.Value.ToLink(link.Key.Source, link.Key.Destination, picture, view))],
            picture.Sample.Lost.Values.Sum());

        bool IsInside(FlowEndpoint end) => picture.End(end).Workload is { } workload ? grouping.IsInside(workload) : grouping.IsInside(end);
        MapNode NodeOf(FlowEndpoint end) => picture.End(end).Workload is { } workload ? grouping.NodeOf(workload) : grouping.NodeOf(end);
    }

    private static MapGroup ToGroup(MapNode node, List<Workload> members, CompiledPolicy policy, Func<Workload, bool> isStale)
    {
        var modes = members.Where(member => policy.Hosts.ContainsKey(member.Id)).Select(member => policy.Hosts[member.Id].Modes).Distinct().ToList();
        return new(
            node.Id,
            node.Kind,
            node.Name,
            node.Labels,
            members.Count,
            VerdictSentences.ToContract(modes.Count == 0 ? EnforcementMode.Visibility : modes.Min(mode => mode.Inbound)),
            VerdictSentences.ToContract(modes.Count == 0 ? EnforcementMode.Visibility : modes.Min(mode => mode.Outbound)),
            modes.Count > 1,
            members.Count(member => member.Quarantined),
            members.Count(isStale));
    }

    private sealed class LinkSum
    {
        private readonly Dictionary<(byte Protocol, ushort Port), ServiceSum> _services = [];
        private readonly int[] _verdicts = new int[Enum.GetValues<VerdictKind>().Length];
        private long _connections;
        private long _bytes;
        private long _first = long.MaxValue;
        private long _last;

        public void Add(in EdgeTraffic traffic, VerdictKind kind)
        {
            var edge = traffic.Edge;
            _connections += traffic.Connections;
            _bytes += traffic.Bytes;
            _first = Math.Min(_first, edge.FirstSeen);
            _last = Math.Max(_last, edge.LastSeen);
            _verdicts[(int)kind]++;
            if (!_services.TryGetValue((edge.Protocol, edge.Port), out var service))
            {
                _services[(edge.Protocol, edge.Port)] = service = new();
            }

            service.Add(traffic, kind);
        }

        public MapLink ToLink(string source, string destination, TrafficPicture picture, TrafficView view) => new(
            source,
            destination,
            [.. _services
                .OrderByDescending(service => service.Value.Connections).ThenBy(service => service.Key)
                .Select(service => service.Value.ToService(TrafficPicture.PortText(service.Key.Protocol, service.Key.Port), picture, view))],
            _connections,
            _bytes,
            new(
                _verdicts[(int)VerdictKind.Allowed], _verdicts[(int)VerdictKind.PotentiallyBlocked],
                _verdicts[(int)VerdictKind.Blocked], _verdicts[(int)VerdictKind.Unknown]),
            DateTimeOffset.FromUnixTimeMilliseconds(_first),
            DateTimeOffset.FromUnixTimeMilliseconds(_last));
    }

    private sealed class ServiceSum
    {
        private readonly SortedSet<string> _consumers = new(StringComparer.Ordinal);
        private readonly SortedSet<string> _providers = new(StringComparer.Ordinal);
        private Edge? _worst;
        private VerdictKind _kind;

        public long Connections { get; private set; }

        public void Add(in EdgeTraffic traffic, VerdictKind kind)
        {
            Connections += traffic.Connections;
            Note(_consumers, traffic.Edge.At(FlowSide.Source).Processes);
            Note(_providers, traffic.Edge.At(FlowSide.Destination).Processes);
            if (_worst is null || VerdictSentences.Rank(kind) > VerdictSentences.Rank(_kind))
            {
                (_worst, _kind) = (traffic.Edge, kind);
            }
        }

        public MapService ToService(string port, TrafficPicture picture, TrafficView view)
        {
            var verdict = picture.VerdictOn(_worst!, view);
            return new(port, [.. _consumers], [.. _providers], Connections, verdict.View.Kind, verdict.View.Because, verdict.Decisive?.RuleId);
        }

        private static void Note(SortedSet<string> names, ProcessSet processes)
        {
            foreach (var process in processes.Members)
            {
                if (names.Count < MaxProcessNames && process.Seen is { } seen)
                {
                    names.Add(seen.Name);
                }
            }
        }
    }
}
