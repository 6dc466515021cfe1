using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Bulkhead.Agent.State;
using Bulkhead.Agent.Tests.Channel;
using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>What operators ask a host, with the program itself on the real kernel; needs root.</summary>
public sealed class CommandTests : AgentProcessTests
{
    [Fact]
    public async Task Policy_and_explain_say_what_the_kernel_does()
    {
        Assert.Equal(1, Ask("policy", "--state", State).ExitCode);
        Controller.Push(WirePolicies.Policy(2, inbound: Mode.Full, outbound: Mode.Selective).Allowing(17, Direction.Inbound, "s0", 80, $"{TwoHosts.PeerAddress(false)}", "10.9.0.0/16"));
        Start();
        await AppliedAsync(2);

        var (exit, sentences) = Ask("policy", "--state", State);
        Assert.Equal(0, exit);
        Assert.Contains("Inbound is in full: what no rule allows is dropped.", sentences, StringComparison.Ordinal);
        Assert.Contains("rule 17 allows 10.9.0.0/16, 10.78.0.2 to reach tcp/80", sentences, StringComparison.Ordinal);
        Assert.Contains("Always reached: the controller at 10.78.0.2:8444.", sentences, StringComparison.Ordinal);
        Assert.Contains("table inet bulkhead", Ask("policy", "--nft", "--state", State).Output, StringComparison.Ordinal);

        Assert.True(await ReachableAsync());
        Assert.Equal(0, Explain("--from", "10.78.0.2", "--port", "tcp/80").ExitCode);
        Assert.Equal(6, Explain("--from", "10.78.0.3", "--port", "tcp/80").ExitCode);
        Assert.Equal(0, Explain("--to", "10.78.0.3", "--port", "udp/53").ExitCode);
        Assert.Equal(1, Explain("--port", "udp/53").ExitCode);
        var blocked = JsonDocument.Parse(Explain("--from", "10.78.0.2", "--port", "tcp/81", "--output", "json").Output).RootElement;
        Assert.Equal(("block", "default", "full"), (blocked.GetProperty("outcome").GetString(), blocked.GetProperty("by").GetString(), blocked.GetProperty("mode").GetString()));
        Assert.Equal(17, JsonDocument.Parse(Explain("--from", "10.78.0.2", "--port", "tcp/80", "--output", "json").Output).RootElement.GetProperty("rule").GetInt64());
    }

