using Bulkhead.Bench.Load;

namespace Bulkhead.Bench.Dataplane;

/// <summary>
/// The traffic of a policy with so many entries: entry i lets one client address reach one server address on one of ten ports. Addresses are
/// odd, so that no two of them join into a prefix.
/// </summary>
internal sealed class Traffic
{
    /// <summary>Where client addresses lie.</summary>
    public const string ClientNetwork = "10.77.0.0/16";

    /// <summary>Where server addresses lie.</summary>
    public const string ServerNetwork = "10.78.0.0/16";

    private const uint FirstClient = (10 << 24) | (77 << 16) | 1;
    private const uint FirstServer = (10 << 24) | (78 << 16) | 1;
    private const int PortCount = 10;
    private const int FirstPort = 7001;

    private uint _next;

    /// <summary>The traffic of that many entries, a multiple of ten.</summary>
    public Traffic(int entries)
    {
        Routes = [.. Enumerable.Range(0, entries).Select(i => new Route(FirstClient + (2 * (uint)i), FirstServer + (2 * (uint)i), (ushort)(FirstPort + (i % PortCount))))];
        Ports = [.. Enumerable.Range(FirstPort, PortCount).Select(port => (ushort)port)];
    }

    /// <summary>Each entry's connection.</summary>
    public IReadOnlyList<Route> Routes { get; }

    /// <summary>The route after the one that was asked for last, by any thread; so all of them are used alike, however short a sample is.</summary>
    public Route Next() => Routes[(int)(Interlocked.Increment(ref _next) % (uint)Routes.Count)];

    /// <summary>The ports that are served.</summary>
    public IReadOnlyList<ushort> Ports { get; }

    /// <summary>A connection that no entry allows, though its addresses and its port stand in some.</summary>
    public Route Forbidden => Routes[0] with { Port = Routes[1].Port };
}
