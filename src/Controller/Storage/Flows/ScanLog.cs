namespace Bulkhead.Controller.Storage.Flows;

/// <summary>The newest scans, those of one source that follow each other taken together. Bounded. Not thread-safe.</summary>
internal sealed class ScanLog
{
    /// <summary>The most scans that are kept.</summary>
    public const int Most = 1000;

    /// <summary>The most samples of a scan.</summary>
    public const int MostSamples = 32;

    private const long LongestPause = 5 * 60_000;

    private readonly List<ScanSighting> _scans = [];

    /// <summary>Takes in what was seen in a window.</summary>
    public void Add(ScanSighting seen)
    {
        var at = _scans.FindLastIndex(scan => IsSame(scan, seen));
        if (at >= 0)
        {
            var merged = Merge(_scans[at], seen);
            _scans.RemoveAt(at);
            _scans.Add(merged);
            return;
        }

        if (_scans.Count >= Most)
        {
            _scans.RemoveAt(0);
        }

        _scans.Add(seen);
    }

    /// <summary>Those of a time, the newest first.</summary>
    public IReadOnlyList<ScanSighting> Between(long since, long until) =>
        [.. _scans.Where(scan => scan.Last >= since && scan.First < until).OrderByDescending(scan => scan.Last)];

    /// <summary>Forgets what is older.</summary>
    public void Drop(long before) => _scans.RemoveAll(scan => scan.Last < before);

    private static bool IsSame(ScanSighting scan, ScanSighting seen) =>
        scan.Agent == seen.Agent && scan.Side == seen.Side && scan.Source == seen.Source && scan.Process == seen.Process
        && seen.First - scan.Last <= LongestPause && scan.First - seen.Last <= LongestPause;

    private static ScanSighting Merge(ScanSighting scan, ScanSighting seen) => scan with
    {
        First = Math.Min(scan.First, seen.First),
        Last = Math.Max(scan.Last, seen.Last),
        Targets = scan.Targets + seen.Targets,
        Addresses = Math.Max(scan.Addresses, seen.Addresses),
        Connections = scan.Connections + seen.Connections,
        Blocked = scan.Blocked + seen.Blocked,
        FirstPort = Math.Min(scan.FirstPort, seen.FirstPort),
        LastPort = Math.Max(scan.LastPort, seen.LastPort),
        Samples = [.. scan.Samples.Union(seen.Samples).Take(MostSamples)],
    };
}
