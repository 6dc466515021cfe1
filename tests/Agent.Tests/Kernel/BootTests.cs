using System.Net;
using System.Net.Sockets;
using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;
using Bulkhead.Firewall.Tests;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>What a host does at boot, as far as that can be shown without booting; needs root.</summary>
public sealed class BootTests : AgentProcessTests
{
    [Fact]
    public async Task The_policy_is_in_the_kernel_before_the_first_link_comes_up()
    {
        await HadAsync(Closed(2));
        Hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        Hosts.Host.Run("ip", "link", "set", "eth0", "down");
        Hosts.Host.Run("ip", "link", "set", "lo", "down");
        using var stop = new CancellationTokenSource();
        var passed = Task.Run(() => ConnectAgainAndAgainAsync(stop.Token));

        Assert.Equal(0, await RunAsync("apply", "--state", State));

        Assert.Contains("in_block_default", Table(), StringComparison.Ordinal);
        Assert.DoesNotContain("state UP", Hosts.Host.Run("ip", "link", "show", "eth0"), StringComparison.Ordinal);
        Hosts.Host.Run("ip", "link", "set", "lo", "up");
        Hosts.Host.Run("ip", "link", "set", "eth0", "up");
        await Eventually.Holds(() => Dropped() >= 3, "tries of the peer arrive and are dropped");
        await stop.CancelAsync();
        Assert.Equal(0, await passed);

        Hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        Assert.True(await ReachableAsync());
    }

    [Fact]
    public async Task A_policy_that_the_kernel_refuses_at_boot_shuts_what_was_enforced()
    {
        await HadAsync(Closed(2).Allowing(1, Direction.Inbound, "s0", 80, $"{TwoHosts.PeerAddress(false)}"));
        Assert.True(await ReachableAsync());
        Hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        await RefuseAsync("peers_");

        Assert.Equal(1, await RunAsync("apply", "--state", State));

        await LoggedAsync("only essential and fail-safe connections pass");
        Assert.False(await ReachableAsync());
        ToolFolder = null;
        Start();
        await AppliedAsync(2);
        Assert.True(await ReachableAsync());
    }

    [Fact]
    public async Task A_policy_that_the_kernel_refuses_when_the_agent_starts_or_repairs_shuts_what_was_enforced_until_it_is_taken()
    {
        await HadAsync(Closed(2).Allowing(1, Direction.Inbound, "s0", 80, $"{TwoHosts.PeerAddress(false)}"));
        await ReplaceNftAsync($"if grep -q peers_ $script && ! [ -e {Folder["mended"]} ]; then echo refused >&2; exit 1; fi");

        // What stands is left alone: it is what was last in force.
        Start();
        await ProblemAsync("apply-failed");
        Assert.True(await ReachableAsync());
        Hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        await ShutAsync();
        await File.WriteAllTextAsync(Folder["mended"], "");
        await TakenAsync();

        var agent = Started[^1];
        agent.Kill();
        await agent.WaitForExitAsync();
        File.Delete(Folder["mended"]);
        Hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        Controller.States.Clear();
        Start();
        await ShutAsync();
        await File.WriteAllTextAsync(Folder["mended"], "");
        await TakenAsync();

        Task ProblemAsync(string code) => Eventually.Holds(() => Controller.States.LastOrDefault() is { } report && report.Problems.Any(problem => problem.Code == code), $"{code} is reported");

        async Task ShutAsync()
        {
            await ProblemAsync("enforcement-shut");
            Assert.Equal((null, Mode.Full, Mode.Visibility), (Controller.States.Last().Applied, Controller.States.Last().Inbound, Controller.States.Last().Outbound));
            Assert.False(await ReachableAsync());
        }

        async Task TakenAsync()
        {
            await Eventually.Holds(() => Controller.States.Last() is { Applied.Number: 2 } report && report.Problems.All(problem => problem.Code == "table-tampered"), "it is taken");
            Assert.True(await ReachableAsync());
        }
    }

    [Theory]
    [InlineData("apply")]
    [InlineData("run")]
    public async Task A_damaged_identity_does_not_open_the_host_and_pairing_again_mends_it(string command)
    {
        await HadAsync(Closed(2));
        Hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        await File.WriteAllTextAsync(Path.Combine(State, "identity.json"), "{");
        Assert.NotEqual(0, await RunAsync(command, "--state", State));
        Assert.Contains("in_block_default", Table(), StringComparison.Ordinal);
        Assert.False(await ReachableAsync());
        // It gets as far as asking the controller, instead of saying that the host is paired.
        await File.WriteAllTextAsync(Path.Combine(State, "key"), "secret");
        await RunAsync("pair", "--state", State, "--controller", "https://127.0.0.1:1", "--ca-sha256", new string('0', 64), "--key-file", Path.Combine(State, "key"), "--hardware-uuid", Guid.Empty.ToString());
        Assert.Contains("in_block_default", Table(), StringComparison.Ordinal);
        await LoggedAsync("127.0.0.1:1");
    }

