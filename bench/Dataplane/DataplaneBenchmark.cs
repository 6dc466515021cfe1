using Bulkhead.Bench.Harness;
using Bulkhead.Bench.Load;
using Bulkhead.Enforcement.Plan;
using Bulkhead.Enforcement.Render;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Dataplane;

/// <summary>
/// What enforcement costs the traffic that it lets pass. Each case has a veth pair of its own with its rules loaded once at both ends, so that
/// cases can be sampled in any order.
/// </summary>
internal static class DataplaneBenchmark
{
    private const string None = "none";
    private const string Conntrack = "conntrack";
    private const string Agent = "bulkhead_agent_10000";

    private static readonly int[] Sizes = [10, 1000, 10_000];

    /// <summary>The benchmark.</summary>
    public static Benchmark Benchmark { get; } =
        new("dataplane", "What does enforcement cost the traffic that it lets pass?", RunAsync);

    private static async Task RunAsync(BenchmarkRun run)
    {
        await using var namespaces = await NamedNamespaces.CreateAsync(run.Cancel);
        var cases = new Dictionary<string, Case>();
        foreach (var (name, traffic, rules) in Plans())
        {
            run.Progress($"preparing {name}");
            var client = await namespaces.AddAsync($"{name}-c", run.Cancel);
            var pair = await VethPair.JoinAsync(client, await namespaces.AddAsync($"{name}-s", run.Cancel), run.Cancel);
            await rules.LoadAsync(pair, run.Cancel);
            cases.Add(name, new(pair, traffic, rules != Rules.Nothing && rules != ConntrackOnly));
        }

        await MeasureAsync(run, cases);
    }

    private static async Task MeasureAsync(BenchmarkRun run, Dictionary<string, Case> cases)
    {
        foreach (var (name, one) in cases)
        {
            one.Verify(name);
        }

        var rounds = run.IsQuick ? 3 : 21;
        var second = new SampleTime(TimeSpan.FromMilliseconds(150), TimeSpan.FromMilliseconds(run.IsQuick ? 400 : 1000));
        var half = new SampleTime(TimeSpan.FromMilliseconds(150), TimeSpan.FromMilliseconds(run.IsQuick ? 300 : 500));
        run.Report.Add("rounds", rounds);
        run.Report.Add("quick", run.IsQuick);

        string[] heavy = [None, Conntrack, Bulkhead(10_000), .. cases.ContainsKey(Agent) ? [Agent] : Array.Empty<string>()];
        run.Progress("TCP connections per second");
        var connections = await Rounds.RunAsync([.. cases.Keys], rounds, name => ConnectionLoad.MeasureAsync(cases[name].Pair, cases[name].Traffic, second, run.Cancel), run.Progress);
        run.Progress("UDP packets per second, flows answered once");
        var packets = await Rounds.RunAsync(heavy, rounds, name => PacketLoad.MeasureAsync(cases[name].Pair, cases[name].Traffic, answered: true, half, run.Cancel), run.Progress);
        run.Progress("UDP packets per second, flows never answered");
        var oneWay = await Rounds.RunAsync(heavy, rounds, name => PacketLoad.MeasureAsync(cases[name].Pair, cases[name].Traffic, answered: false, half, run.Cancel), run.Progress);
        run.Progress("TCP bytes per second");
        var bytes = await Rounds.RunAsync(heavy, rounds, name => ThroughputLoad.MeasureAsync(cases[name].Pair, cases[name].Traffic, half, run.Cancel), run.Progress);

        AddRatios(run.Report, "conn", connections, cases.Keys);
        run.Report.Add("flatness", connections.Ratio(Bulkhead(10_000), Bulkhead(10)));
        AddRatios(run.Report, "pps", packets, heavy);
        AddRatios(run.Report, "pps_one_way", oneWay, heavy);
        AddRatios(run.Report, "throughput", bytes, heavy);
        foreach (var name in cases.Keys)
        {
            run.Report.Add($"conn_per_second_{name}", connections.Median(name));
        }

        foreach (var name in heavy)
        {
            run.Report.Add($"packets_per_second_{name}", packets.Median(name));
            run.Report.Add($"bytes_per_second_{name}", bytes.Median(name));
        }
    }

    /// <summary>Each case against conntrack only, and against no firewall: <c>conn_ratio_10000</c>, <c>conn_ratio_none_10000</c>, and so on.</summary>
    private static void AddRatios(Report report, string what, Rounds rounds, IEnumerable<string> cases)
    {
        foreach (var name in cases.Where(name => name is not None and not Conntrack))
        {
            var suffix = name.Replace("bulkhead_", "", StringComparison.Ordinal);
            report.Add($"{what}_ratio_{suffix}", rounds.Ratio(name, Conntrack));
            report.Add($"{what}_ratio_none_{suffix}", rounds.Ratio(name, None));
        }

        report.Add($"{what}_ratio_none_conntrack", rounds.Ratio(Conntrack, None));
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
