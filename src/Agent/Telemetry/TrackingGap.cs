namespace Bulkhead.Agent.Telemetry;

/// <summary>
/// A time in which conntrack may see the middle of an exchange first: after it has begun to track, or lost what it knew. What is under way then may
/// show itself by an answer, which conntrack takes for the first packet. Open until it is known whether connections were tracked before. Thread-safe.
/// </summary>
internal sealed class TrackingGap(TimeProvider time)
{
    // What nothing was sent of for that long conntrack would have forgotten in any case (nf_conntrack_udp_timeout): the next packet begins anew.
    private static readonly TimeSpan _length = TimeSpan.FromSeconds(30);

    private long _until = long.MaxValue;

    /// <summary>Whether the first packet that conntrack sees of an exchange may be an answer.</summary>
    public bool IsOpen => time.GetTimestamp() < Volatile.Read(ref _until);

    /// <summary>Connections are tracked from now on that were not, or are not known any more.</summary>
    public void Begin() => Volatile.Write(ref _until, time.GetTimestamp() + (long)(_length.TotalSeconds * time.TimestampFrequency));

    /// <summary>Connections were tracked all along.</summary>
    public void Close() => Volatile.Write(ref _until, long.MinValue);
}