    [Fact]
    public async Task A_host_that_was_opened_stays_open_over_a_boot()
    {
        await HadAsync(Closed(2));
        Assert.Equal(0, await RunAsync("panic", "--state", State, "--reason", "test"));
        Assert.Equal(0, await RunAsync("apply", "--state", State));
        Assert.Empty(Table());
    }

    [Fact]
    public async Task Installed_units_are_right_for_systemd_and_uninstalling_leaves_nothing()
    {
        RunOwnCopy();
        var root = Folder["root"];
        Directory.CreateDirectory(Path.Combine(root, "etc/systemd/system/sysinit.target.wants"));
        Assert.Equal(0, await RunAsync("install", "--state", State, "--root", root));
        var units = Path.Combine(root, "etc/systemd/system");
        foreach (var unit in (string[])["bulkhead-agent-early.service", "bulkhead-agent.service"])
        {
            var file = Path.Combine(units, unit);
            Assert.Equal("", Hosts.Host.Run("sh", "-c", $"systemd-analyze verify --man=no --recursive-errors=no {file} 2>&1"));
        }

        Assert.True(File.Exists(Path.Combine(units, "sysinit.target.wants/bulkhead-agent-early.service")));
        Assert.True(File.Exists(Path.Combine(units, "multi-user.target.wants/bulkhead-agent.service")));
        var early = await File.ReadAllTextAsync(Path.Combine(units, "bulkhead-agent-early.service"));
        Assert.Contains("Before=network-pre.target", early, StringComparison.Ordinal);
        Assert.Contains("Wants=network-pre.target", early, StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync("install", "--state", State, "--root", root));

        Hosts.Host.Run("sysctl", "-w", "net.netfilter.nf_conntrack_acct=1");
        Assert.Equal(0, await RunAsync("uninstall", "--state", State, "--root", root));
        Assert.Empty(Directory.GetFiles(root, "*", SearchOption.AllDirectories));
        Assert.False(Directory.Exists(State));
        Assert.Equal("0", Hosts.Host.Run("sysctl", "-n", "net.netfilter.nf_conntrack_acct").Trim());
    }

    [Fact]
    public async Task Uninstalling_leaves_the_machine_byte_for_byte_as_it_was()
    {
        RunOwnCopy();
        using var cgroup = new TestCgroup();
        var units = Folder["root/etc/systemd/system"];
        foreach (var folder in (string[])["sysinit.target.wants", "multi-user.target.wants"])
        {
            Directory.CreateDirectory(Path.Combine(units, folder));
            File.CreateSymbolicLink(Path.Combine(units, folder, "other.service"), "../other.service");
        }

        await File.WriteAllTextAsync(Path.Combine(units, "other.service"), "[Service]\nExecStart=/bin/true\n");
        Hosts.Host.Nft("table ip others { set s { type ipv4_addr; elements = { 10.0.0.9 }; }; chain c { type filter hook input priority 0; ip saddr @s drop; }; }");
        Hosts.Host.Run("sysctl", "-w", "net.netfilter.nf_conntrack_acct=0");
        var before = Machine();
        Assert.Equal(0, await RunAsync("install", "--state", State, "--root", Folder["root"]));
        var policy = Closed(2).Allowing(1, Direction.Inbound, "s0", 80, $"{TwoHosts.PeerAddress(false)}");
        policy.Entries[0].ProcessPath = "/usr/sbin/nginx";
        policy.RequiredFeatures.Add("process-inbound-1");
        Controller.Push(policy);
        var agent = Start("--cgroup", cgroup.Name);
        await AppliedAsync(2);
        foreach (var (part, (was, now)) in before.Zip(Machine(), (was, now) => (was.Key, (was.Value, now.Value))))
        {
            Assert.True(was != now, $"{part} did not change");
        }

        agent.Kill();
        await agent.WaitForExitAsync();
        Assert.Equal(0, await RunAsync("uninstall", "--state", State, "--root", Folder["root"]));

        foreach (var (part, now) in Machine())
        {
            Assert.Equal((part, before[part]), (part, now));
        }

        Assert.False(Directory.Exists(State));

        SortedDictionary<string, string> Machine() => new(StringComparer.Ordinal)
        {
            ["files"] = Hosts.Host.Run("sh", "-c", $"cd {Folder["root"]} && find . -printf '%p %y %m %U %G %l\n' | sort && find . -type f -exec sha256sum {{}} + | sort -k2"),
            ["nftables"] = Hosts.Host.Run("nft", "-s", "list", "ruleset"),
            ["programs"] = Programs(cgroup),
            ["settings"] = Hosts.Host.Run("sh", "-c", "cat /proc/sys/net/netfilter/nf_conntrack_acct /proc/sys/net/netfilter/nf_conntrack_events /proc/sys/net/netfilter/nf_conntrack_tcp_loose"),
        };
    }

