using System.Diagnostics;
using Bulkhead.Bench.Harness;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Bench.Policy;

/// <summary>
/// Times what follows from one change: of a workload, or of a rule. Each change is applied on top of those before it, and the result is
/// compared with a compile from scratch half-way and at the end, which is not timed.
/// </summary>
internal sealed class ChangeMeasurement
{
    private const int Checkpoints = 2;
    private const int LookedAtEvery = 10;
    private const int HostsCompared = 500;
    private const int SetsCompared = 200;

    private readonly BenchmarkRun _run;
    private readonly Estate _estate;
    private readonly Random _random;
    private readonly WorkloadChanges _changes;
    private readonly RuleEdits _edits;
    private ParsedPolicy _policy;
    private WorkloadIndex _index;
    private CompiledPolicy _compiled;
    private readonly List<double> _hostDeltas = [];
    private int _advanced;

    public ChangeMeasurement(BenchmarkRun run, EstateShape shape)
    {
        (_run, _estate, _random) = (run, Estate.Make(shape), new(shape.Seed + 2));
        (_changes, _edits) = (new(_estate, _random), new(_estate, _random));
        _policy = Estate.Parse(_estate.Document);
        _index = new(_estate.Workloads);
        _compiled = PolicyCompiler.Compile(_policy.Model, _index, Estate.Settings);
    }

    /// <summary>Changes workloads, one at a time; timed from the changed workload to the last of the deltas.</summary>
    public void ChangeWorkloads(int count)
    {
        var latencies = new LatencyTable();
        for (var i = 1; i <= count; i++)
        {
            _run.Cancel.ThrowIfCancellationRequested();
            var change = _changes.Next();
            var start = Stopwatch.GetTimestamp();
            _index = _index.With(change.Changed, change.Removed);
            Advance(latencies, change.Kind, start, listed: false);
            Check(i, count);
        }

        latencies.Report(_run, "relabel", "changes of workloads");
    }

    /// <summary>How long making one host's delta took, of all changes so far.</summary>
    public void ReportHostDeltas()
    {
        _run.Progress(FormattableString.Invariant($"  one host's delta: p50 {Statistics.Median(_hostDeltas):F3} ms, p99 {Statistics.Percentile(_hostDeltas, 99):F3} ms"));
        _run.Report.Add("host_delta_p50_ms", Statistics.Median(_hostDeltas));
        _run.Report.Add("host_delta_p99_ms", Statistics.Percentile(_hostDeltas, 99));
    }

    /// <summary>Edits rules, one at a time; timed from the text of the changed ruleset to the list of the hosts that it concerns.</summary>
    public void EditRules(int count)
    {
        var latencies = new LatencyTable();
        for (var i = 1; i <= count; i++)
        {
            _run.Cancel.ThrowIfCancellationRequested();
            var edit = _edits.Next();
            var document = _edits.Now;
            var start = Stopwatch.GetTimestamp();
            _policy = Estate.Parse(document, _policy);
            Advance(latencies, $"{edit.Class}-{edit.Kind}", start, listed: true);
            Check(i, count);
        }

        latencies.Report(_run, "rule_edit", "edits of rules");
    }

    private void Advance(LatencyTable latencies, string kind, long start, bool listed)
    {
        var (after, delta) = _compiled.Advance(_policy.Model, _index, Estate.Settings);
        var told = Engine.Enumerate(after, delta) + (listed ? delta.Hosts.Count : 0);
        latencies.Add(kind, Stopwatch.GetElapsedTime(start), told);
        if (_advanced++ % LookedAtEvery == 0)
        {
            latencies.AddListing(delta.Hosts.Count, Stopwatch.GetElapsedTime(start));
            TimeHostDelta(delta);
        }

        _compiled = after;
    }

    /// <summary>What one of the hosts is told, which is made when it is sent.</summary>
    private void TimeHostDelta(PolicyDelta delta)
    {
        if (delta.Hosts.Count > 0)
        {
            var host = delta.Hosts[_random.Next(delta.Hosts.Count)];
            var start = Stopwatch.GetTimestamp();
            delta.For(host);
            _hostDeltas.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
    }

    /// <summary>The digests must be equal, and so must the policies of some hosts, which are compared field by field.</summary>
    private void Check(int done, int count)
    {
        if (done != count && done % Math.Max(1, count / Checkpoints) != 0)
        {
            return;
        }

        var (scratch, digest) = Engine.Compile(_policy.Model, _changes.Now);
        if (_compiled.Digest().ToString() != digest)
        {
            throw new BenchException($"after {done} changes the digest is {_compiled.Digest()}, but that of a compile from scratch is {digest}");
        }

        var sets = new Dictionary<string, (PeerSet Incremental, PeerSet Scratch)>(StringComparer.Ordinal);
        for (var i = 0; i < HostsCompared; i++)
        {
            var host = _changes.Now[_random.Next(_changes.Now.Count)];
            var (incremental, other) = (_compiled.Hosts[host.Id], scratch.Hosts[host.Id]);
            if (incremental != other)
            {
                throw new BenchException($"after {done} changes the policy of {host.Name} is not that of a compile from scratch, though the digests are equal");
            }

            foreach (var (set, twin) in incremental.PeerSets.Zip(other.PeerSets))
            {
                sets[set.Name] = (set, twin);
            }
        }

        // Peer sets are equal if their digests are; so some are compared member by member.
        foreach (var (name, (set, twin)) in sets.OrderBy(pair => pair.Key, StringComparer.Ordinal).Take(SetsCompared))
        {
            if (set.Members != twin.Members)
            {
                throw new BenchException($"after {done} changes the peer set {name} has other members than in a compile from scratch, though the digests are equal");
            }
        }
    }
}
