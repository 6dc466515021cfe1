using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Addresses;
using Google.Protobuf;
using Direction = Bulkhead.Policy.Rules.Direction;

namespace Bulkhead.Agent.Telemetry;

/// <summary>What connections must have in common to be summed up as one flow.</summary>
/// <param name="Direction">Whether the host is the provider or the consumer.</param>
/// <param name="Local">The host's address.</param>
/// <param name="Remote">The other end's.</param>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Port">The provider's port, or the ICMP type.</param>
/// <param name="Process">The host's own process, or null if it is not known.</param>
/// <param name="Blocked">Whether the kernel blocked them.</param>
/// <param name="DecidedBy">As <c>FlowSummary.decided_by</c>.</param>
internal readonly record struct FlowKey(
    Direction Direction, IpAddress Local, IpAddress Remote, byte Protocol, ushort Port, ProcessFacts? Process, bool Blocked = false, long DecidedBy = 0);

/// <summary>The sums of one flow in one window.</summary>
/// <param name="key">What its connections have in common.</param>
/// <param name="window">The number of its window; of none by default.</param>
internal sealed class Flow(FlowKey key, int window = -1)
{
    private Traffic _traffic;
    private ulong _connections;
    private long _first = long.MaxValue;
    private long _last;

    /// <summary>What its connections have in common.</summary>
    public FlowKey Key { get; } = key;

    /// <summary>The number of its window.</summary>
    public int Window { get; } = window;

    /// <summary>Connections still open, as the last dump tells.</summary>
    public uint Open { get; set; }

    /// <summary>Whether it has new connections of whose traffic nothing is known yet.</summary>
    public bool IsUndecided => _connections > 0 && _traffic == default;

    /// <summary>Counts a new connection.</summary>
    public void Connect(long atMs)
    {
        _connections++;
        Seen(atMs);
    }

    /// <summary>Adds what went over its connections, seen from the host.</summary>
    public void Add(Traffic traffic, long atMs)
    {
        _traffic = new(
            _traffic.PacketsOut + traffic.PacketsOut, _traffic.BytesOut + traffic.BytesOut, _traffic.PacketsIn + traffic.PacketsIn, _traffic.BytesIn + traffic.BytesIn);
        Seen(atMs);
    }

    /// <summary>The wire form.</summary>
    /// <param name="process">Index of the process plus one, or 0.</param>
    public FlowSummary ToWire(uint process) => new()
    {
        Direction = Key.Direction == Direction.Inbound ? Contracts.Agent.Direction.Inbound : Contracts.Agent.Direction.Outbound,
        LocalAddress = ByteString.CopyFrom(Key.Local.ToBytes()),
        RemoteAddress = ByteString.CopyFrom(Key.Remote.ToBytes()),
        Protocol = Key.Protocol,
        Port = Key.Port,
        Process = process,
        Outcome = Key.Blocked ? Outcome.Blocked : Outcome.Passed,
        DecidedBy = Key.DecidedBy,
        Connections = _connections,
        BytesOut = _traffic.BytesOut,
        BytesIn = _traffic.BytesIn,
        PacketsOut = _traffic.PacketsOut,
        PacketsIn = _traffic.PacketsIn,
        FirstMs = _first == long.MaxValue ? 0 : _first,
        LastMs = _last,
        Open = Open,
    };

    private void Seen(long atMs)
    {
        _first = Math.Min(_first, atMs);
        _last = Math.Max(_last, atMs);
    }
}
