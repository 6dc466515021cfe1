using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Agent.Telemetry;

/// <summary>A connection. Most are what their flow is, and a port; what was translated is kept beside.</summary>
internal struct LiveConnection(Flow flow, in ConntrackRecord record)
{
    private readonly ushort _consumerPort = record.ConsumerPort;

    /// <summary>The flow that it belongs to.</summary>
    public Flow Flow = flow;
    /// <summary>What of its traffic was told.</summary>
    public Traffic Told;
    /// <summary>The number of the dump that showed it last.</summary>
    public int SeenIn;
    /// <summary>Conntrack's zone.</summary>
    public readonly ushort Zone = record.Zone;
    /// <summary>Whether it has said goodbye.</summary>
    public bool Closed;
    /// <summary>Whether it waits for its process.</summary>
    public bool IsPending;
    /// <summary>Whether its making may have been lost.</summary>
    public bool Unannounced;
    /// <summary>Whether it was not counted when a dump showed it.</summary>
    public bool Uncounted;
    /// <summary>Whether the first dump showed it.</summary>
    public bool IsEarlier;

    /// <summary>The tuple of its first packet, where no address is translated.</summary>
    public readonly FlowTuple Original
    {
        get
        {
            var key = Flow.Key;
            return key.Direction == Direction.Outbound
                ? new(key.Protocol, key.Local, _consumerPort, key.Remote, key.Port)
                : new(key.Protocol, key.Remote, _consumerPort, key.Local, key.Port);
        }
    }
}