    [Fact]
    public async Task The_agent_needs_no_capability_that_its_unit_does_not_give_it()
    {
        RunOwnCopy();
        Assert.Equal(0, await RunAsync("install", "--state", State, "--root", Folder["root"]));
        var unit = await File.ReadAllLinesAsync(Folder["root/etc/systemd/system/bulkhead-agent.service"]);
        var given = unit.Single(line => line.StartsWith("CapabilityBoundingSet=", StringComparison.Ordinal)).Split('=')[1].Split(' ').Select(name => name.ToLowerInvariant().Replace("cap_", "+", StringComparison.Ordinal));
        Prefix = ["setpriv", "--no-new-privs", "--inh-caps=-all", $"--bounding-set=-all,{string.Join(',', given)}"];
        var older = await Hosts.DialAsync(Hosts.Peer, Web);
        Controller.Push(Closed(2));

        Start();

        await AppliedAsync(2);
        Assert.Empty(Controller.States.Last().Problems);
        await Eventually.Holds(() => Controller.States.Last().Listeners.Any(listener => listener.Port == 80 && listener.Process > 0), "the listener is told, with its process");
        Assert.False(await ReachableAsync());
        await Eventually.Holds(() => older.Poll(0, SelectMode.SelectRead), "the forbidden connection was ended");
        Assert.Equal(0, await RunAsync("panic", "--state", State, "--reason", "test"));
        Assert.True(await ReachableAsync());
    }

    [Fact]
    public async Task Somebody_elses_unit_is_left_alone()
    {
        RunOwnCopy();
        var unit = Folder["root/etc/systemd/system/bulkhead-agent.service"];
        Directory.CreateDirectory(Path.GetDirectoryName(unit)!);
        await File.WriteAllTextAsync(unit, "[Service]\nExecStart=/bin/true\n");
        Assert.Equal(1, await RunAsync("install", "--state", State, "--root", Folder["root"]));
        Assert.Equal(0, await RunAsync("uninstall", "--state", State, "--root", Folder["root"]));
        Assert.Equal("[Service]\nExecStart=/bin/true\n", await File.ReadAllTextAsync(unit));
    }

    /// <summary>What is attached to a cgroup, at each of the hooks that the agent uses.</summary>
    private static string Programs(TestCgroup cgroup)
    {
        using var folder = Agent.Linux.Processes.FolderReader.Open(cgroup.Tree.Root);
        return string.Join(' ', ((int[])[2, 10, 11, 14, 15, 22]).SelectMany(hook => AttachedProgram.Numbers(folder, hook)));
    }

    private async Task HadAsync(HostPolicy policy)
    {
        Controller.Push(policy);
        var agent = Start();
        await AppliedAsync(policy.Generation.Number);
        agent.Kill();
        await agent.WaitForExitAsync();
        Controller.States.Clear();
    }

    private int Dropped() =>
        Table().Split('\n').Where(line => line.Contains("bulkhead:in:default", StringComparison.Ordinal)).Sum(line => int.Parse(line.Split("packets ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>How many connections of the peer to the host came about.</summary>
    private async Task<int> ConnectAgainAndAgainAsync(CancellationToken cancel)
    {
        var passed = 0;
        while (!cancel.IsCancellationRequested)
        {
            using var socket = Hosts.Peer.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            patience.CancelAfter(TimeSpan.FromMilliseconds(100));
            try
            {
                await socket.ConnectAsync(new IPEndPoint(TwoHosts.HostAddress(false), 80), patience.Token);
                passed++;
            }
            catch (Exception nothing) when (nothing is OperationCanceledException or SocketException)
            {
                // Dropped, or there is no link yet.
            }
        }

        return passed;
    }
}
