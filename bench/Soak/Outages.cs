using System.Net;

namespace Bulkhead.Bench.Soak;

/// <summary>When servers were down because the run itself stopped them: what needed them then proves nothing.</summary>
internal sealed class Outages
{
    private readonly Lock _lock = new();
    private readonly List<(IPEndPoint Server, long From, long? Until)> _all = [];

    /// <summary>Notes that servers are down until the result is disposed of.</summary>
    public IDisposable Begin(IEnumerable<IPEndPoint> servers)
    {
        IPEndPoint[] down = [.. servers];
        var now = TimeProvider.System.GetTimestamp();
        lock (_lock)
        {
            _all.AddRange(down.Select(server => (server, now, (long?)null)));
        }

        return new Outage(this, down);
    }

    /// <summary>Whether a server was down at any moment since a timestamp.</summary>
    public bool Since(IPEndPoint server, long began)
    {
        lock (_lock)
        {
            return _all.Exists(outage => outage.Server.Equals(server) && (outage.Until is not { } until || until >= began));
        }
    }

    private void End(IPEndPoint[] servers)
    {
        var now = TimeProvider.System.GetTimestamp();
        lock (_lock)
        {
            for (var i = 0; i < _all.Count; i++)
            {
                if (_all[i].Until is null && servers.Contains(_all[i].Server))
                {
                    _all[i] = _all[i] with { Until = now };
                }
            }
        }
    }

    private sealed class Outage(Outages outages, IPEndPoint[] servers) : IDisposable
    {
        public void Dispose() => outages.End(servers);
    }
}
