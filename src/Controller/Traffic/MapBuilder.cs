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
        var nodes = new Dictionary<string, Compartment>(StringComparer.Ordinal);
        foreach (var workload in picture.Workloads.Workloads)
        {
            var compartment = CompartmentOf(grouping.NodeOf(workload));
            compartment.Members.Add(workload);
            compartment.IsShown |= grouping.IsInside(workload);
        }

        var ends = new Dictionary<FlowEndpoint, (Compartment Compartment, bool IsInside)>();
        var links = new Dictionary<(Compartment Source, Compartment Destination), LinkSum>();
        foreach (var traffic in picture.Sample.Edges)
        {
            var edge = traffic.Edge;
            var (source, destination) = (EndOf(edge.Source), EndOf(edge.Destination));
            if ((edge.IsNoise && !noise) || !(source.IsInside || destination.IsInside))
            {
                continue;
            }

            var link = (source.Compartment, destination.Compartment);
            if (!links.TryGetValue(link, out var sum))
            {
                links[link] = sum = new();
                source.Compartment.IsShown = destination.Compartment.IsShown = true;
            }

            sum.Add(traffic, picture.KindOf(edge, view));
        }

        var policy = picture.PolicyOf(view);
        return new(
            now,
            grouping.Keys,
            view,
            [.. nodes.Values.Where(compartment => compartment.IsShown).OrderBy(compartment => compartment.Node.Id, StringComparer.Ordinal)
                .Select(compartment => ToGroup(compartment, policy, isStale))],
            [.. links.OrderBy(link => link.Key.Source.Node.Id, StringComparer.Ordinal).ThenBy(link => link.Key.Destination.Node.Id, StringComparer.Ordinal)
                .Select(link => link.Value.ToLink(link.Key.Source.Node.Id, link.Key.Destination.Node.Id, picture, view))],
            GapViews.Of(picture.Sample.Gaps, picture.Workloads),
            0,
            []);

        Compartment CompartmentOf(MapNode node)
        {
            if (!nodes.TryGetValue(node.Id, out var compartment))
            {
                nodes[node.Id] = compartment = new(node);
            }

            return compartment;
        }

        (Compartment Compartment, bool IsInside) EndOf(FlowEndpoint endpoint)
        {
            if (!ends.TryGetValue(endpoint, out var end))
            {
                ends[endpoint] = end = picture.End(endpoint).Workload is { } workload
                    ? (CompartmentOf(grouping.NodeOf(workload)), grouping.IsInside(workload))
                    : (CompartmentOf(grouping.NodeOf(endpoint)), grouping.IsInside(endpoint));
            }

            return end;
        }
    }

    private static MapGroup ToGroup(Compartment compartment, CompiledPolicy policy, Func<Workload, bool> isStale)
    {
        var (node, members) = (compartment.Node, compartment.Members);
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

    /// <summary>A node with what is in it; each is one object, so that links are found by reference.</summary>
    private sealed class Compartment(MapNode node)
    {
        public MapNode Node => node;

        public List<Workload> Members { get; } = [];

        public bool IsShown { get; set; }
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
        private readonly HashSet<(FlowSide Side, ProcessSet Processes)> _noted = [];
        private Edge? _worst;
        private VerdictKind _kind;

        public long Connections { get; private set; }

        public void Add(in EdgeTraffic traffic, VerdictKind kind)
        {
            Connections += traffic.Connections;
            Note(FlowSide.Source, _consumers, traffic.Edge);
            Note(FlowSide.Destination, _providers, traffic.Edge);
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

        private void Note(FlowSide side, SortedSet<string> names, Edge edge)
        {
            var processes = edge.At(side).Processes;
            if (names.Count == MaxProcessNames || !_noted.Add((side, processes)))
            {
                return;
            }

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
