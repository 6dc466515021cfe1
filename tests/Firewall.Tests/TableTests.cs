using System.Diagnostics;
using System.Text.RegularExpressions;
using System.Threading.Channels;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Plan;
using Bulkhead.Enforcement.Render;
using Bulkhead.Enforcement.Tests;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using FsCheck.Fluent;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>Our table in the real kernel: what goes in, who else touches it, and that nobody else's is touched.</summary>
public partial class TableTests
{
    private const string Foreign = "table ip others {\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.9 }\n\t}\n\n\tchain c {\n\t\tip saddr @s counter drop\n\t}\n}\n";

    public static TheoryData<string, string> Neighbours => new()
    {
        { "a hand-written table", Foreign },
        {
            "docker",
            """
            table ip nat {
              chain DOCKER { iifname "docker0" counter return; tcp dport 8080 counter dnat to 172.17.0.2:80; }
              chain PREROUTING { type nat hook prerouting priority dstnat; policy accept; fib daddr type local counter jump DOCKER; }
              chain POSTROUTING { type nat hook postrouting priority srcnat; policy accept; ip saddr 172.17.0.0/16 oifname != "docker0" counter masquerade; }
            }
            table ip filter {
              chain DOCKER-USER { counter return; }
              chain FORWARD { type filter hook forward priority filter; policy drop; counter jump DOCKER-USER; oifname "docker0" ct state related,established counter accept; }
            }

            """
        },
        {
            "firewalld",
            """
            table inet firewalld {
              set trusted { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.0.0/16 }; }
              chain filter_IN_public { tcp dport 22 ct state { new, untracked } accept; }
              chain filter_INPUT {
                type filter hook input priority filter + 10; policy accept;
                ct state { established, related } accept
                iifname "lo" accept
                ip saddr @trusted accept
                jump filter_IN_public
                ct state invalid drop
                reject with icmpx type admin-prohibited
              }
            }

            """
        },
    };

    [Fact]
    public void The_kernel_holds_after_a_difference_what_it_holds_after_a_replacement()
    {
        using var stepwise = NetworkNamespace.Create();
        using var whole = NetworkNamespace.Create();
        FirewallDocument? before = null;
        foreach (var policy in Policies.Any.Sample(60, 40))
        {
            var document = FirewallRenderer.Render(policy, NameLookups.None);
            var plan = FirewallPlan.Diff(before, document);
            if (!plan.IsEmpty)
            {
                stepwise.Nft(plan.Script);
            }

            whole.Nft(NftScript.Replace(document));
            Assert.Equal(Listing(whole), Listing(stepwise));
            before = document;
        }
    }

    [Fact]
    public void The_real_nft_loads_every_golden_file()
    {
        var files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Golden"), "*.nft", SearchOption.AllDirectories);
        Assert.Contains(files, file => Path.GetFileName(Path.GetDirectoryName(file)) == "ring-fence");
        using var host = NetworkNamespace.Create();
        foreach (var file in files)
        {
            host.Nft(File.ReadAllText(file));
            Assert.Contains("chain input", Listing(host), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_firewall_stays_in_the_namespace_in_which_it_was_opened_whoever_calls()
    {
        await using var bench = new Bench();
        var here = await ListTablesAsync();
        Assert.True((await bench.Driver.ApplyAsync(Web("10.77.0.2"), replace: true, CancellationToken.None)).Ok);
        Assert.Contains("table inet bulkhead", bench.Host.Run("nft", "list", "tables"), StringComparison.Ordinal);
        Assert.Equal(here, await ListTablesAsync());

        static async Task<string> ListTablesAsync()
        {
            using var nft = Process.Start(new ProcessStartInfo("nft", ["list", "tables"]) { RedirectStandardOutput = true })!;
            return await nft.StandardOutput.ReadToEndAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Neighbours))]
    public async Task Others_tables_are_left_alone(string name, string script)
    {
        await using var bench = new Bench();
        bench.Host.Nft(script);
        var before = bench.Host.Run("nft", "-s", "list", "ruleset");
        Assert.Contains("table ", before, StringComparison.Ordinal);
        await bench.ApplyAsync(Web("10.77.0.2"));
        await bench.ApplyAsync(Web("10.77.0.3"));
        await bench.ApplyAsync(Web("10.77.0.3", "10.77.1.0/24"));
        await bench.ApplyAsync(Web("10.77.0.3", "10.77.2.0/24"));
        bench.Host.Nft("delete table inet bulkhead\n");
        Assert.Equal(["the table was deleted"], (await bench.ApplyAsync(Web("10.77.0.4", "10.77.2.0/24"))).Undone);
        await bench.ApplyAsync(Web("10.77.0.3"), replace: true);
        Assert.True((await bench.Host.Inside(() => bench.Driver.RemoveAsync(CancellationToken.None))).Ok);
        Assert.True(before == bench.Host.Run("nft", "-s", "list", "ruleset"), $"what {name} has is another");
    }

    [Theory]
    [InlineData("delete table inet bulkhead\n")]
    [InlineData("flush ruleset\n")]
    [InlineData("insert rule inet bulkhead input accept\n")]
    [InlineData("flush chain inet bulkhead in_tcp\n")]
    [InlineData("add element inet bulkhead peers_s0_v4 { 10.9.9.9 }\n")]
    public async Task Whoever_changes_our_table_is_noticed_named_and_undone(string change)
    {
        await using var bench = new Bench();
        var tampered = Channel.CreateUnbounded<string>();
        using var watch = bench.Host.Inside(() => bench.Driver.Watch(by => tampered.Writer.TryWrite(by), () => tampered.Writer.TryWrite("lost")));
        await bench.ApplyAsync(Web("10.77.0.2"));
        await bench.ApplyAsync(Web("10.77.0.2", "10.77.0.3"));
        var right = Listing(bench.Host);
        bench.Host.Nft(change);

        using var deadline = new CancellationTokenSource(Bench.Deadline);
        Assert.StartsWith("nft (process ", await tampered.Reader.ReadAsync(deadline.Token), StringComparison.Ordinal);
        await bench.ApplyAsync(Web("10.77.0.2", "10.77.0.3"), replace: true);

        Assert.Equal(right, Listing(bench.Host));
        bench.Host.Nft(Foreign);
        bench.Host.Nft("delete table ip others\nadd table inet bulkhead2\n");
        bench.Host.Nft("add chain inet bulkhead another\n");
        await tampered.Reader.ReadAsync(deadline.Token);
        Assert.False(tampered.Reader.TryRead(out var more), more);
    }

    [Fact]
    public async Task What_others_changed_before_a_change_of_ours_is_told_undone_and_never_built_upon()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Web("10.77.0.2", "10.77.0.3"));
        bench.Host.Nft("delete element inet bulkhead peers_s0_v4 { 10.77.0.3 }\nadd element inet bulkhead peers_s0_v4 { 10.9.9.9 }\n");

        var outcome = await bench.ApplyAsync(Web("10.77.0.2", "10.77.0.4"));

        Assert.Equal(["set peers_s0_v4: 1 element added: 10.9.9.9", "set peers_s0_v4: 1 element deleted: 10.77.0.3"], outcome.Undone);
        Assert.DoesNotContain("10.9.9.9", Listing(bench.Host), StringComparison.Ordinal);
        Assert.Contains("10.77.0.4", Listing(bench.Host), StringComparison.Ordinal);
        Assert.Empty((await bench.ApplyAsync(Web("10.77.0.2"))).Undone);
    }

