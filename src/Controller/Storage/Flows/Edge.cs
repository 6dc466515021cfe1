using Bulkhead.Policy.Addresses;

namespace Bulkhead.Controller.Storage.Flows;

/// <summary>An address that took part in traffic; one object an address.</summary>
/// <param name="id">Dense, from 0.</param>
/// <param name="address">With its space.</param>
public sealed class FlowEndpoint(int id, ScopedAddress address)
{
    /// <summary>Dense, from 0.</summary>
    public int Id => id;

    /// <summary>The address with its space.</summary>
    public ScopedAddress Address => address;

    /// <summary>Names that DNS answers gave for it, the newest first. Replaced whole by the store's writer; may be read from any thread.</summary>
    public IReadOnlyList<EndpointName> Names { get; internal set; } = [];

    /// <summary>Whether it is link-local, multicast, broadcast or unspecified: neighbourhood noise that belongs to no application.</summary>
    public bool IsNoise { get; } = IsNoiseAddress(address.Address);

    /// <summary>Whether an address is link-local, multicast, broadcast or unspecified.</summary>
    public static bool IsNoiseAddress(IpAddress address) => address.IsLinkLocal || address.IsMulticast || address.Bits == 0;
}

/// <summary>
/// Everything seen from one address to one address and port. Changed only by the store's writer; each field may be read from any thread,
/// and is then either the older or the newer value.
/// </summary>
public sealed class Edge
{
    private SideState _source;
    private SideState _destination;

    internal Edge(int id, FlowEndpoint source, FlowEndpoint destination, byte protocol, ushort port, ProcessSet none)
    {
        (Id, Source, Destination, Protocol, Port) = (id, source, destination, protocol, port);
        _source.Processes = _destination.Processes = none;
    }

    /// <summary>Dense, from 0, in order of first sight.</summary>
    public int Id { get; }

    /// <summary>The consumer.</summary>
    public FlowEndpoint Source { get; }

    /// <summary>The provider.</summary>
    public FlowEndpoint Destination { get; }

    /// <summary>IP protocol number.</summary>
    public byte Protocol { get; }

    /// <summary>The provider's port, or the ICMP type.</summary>
    public ushort Port { get; }

    /// <summary>First activity ever; Unix milliseconds.</summary>
    public long FirstSeen { get; internal set; } = long.MaxValue;

    /// <summary>Last activity ever; Unix milliseconds.</summary>
    public long LastSeen { get; internal set; }

    /// <summary>Whether an end is link-local, multicast, broadcast or unspecified.</summary>
    public bool IsNoise => Source.IsNoise || Destination.IsNoise;

    /// <summary>Connections open at the last report; the consumer's word before the provider's.</summary>
    public int Open => _source.OpenAt > 0 ? _source.Open : _destination.Open;

    /// <summary>Whether the state on disk is older.</summary>
    internal bool Dirty { get; set; }

    /// <summary>What one end's agent reported.</summary>
    public ref readonly SideState At(FlowSide side) => ref Mutable(side);

    /// <summary>Takes in a sighting. Apart from the open connections, which are not stored, taking it in again changes nothing.</summary>
    internal void Observe(in Sighting sighting, KnownProcess? process, long window)
    {
        FirstSeen = Math.Min(FirstSeen, sighting.First);
        LastSeen = Math.Max(LastSeen, sighting.Last);
        ref var side = ref Mutable(sighting.Side);
        if (process is not null)
        {
            side.Processes = side.Processes.With(process);
        }

        if (sighting.Blocked)
        {
            if (sighting.DecidedBy != BlockedBy.Invalid && sighting.Last >= side.LastBlocked)
            {
                side.BlockedBy = sighting.DecidedBy;
                side.LastBlocked = sighting.Last;
            }
        }
        else if (sighting.Connections > 0)
        {
            // The first activity: what trails behind a connection that has since been cut is no newer attempt.
            side.LastPassed = Math.Max(side.LastPassed, sighting.First);
        }

        if (window >= side.OpenAt)
        {
            side.Open = sighting.Open + (window == side.OpenAt ? side.Open : 0);
            side.OpenAt = window;
        }
    }

    /// <summary>Sets what was stored of one end.</summary>
    internal void Restore(FlowSide side, SideState state) => Mutable(side) = state;

    private ref SideState Mutable(FlowSide side) => ref side == FlowSide.Source ? ref _source : ref _destination;
}

/// <summary>What one end's agent reported of an edge. Times are Unix milliseconds; 0 for never.</summary>
public struct SideState
{
    /// <summary>When a connection that passed began.</summary>
    public long LastPassed { get; internal set; }

    /// <summary>When an attempt was last blocked.</summary>
    public long LastBlocked { get; internal set; }

    /// <summary>What blocked it: a rule id, or one of <see cref="Flows.BlockedBy"/>.</summary>
    public long BlockedBy { get; internal set; }

    /// <summary>Connections open at the end of the window <see cref="OpenAt"/>.</summary>
    public int Open { get; internal set; }

    /// <summary>Start of the last reported window.</summary>
    public long OpenAt { get; internal set; }

    /// <summary>The processes seen at this end.</summary>
    public ProcessSet Processes { get; internal set; }

    /// <summary>Whether the newest attempt was blocked here.</summary>
    public readonly bool IsBlocked => LastBlocked > 0 && LastBlocked >= LastPassed;
}
