using Bulkhead.Bench.Harness;
using Bulkhead.Bench.Load;
using Bulkhead.Enforcement.Plan;
using Bulkhead.Enforcement.Render;

namespace Bulkhead.Bench.Dataplane;

/// <summary>
/// What enforcement costs the traffic that it lets pass. Each case has a veth pair of its own with its rules loaded once at both ends, so that
/// cases can be sampled in any order. A part (<c>--part connections</c>, <c>packets</c>, <c>bytes</c> or <c>connect</c>) is one kind of traffic, for the cases
/// that the bounds are about.
/// </summary>
internal static class DataplaneBenchmark
{
    private const string None = "none";
    private const string Conntrack = "conntrack";
    private const string Agent = "bulkhead_agent_10000";
    private const string Owners = "bulkhead_agent_owners_10000";

    private static readonly Func<Sample, double> ByTime = sample => sample.PerSecond;
    private static readonly Func<Sample, double> ByProcessor = sample => sample.PerProcessorSecond;

    private static readonly int[] Sizes = [10, 1000, 10_000];

    /// <summary>The benchmark.</summary>
    public static Benchmark Benchmark { get; } =
        new("dataplane", "What does enforcement cost the traffic that it lets pass?", RunAsync);

    private static Task RunAsync(BenchmarkRun run) => Company.UseAsync(run, AgentPair.Lab, async (stage, rest) =>
    {
        await using var namespaces = await NamedNamespaces.CreateAsync(run.Cancel);
        var cases = new Dictionary<string, Case>();
        foreach (var (name, traffic, rules) in Plans().Where(plan => run.Part is null || plan.Name is None or Conntrack || plan.Name == Bulkhead(Sizes[^1])))
        {
            run.Progress($"preparing {name}");
            var client = await namespaces.AddAsync($"{name}-c", run.Cancel);
            var pair = await VethPair.JoinAsync(client, await namespaces.AddAsync($"{name}-s", run.Cancel), run.Cancel);
            await rules.LoadAsync(pair, run.Cancel);
            cases.Add(name, new(pair, traffic, name is not None and not Conntrack, []));
        }

        run.Progress($"preparing {Agent}");
        var most = new Traffic(Sizes[^1]);
        var agents = await AgentPair.PrepareAsync(stage, rest, most, run.Cancel);
        cases.Add(Agent, new(agents.Pair, most, Enforces: true, agents.Agents));

        run.Progress($"preparing {Owners}");
        await using var owners = await OwnerPair.PrepareAsync(namespaces, most, run.Cancel);
        cases.Add(Owners, new(owners.Pair, most, Enforces: true, owners.Agents, owners.Cgroup));
        Measure(run, cases);
        if (Has(run, "connect"))
        {
            run.Progress("connect() with and without the eBPF programs");
            var (cost, overhead) = ConnectCost.Measure(owners, most.Routes[0], run.IsQuick ? 21 : 201, run.Cancel);
            run.Report.Add("connect_overhead_ns", overhead);
            run.Report.Add("connect_ns_without", cost.Outside);
            run.Report.Add("connect_ns_with", cost.Inside);
        }
    });

    private static bool Has(BenchmarkRun run, string part) => run.Part is null || run.Part == part;

