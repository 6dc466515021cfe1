using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Services;
using VerdictKind = Bulkhead.Policy.Evaluate.VerdictKind;

namespace Bulkhead.Controller.Traffic;

/// <summary>The traffic of a window, judged at one moment: what every view of traffic is made from. For one thread.</summary>
public sealed class TrafficPicture
{
    private readonly Side _enforced;
    private readonly Lazy<Side> _draft;
    private readonly Dictionary<int, NamedEnd> _ends = [];

    /// <summary>Puts together what was seen with what policy says.</summary>
    /// <param name="sample">The traffic.</param>
    /// <param name="enforced">The newest revision.</param>
    /// <param name="draft">The draft, which is compiled only if somebody asks.</param>
    /// <param name="verdicts">Keeps verdicts from one picture to the next.</param>
    public TrafficPicture(TrafficSample sample, CompiledPolicy enforced, Func<CompiledPolicy> draft, VerdictCache verdicts)
    {
        Sample = sample;
        _enforced = new(verdicts.For(enforced));
        _draft = new(() => new(verdicts.For(draft())));
    }

    /// <summary>The traffic.</summary>
    public TrafficSample Sample { get; }

    /// <summary>All workloads.</summary>
    public WorkloadIndex Workloads => _enforced.Edges.Compiled.Workloads;

    /// <summary>The policy that a view judges by.</summary>
    public CompiledPolicy PolicyOf(TrafficView view) => SideOf(view).Edges.Compiled;

    /// <summary>Who holds an address, with a name for sentences.</summary>
    public NamedEnd End(FlowEndpoint endpoint)
    {
        if (!_ends.TryGetValue(endpoint.Id, out var end))
        {
            _ends[endpoint.Id] = end = NamedEnd.Of(Workloads.Holder(endpoint.Address), endpoint.Address.ToString());
        }

        return end;
    }

    /// <summary>The kind of verdict that a view gives an edge.</summary>
    public VerdictKind KindOf(Edge edge, TrafficView view)
    {
        var verdict = SideOf(view).Edges.Of(edge);
        return view == TrafficView.Reported ? ReportedVerdict.Of(edge, verdict).Kind : verdict.Kind;
    }

    /// <summary>What the policy of a view decides on an edge, at each end.</summary>
    public Verdict EvaluatedBy(Edge edge, TrafficView view) => SideOf(view).Edges.Of(edge);

    /// <summary>The verdict that a view gives an edge, in words.</summary>
    public WordedVerdict VerdictOn(Edge edge, TrafficView view)
    {
        var (source, destination, port) = (End(edge.Source), End(edge.Destination), PortOf(edge));
        var (edges, sentences) = SideOf(view);
        var verdict = edges.Of(edge);
        return view == TrafficView.Reported
            ? sentences.Of(ReportedVerdict.Of(edge, verdict), verdict, source, destination, port)
            : sentences.Of(verdict, source, destination, port);
    }

    /// <summary>The verdict on a connection that need not have been seen; what the kernels did is then not known, and the policy in force speaks.</summary>
    public WordedVerdict VerdictOn(Connection connection, NamedEnd source, NamedEnd destination, TrafficView view)
    {
        var (edges, sentences) = SideOf(view);
        return sentences.Of(edges.Of(connection), source, destination, PortText(connection.Protocol, connection.Port));
    }

    /// <summary>An edge as REST shows it.</summary>
    public FlowEdge ToFlow(EdgeTraffic traffic)
    {
        var edge = traffic.Edge;
        return new(
            ToFlowEnd(edge.Source, edge.At(FlowSide.Source).Processes),
            ToFlowEnd(edge.Destination, edge.At(FlowSide.Destination).Processes),
            PortOf(edge),
            traffic.Connections,
            traffic.Blocked,
            traffic.Packets,
            traffic.Bytes,
            edge.Open,
            DateTimeOffset.FromUnixTimeMilliseconds(edge.FirstSeen),
            DateTimeOffset.FromUnixTimeMilliseconds(edge.LastSeen),
            VerdictOn(edge, TrafficView.Reported).View,
            VerdictOn(edge, TrafficView.Enforced).View,
            VerdictOn(edge, TrafficView.Draft).View);
    }

    /// <summary>An edge's port: <c>tcp/443</c>, <c>icmp/8</c>, <c>47</c>.</summary>
    public static string PortOf(Edge edge) => PortText(edge.Protocol, edge.Port);

    /// <summary>A protocol with its port or ICMP type.</summary>
    public static string PortText(byte protocol, ushort port) =>
        IpProtocol.HasPorts(protocol) || IpProtocol.IsIcmp(protocol) ? $"{IpProtocol.NameOf(protocol)}/{port}" : IpProtocol.NameOf(protocol);

    private Side SideOf(TrafficView view) => view == TrafficView.Draft ? _draft.Value : _enforced;

    /// <summary>The names of an address that is no workload's.</summary>
    public IReadOnlyList<AddressNameView> NamesOf(IReadOnlyList<EndpointName> names) =>
        [.. names.Select(name => new AddressNameView(name.Name, Workloads.Find(new(name.Agent))?.Name ?? name.Agent.ToString(), DateTimeOffset.FromUnixTimeMilliseconds(name.At)))];

    /// <summary>A scan as REST shows it.</summary>
    public ScanView ToView(ScanSighting scan)
    {
        var source = Workloads.Holder(scan.Source);
        return new(
            source?.Name ?? scan.Source.ToString(), scan.Source.ToString(), source?.Id.Value, Workloads.Find(new(scan.Agent))?.Name ?? scan.Agent.ToString(), scan.Agent,
            scan.Side == FlowSide.Destination ? "inbound" : "outbound", scan.Process.Length == 0 ? null : scan.Process,
            DateTimeOffset.FromUnixTimeMilliseconds(scan.First), DateTimeOffset.FromUnixTimeMilliseconds(scan.Last),
            scan.Targets, scan.Addresses, scan.Connections, scan.Blocked, scan.FirstPort, scan.LastPort, scan.Samples);
    }

    private FlowEnd ToFlowEnd(FlowEndpoint endpoint, ProcessSet processes)
    {
        var workload = End(endpoint).Workload;
        return new(
            workload?.Id.Value,
            workload?.Name ?? endpoint.Address.ToString(),
            workload?.Labels.Labels.ToDictionary(label => label.Key, label => label.Value) ?? [],
            endpoint.Address.ToString(),
            [.. processes.Members.Select(member => member.Seen).OfType<SeenProcess>().Select(seen =>
                new ProcessView(seen.Path, seen.Name, seen.Unit.Length == 0 ? null : seen.Unit, seen.User, seen.Owner.Length == 0 ? null : seen.Owner, seen.Container.Length == 0 ? null : seen.Container))],
            workload is null ? NamesOf(endpoint.Names) : []);
    }

    /// <summary>Verdicts under one policy, with the words for them.</summary>
    private sealed record Side(JudgedEdges Edges, VerdictSentences Sentences)
    {
        public Side(JudgedEdges edges)
            : this(edges, new(edges.Compiled))
        {
        }
    }
}