    [Fact]
    public async Task Wait_synced_returns_once_the_controllers_policy_is_in_force_and_known_to_be()
    {
        Assert.Equal(4, Ask("wait-synced", "--state", State, "--timeout", "0").ExitCode);
        Start();
        await Eventually.Holds(() => !Controller.States.IsEmpty, "the agent reports");
        Assert.Equal(4, Ask("wait-synced", "--state", State, "--timeout", "0").ExitCode);
        var waiting = RunAsync("wait-synced", "--state", State);
        Controller.Push(Closed(2));
        Assert.Equal(0, await waiting);
        Assert.Contains(Controller.States, report => report.Applied?.Number == 2);
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task Wait_synced_waits_for_peers_and_says_for_which()
    {
        Controller.Peers = new() { Counted = true, Behind = 2, Names = { "db-1", "db-2" } };
        Controller.Push(Closed(2));
        Start();
        await SaysAsync("2 peers do not enforce a policy yet that knows this host: db-1, db-2");
        Controller.Peers = new();
        await SaysAsync("does not count this host's addresses");
        Controller.Peers = null;
        await SaysAsync("older than this agent");
        var waiting = RunAsync("wait-synced", "--state", State);
        Controller.Peers = new() { Counted = true };
        Assert.Equal(0, await waiting);
        Assert.True(Controller.States.Last().AsksPeers);

        // Other addresses are another question.
        Controller.Peers = new() { Counted = true, Behind = 1, Names = { "db-1" } };
        Hosts.Host.Run("ip", "address", "add", "10.78.0.7/24", "dev", "eth0");
        await SaysAsync("1 peer does not");

        Task SaysAsync(string words) => Eventually.Holds(() => Ask("wait-synced", "--state", State, "--timeout", "0").ExitCode == 4 && Log.Any(line => line.Contains(words, StringComparison.Ordinal)), words);
    }

    [Fact]
    public async Task A_support_bundle_holds_what_helps_and_no_secret()
    {
        Controller.Push(Closed(2));
        Start();
        await AppliedAsync(2);
        await Eventually.Holds(() => File.Exists(Path.Combine(State, "status.json")), "the status is written");
        var bundle = Folder["bundle.tar.gz"];

        Assert.Equal(0, await RunAsync("support-bundle", "--state", State, "--file", bundle));

        Assert.Equal(DurableFile.Private, File.GetUnixFileMode(bundle));
        var files = Unpack(bundle);
        Assert.Contains("table inet bulkhead", files["bulkhead-agent/nft/bulkhead.nft"], StringComparison.Ordinal);
        Assert.Contains("Policy 1.2 of this host", files["bulkhead-agent/policy.txt"], StringComparison.Ordinal);
        Assert.Contains("\"generation\": \"1.2\"", files["bulkhead-agent/status.json"], StringComparison.Ordinal);
        Assert.Contains("[nft-conntrack]", files["bulkhead-agent/check.txt"], StringComparison.Ordinal);

        var identity = Identity.Load(StateDirectory.At(State));
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(identity.Key, out _);
        var secret = key.ExportParameters(includePrivateParameters: true).D!;
        var raw = files.Values.Select(text => Encoding.UTF8.GetBytes(text)).ToList();
        Assert.DoesNotContain(raw, content => content.AsSpan().IndexOf(secret) >= 0);
        var (base64, middle) = (Convert.ToBase64String(identity.Key), Convert.ToBase64String(identity.Key.AsSpan(3..)));
        Assert.DoesNotContain(files.Values, text =>
            text.Contains(base64[20..60], StringComparison.Ordinal) || text.Contains(middle[20..60], StringComparison.Ordinal)
            || text.Contains(Convert.ToHexStringLower(secret), StringComparison.OrdinalIgnoreCase)
            || text.Contains(TestController.Key, StringComparison.Ordinal) || text.Contains("PRIVATE KEY", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Check_finds_this_kernel_fit_and_names_who_else_filters()
    {
        var (exit, output) = Ask("check", "--state", Folder["none"], "--output", "json");
        var quiet = Codes(output);
        Assert.True(exit is 0 or 6, output);
        Assert.All(quiet, finding => Assert.NotEqual("problem", finding.Level));
        Assert.Contains(("neighbours", "ok"), quiet);

        Hosts.Host.Nft("""
            table inet firewalld { chain filter_INPUT { type filter hook input priority filter + 10; policy accept; }; }
            table ip filter {
              chain DOCKER { }
              chain FORWARD { type filter hook forward priority filter; policy drop; }
              chain INPUT { type filter hook input priority filter; policy drop; }
            }
            table inet mine { chain pre { type nat hook prerouting priority dstnat; }; }
            """);
        var before = Hosts.Host.Run("nft", "list", "ruleset");
        (exit, output) = Ask("check", "--state", Folder["none"]);
        Assert.Equal(6, exit);
        Assert.Contains("firewalld (table inet firewalld) filters as well", output, StringComparison.Ordinal);
        Assert.Contains("Docker (table ip filter) drops by default in INPUT (input)", output, StringComparison.Ordinal);
        Assert.Contains("(table inet mine) translates destinations", output, StringComparison.Ordinal);
        Assert.Equal(before, Hosts.Host.Run("nft", "list", "ruleset"));

        Hosts.Host.Nft("table inet bulkhead { chain c { }; }");
        (exit, output) = Ask("check", "--state", Folder["none"]);
        Assert.Equal(4, exit);
        Assert.Contains("[table-taken]", output, StringComparison.Ordinal);

        // What the other firewalls drop stays dropped, the controller's answers among it.
        Hosts.Host.Nft("flush ruleset");
        Controller.Push(Closed(2));
        Start();
        await AppliedAsync(2);
        Assert.DoesNotContain("table-taken", Ask("check", "--state", State).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Completion_is_answered_by_the_program_itself()
    {
        Assert.Contains("complete -o default -F _bulkhead_agent bulkhead-agent", Ask("completion", "bash").Output, StringComparison.Ordinal);
        Assert.Contains("support-bundle", Ask("[suggest:17]", "bulkhead-agent su").Output, StringComparison.Ordinal);
    }

    private static HashSet<(string Code, string Level)> Codes(string json) =>
        [.. JsonDocument.Parse(json).RootElement.EnumerateArray().Select(finding => (finding.GetProperty("code").GetString()!, finding.GetProperty("level").GetString()!))];

    private static Dictionary<string, string> Unpack(string bundle)
    {
        using var unpacked = new GZipStream(File.OpenRead(bundle), CompressionMode.Decompress);
        using var tar = new TarReader(unpacked);
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        while (tar.GetNextEntry(copyData: true) is { } entry)
        {
            using var reader = new StreamReader(entry.DataStream ?? Stream.Null);
            files[entry.Name] = reader.ReadToEnd();
        }

        return files;
    }

    private (int ExitCode, string Output) Explain(params string[] arguments) => Ask(["explain", "--state", State, .. arguments]);
}
