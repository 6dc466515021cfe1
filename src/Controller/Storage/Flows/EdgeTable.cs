using Bulkhead.Policy.Addresses;

namespace Bulkhead.Controller.Storage.Flows;

/// <summary>
/// Every endpoint, process and edge ever seen, each with a dense id. Only the store's writer touches it, except for edges, which queries
/// read under the store's lock.
/// </summary>
internal sealed class EdgeTable
{
    private readonly Dictionary<ScopedAddress, FlowEndpoint> _endpoints = [];
    private readonly Dictionary<SeenProcess, KnownProcess> _processes = [];
    private readonly Dictionary<EdgeKey, Edge> _edges = [];
    private readonly ProcessSet _none = ProcessSet.CreateEmpty();

    /// <summary>By id.</summary>
    public List<FlowEndpoint> Endpoints { get; } = [];

    /// <summary>By id minus one.</summary>
    public List<KnownProcess> Processes { get; } = [];

    /// <summary>By id.</summary>
    public List<Edge> Edges { get; } = [];

    /// <summary>The edge of a key, or null.</summary>
    public Edge? Find(ScopedAddress source, ScopedAddress destination, byte protocol, ushort port) =>
        _endpoints.TryGetValue(source, out var from) && _endpoints.TryGetValue(destination, out var to)
            ? _edges.GetValueOrDefault(new(from.Id, to.Id, protocol, port))
            : null;

    /// <summary>The edge between two addresses, made if it is new; null if it is new and there are <paramref name="limit"/> already.</summary>
    public Edge? Resolve(AddressSpace space, in Sighting sighting, int limit)
    {
        var (source, destination) = (new ScopedAddress(space, sighting.Source), new ScopedAddress(space, sighting.Destination));
        return Edges.Count >= limit
            ? Find(source, destination, sighting.Protocol, sighting.Port)
            : EdgeOf(EndpointOf(source), EndpointOf(destination), sighting.Protocol, sighting.Port);
    }

    /// <summary>The endpoint of an address, or null.</summary>
    public FlowEndpoint? FindEndpoint(ScopedAddress address) => _endpoints.GetValueOrDefault(address);

    /// <summary>The endpoint of an address, made if it is new.</summary>
    public FlowEndpoint EndpointOf(ScopedAddress address)
    {
        if (!_endpoints.TryGetValue(address, out var endpoint))
        {
            _endpoints[address] = endpoint = new(Endpoints.Count, address);
            Endpoints.Add(endpoint);
        }

        return endpoint;
    }

    /// <summary>The edge of a key, made if it is new.</summary>
    public Edge EdgeOf(FlowEndpoint source, FlowEndpoint destination, byte protocol, ushort port)
    {
        var key = new EdgeKey(source.Id, destination.Id, protocol, port);
        if (!_edges.TryGetValue(key, out var edge))
        {
            _edges[key] = edge = new(Edges.Count, source, destination, protocol, port, _none);
            Edges.Add(edge);
        }

        return edge;
    }

    /// <summary>The process with this description, made if it is new.</summary>
    public KnownProcess Process(SeenProcess seen)
    {
        if (!_processes.TryGetValue(seen, out var process))
        {
            _processes[seen] = process = new(Processes.Count + 1, seen);
            Processes.Add(process);
        }

        return process;
    }

    /// <summary>The process with an id.</summary>
    public KnownProcess ProcessOf(int id) => id switch
    {
        0 => KnownProcess.Unidentified,
        -1 => KnownProcess.Others,
        _ => Processes[id - 1],
    };

    /// <summary>
    /// What a sighting's process counts as at its end of an edge; null if nothing can be said, since an attempt that was stopped before it
    /// had a socket is nobody's.
    /// </summary>
    public KnownProcess? Attribute(Edge edge, in Sighting sighting)
    {
        if (sighting.Process is not { } seen)
        {
            return sighting.Blocked ? null : KnownProcess.Unidentified;
        }

        // A new process at a full end is not even remembered, which bounds the number of processes by the number of edges.
        return _processes.TryGetValue(seen, out var known) ? known
            : edge.At(sighting.Side).Processes.Members.Count < ProcessSet.Limit ? Process(seen)
            : KnownProcess.Others;
    }

    /// <summary>A set of processes from its stored ids.</summary>
    public ProcessSet SetOf(IEnumerable<int> ids) => ids.Aggregate(_none, (set, id) => set.With(ProcessOf(id)));

    private readonly record struct EdgeKey(int Source, int Destination, byte Protocol, ushort Port);
}