    [Fact]
    public async Task Rules_of_others_before_a_change_of_ours_are_told_undone_and_never_built_upon()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Web("10.77.0.2"));
        bench.Host.Nft("insert rule inet bulkhead input accept\n");
        var other = Make(new(EnforcementMode.Full, default), [Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(80))], Hosts("10.77.0.2"));
        Assert.Equal(["chain input: 1 rule added ('accept')"], (await bench.ApplyAsync(other)).Undone);
        var found = Listing(bench.Host);
        await bench.ApplyAsync(other, replace: true);
        Assert.Equal(Listing(bench.Host), found);
    }

    [Fact]
    public async Task A_rule_that_took_the_place_of_one_that_looks_like_it_is_noticed()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Web("10.77.0.2"));
        Assert.Empty(await bench.Host.Inside(() => bench.Driver.ExamineAsync(CancellationToken.None)));
        // The kernel names the maps that rules look into, and gives a name again once it is free.
        var rule = RuleWithMap().Matches(bench.Host.Run("nft", "-a", "list", "table", "inet", "bulkhead"))[0];
        var chain = ChainName().Matches(bench.Host.Run("nft", "-a", "list", "table", "inet", "bulkhead")[..rule.Index])[^1].Groups[1].Value;
        bench.Host.Nft($"delete rule inet bulkhead {chain} handle {rule.Groups[2].Value}\n");
        bench.Host.Nft($"add rule inet bulkhead {chain} {rule.Groups[1].Value.Replace("443 :", "22 :", StringComparison.Ordinal)}\n");
        Assert.NotEmpty(await bench.Host.Inside(() => bench.Driver.ExamineAsync(CancellationToken.None)));
    }

    [GeneratedRegex("\\n\\t\\t(t(?:cp|h) dport vmap \\{[^}]*\\}) # handle ([0-9]+)")]
    private static partial Regex RuleWithMap();

    [GeneratedRegex("\\n\\tchain ([a-z0-9_]+) \\{")]
    private static partial Regex ChainName();

    [Fact]
    public async Task A_child_killed_before_its_transaction_changes_nothing_and_a_fresh_agent_takes_over()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Web("10.77.0.2"));
        var before = Listing(bench.Host);
        using var nft = bench.Host.Inside(() => Process.Start(new ProcessStartInfo("nft", ["-f", "-"]) { RedirectStandardInput = true })!);
        await nft.StandardInput.WriteAsync(NftScript.Remove());
        await nft.StandardInput.FlushAsync();
        nft.Kill();
        await nft.WaitForExitAsync();
        Assert.Equal(before, Listing(bench.Host));

        using var fresh = bench.Host.Inside(() => Agent.Linux.Firewall.FirewallDriver.Open(() => NameLookups.None));
        var outcome = await bench.Host.Inside(() => fresh.ApplyAsync(Web("10.77.0.2"), false, CancellationToken.None));
        Assert.True(outcome.Ok, outcome.Error);
        Assert.Equal(before, Listing(bench.Host));
    }

    private static HostPolicy Web(params string[] hosts) =>
        Make(new(EnforcementMode.Full, default), [Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(443))], Hosts(hosts));

    /// <summary>The table as the kernel holds it, its chains and sets in the order of their text.</summary>
    internal static string Listing(NetworkNamespace host) => string.Join(
        "\n",
        BeginningOfPart().Split(host.Run("nft", "-s", "list", "table", "inet", "bulkhead")).Select(part => part.Trim(' ', '\t', '\n', '}')).Order(StringComparer.Ordinal));

    [GeneratedRegex("(?=^\t(?:set|chain|ct) )", RegexOptions.Multiline)]
    private static partial Regex BeginningOfPart();
}