    private static void Measure(BenchmarkRun run, Dictionary<string, Case> cases)
    {
        foreach (var (name, one) in cases)
        {
            run.Progress($"verifying {name}");
            one.Verify(name);
        }

        var time = new SampleTime(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(400));
        var rounds = run.IsQuick ? 3 : 41;
        run.Report.Add("rounds", rounds);
        run.Report.Add("quick", run.IsQuick);

        Rounds Sample(string what, IEnumerable<string> names, Func<Case, Sample> sample)
        {
            run.Progress(what);
            return Rounds.Run([.. names], rounds, name => cases[name].Take(sample), run.Progress);
        }

        string[] byHand = [.. cases.Keys.Where(name => name.Contains("rule_per_peer", StringComparison.Ordinal))];
        string[] heavy = [None, Conntrack, Bulkhead(10_000), Agent, Owners];
        var agentShares = new List<double>();
        Sample Connections(Case one)
        {
            var (start, before) = (TimeProvider.System.GetTimestamp(), one.Agents.Sum(ProcessUsage.ProcessorSeconds));
            var rate = ConnectionLoad.Measure(one, time, run.Cancel);
            if (one.Agents.Count > 0)
            {
                agentShares.Add((one.Agents.Sum(ProcessUsage.ProcessorSeconds) - before) / TimeProvider.System.GetElapsedTime(start).TotalSeconds / one.Agents.Count * 100);
            }

            return rate;
        }

        if (Has(run, "connections"))
        {
            var connections = Sample("TCP connections per second", cases.Keys.Except(byHand), Connections);
            AddRatios(run.Report, "conn", connections);
            AddMedians(run.Report, "connections_per_second", connections);
            run.Report.Add("agent_cpu_percent_of_core_loaded", Statistics.Median(agentShares));
            if (run.Part is null)
            {
                run.Report.Add("flatness", connections.Ratio(Bulkhead(10_000), Bulkhead(10), ByTime));
                run.Report.Add("flatness_per_cpu", connections.Ratio(Bulkhead(10_000), Bulkhead(10), ByProcessor));
                var connectionsByHand = Sample("TCP connections per second, rules by hand", [None, Conntrack, .. byHand], Connections);
                AddRatios(run.Report, "conn", connectionsByHand, byHand);
                AddMedians(run.Report, "connections_per_second", connectionsByHand, byHand);
            }
        }

        if (Has(run, "packets"))
        {
            var packets = Sample("UDP packets per second, flows answered once", heavy, one => PacketLoad.Measure(one, answered: true, time, run.Cancel));
            var oneWay = Sample("UDP packets per second, flows never answered", heavy, one => PacketLoad.Measure(one, answered: false, time, run.Cancel));
            AddRatios(run.Report, "pps", packets);
            AddRatios(run.Report, "pps_one_way", oneWay);
            AddMedians(run.Report, "packets_per_second", packets);
            AddMedians(run.Report, "packets_per_second_one_way", oneWay);
        }

        if (Has(run, "bytes"))
        {
            var bytes = Sample("TCP bytes per second", heavy, one => ThroughputLoad.Measure(one, time, run.Cancel));
            AddRatios(run.Report, "throughput", bytes);
            AddMedians(run.Report, "bytes_per_second", bytes);
        }
    }

    /// <summary>
    /// Each case against conntrack only, and against no firewall, by time and by processor time: <c>conn_ratio_10000</c>,
    /// <c>conn_ratio_none_10000</c>, <c>conn_per_cpu_ratio_10000</c>, <c>conn_per_cpu_ratio_none_10000</c>.
    /// </summary>
    private static void AddRatios(Report report, string figure, Rounds rounds, IEnumerable<string>? only = null)
    {
        foreach (var (by, value) in new[] { ("ratio", ByTime), ("per_cpu_ratio", ByProcessor) })
        {
            foreach (var name in (only ?? rounds.Cases).Where(name => name is not None and not Conntrack))
            {
                var suffix = name.Replace("bulkhead_", "", StringComparison.Ordinal);
                report.Add($"{figure}_{by}_{suffix}", rounds.Ratio(name, Conntrack, value));
                report.Add($"{figure}_{by}_none_{suffix}", rounds.Ratio(name, None, value));
            }

            if (only is null)
            {
                report.Add($"{figure}_{by}_none_conntrack", rounds.Ratio(Conntrack, None, value));
            }
        }
    }

    private static void AddMedians(Report report, string figure, Rounds rounds, IEnumerable<string>? only = null)
    {
        foreach (var name in only ?? rounds.Cases)
        {
            report.Add($"{figure}_{name}", rounds.Median(name));
        }
    }

    private static string Bulkhead(int entries) => $"bulkhead_{entries}";

    private static readonly Rules ConntrackOnly = Rules.Nft(_ =>
        """
        table inet conntrack_only {
          chain input { type filter hook input priority 0; policy accept; ct state established,related accept; }
          chain output { type filter hook output priority 0; policy accept; ct state established,related accept; }
        }
        """);

    private static IEnumerable<(string Name, Traffic Traffic, Rules Rules)> Plans()
    {
        var most = new Traffic(Sizes[^1]);
        yield return (None, most, Rules.Nothing);
        yield return (Conntrack, most, ConntrackOnly);
        foreach (var size in Sizes)
        {
            var traffic = new Traffic(size);
            var (client, server) = EntryPolicy.Compile(traffic);
            yield return (Bulkhead(size), traffic, Rules.Nft(atServer => NftScript.Replace(FirewallRenderer.Render(atServer ? server : client, NameLookups.None))));
            yield return ($"nft_rule_per_peer_{size}", traffic, Rules.Nft(atServer => RulePerPeer.Nft(traffic, atServer)));
            yield return ($"iptables_rule_per_peer_{size}", traffic, new Rules(["iptables-legacy-restore"], atServer => RulePerPeer.Iptables(traffic, atServer)));
        }
    }
}
