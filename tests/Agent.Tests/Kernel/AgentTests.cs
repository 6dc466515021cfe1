using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text.Json;
using Bulkhead.Agent.Tests.Channel;
using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;
using Google.Protobuf;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>The program itself, as a process of its own in a namespace, with a controller at the other end of the cable; needs root.</summary>
public sealed class AgentTests : IAsyncLifetime
{
    private static readonly string _program =
        typeof(AgentTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "AgentProgram").Value!;

    private readonly TwoHosts _hosts = new();
    private readonly TemporaryFolder _folder = new();
    private readonly List<Process> _started = [];
    private TestController _controller = null!;
    private Socket _web = null!;

    private string State => _folder["state"];

    public async Task InitializeAsync()
    {
        _controller = await TestController.StartAsync(_hosts.Listen(_hosts.Peer, TwoHosts.PeerAddress(false), 8444));
        _web = _hosts.Listen(_hosts.Host, TwoHosts.HostAddress(false), 80);
        await File.WriteAllTextAsync(_folder["key"], TestController.Key);
        Assert.Equal(0, await RunAsync("pair", "--controller", _controller.Address.ToString(), "--ca-sha256", _controller.Digest, "--key-file", _folder["key"], "--state", State, "--name", "web-1"));
    }

    public async Task DisposeAsync()
    {
        foreach (var agent in _started)
        {
            agent.Kill();
            await agent.WaitForExitAsync();
            agent.Dispose();
        }

        await _controller.DisposeAsync();
        _hosts.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_policy_is_enforced_reported_and_outlives_the_agent()
    {
        _controller.Push(Closed(2));
        var agent = Start();
        await AppliedAsync(2);
        Assert.False(await ReachableAsync());
        var report = _controller.States.Last();
        Assert.Equal(("web-1", Mode.Full), (report.Identity.HostName, report.Inbound));
        Assert.Contains(report.Listeners, listener => listener.Port == 80);

        agent.Kill();
        await agent.WaitForExitAsync();
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task An_agent_that_starts_without_its_controller_enforces_what_it_last_had()
    {
        _controller.Push(Closed(2));
        var first = Start();
        await AppliedAsync(2);
        first.Kill();
        await first.WaitForExitAsync();
        await _controller.DisposeAsync();
        _hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        Assert.True(await ReachableAsync());

        Start();

        await Eventually.Holds(() => Table().Length > 0, "the table is back");
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task A_host_whose_policy_was_lost_shuts_what_was_enforced_until_it_comes_again()
    {
        _controller.Push(Closed(2));
        var first = Start();
        await AppliedAsync(2);
        first.Kill();
        await first.WaitForExitAsync();
        File.Delete(Path.Combine(State, "policy"));
        File.WriteAllText(Path.Combine(State, "policy.copy"), "garbage");
        _hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        _controller.Push(WirePolicies.Policy(3));

        Start();

        await AppliedAsync(3);
        Assert.True(await ReachableAsync());
        Assert.Contains(_controller.States, report => report.Applied?.Number == 3 && report.Problems.Count == 0);
    }

    [Fact]
    public async Task A_host_whose_policy_was_lost_still_lets_the_fail_safe_list_in_and_nothing_else()
    {
        var closed = Closed(2);
        closed.FailSafe.Add(new FailSafeEntry
        {
            Sources = { WirePolicies.ToWire(WirePolicies.Parse($"{TwoHosts.PeerAddress(false)}")) },
            Ports = { new PortMatch { Protocol = 6, First = 22, Last = 22 } },
        });
        var ssh = _hosts.Listen(_hosts.Host, TwoHosts.HostAddress(false), 22);
        _controller.Push(closed);
        var first = Start();
        await AppliedAsync(2);
        first.Kill();
        await first.WaitForExitAsync();
        await _controller.DisposeAsync();
        File.Delete(Path.Combine(State, "policy"));
        File.Delete(Path.Combine(State, "policy.copy"));
        _hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");

        Start();

        await Eventually.Holds(() => Table().Length > 0, "the table is back");
        Assert.True(await ReachableAsync(ssh));
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task An_agent_that_never_had_a_policy_writes_nothing_to_the_kernel()
    {
        Start();
        await Eventually.Holds(() => !_controller.States.IsEmpty, "the agent reports");
        Assert.Null(_controller.States.Last().Applied);
        Assert.Empty(Table());
    }

    public static TheoryData<string, System.Action<HostPolicy>> Refusals => new()
    {
        { "feature-missing", policy => policy.RequiredFeatures.Add("time-travel-1") },
        { "generation-older", policy => policy.Generation.Number = 1 },
        { "bad-mode", policy => policy.Inbound = Mode.Unspecified },
        { "unknown-field", policy => policy.MergeFrom(new byte[] { 0x98, 0x06, 0x01 }) },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_policy_that_is_not_understood_is_refused_and_the_last_one_stays(string code, System.Action<HostPolicy> spoil)
    {
        _controller.Push(Closed(2));
        Start();
        await AppliedAsync(2);

        var bad = WirePolicies.Policy(3);
        spoil(bad);
        _controller.Push(bad);

        await Eventually.Holds(() => _controller.States.Last().Problems.Any(problem => problem.Code == code), $"{code} is reported");
        Assert.Equal(2UL, _controller.States.Last().Applied.Number);
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task A_new_epoch_needs_the_CA()
    {
        _controller.Push(Closed(2));
        Start();
        await AppliedAsync(2);

        var forged = WirePolicies.Policy(1, epoch: 9);
        forged.EpochProof = _controller.Prove(1);
        _controller.Send(new ServerMessage { Policy = forged });
        await Eventually.Holds(() => _controller.States.Last().Problems.Any(problem => problem.Code == "epoch-unproven"), "the refusal is reported");

        _controller.Push(WirePolicies.Policy(1, epoch: 9));
        await Eventually.Holds(() => _controller.States.Last().Applied?.Epoch == 9, "the proven epoch is applied");
    }

    [Fact]
    public async Task Somebody_else_who_takes_the_table_away_is_told_of_and_it_comes_back()
    {
        _controller.Push(Closed(2));
        Start();
        await AppliedAsync(2);
        _hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        await Eventually.Holds(() => _controller.States.Last().Tampered > 0, "tampering is reported");
        await Eventually.Holds(() => Table().Length > 0, "the table is back");
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task A_connection_that_is_older_than_the_agent_outlives_a_loss_of_conntracks_entries()
    {
        var older = await _hosts.DialAsync(_hosts.Peer, _web);
        _controller.Push(Closed(2).Allowing(1, Direction.Inbound, "s0", 80, $"{TwoHosts.PeerAddress(false)}"));
        Start();
        await AppliedAsync(2);
        _hosts.Host.Run("conntrack", "-F");
        await older.SendAsync(new byte[1]);
        await Eventually.Holds(() => _hosts.Host.Run("conntrack", "-L").Contains("dport=80 ", StringComparison.Ordinal), "it is admitted again");
    }

    [Fact]
    public async Task Stopping_is_announced_and_leaves_the_rules()
    {
        _controller.Push(Closed(2));
        var agent = Start();
        await AppliedAsync(2);
        Process.Start("kill", ["-TERM", $"{agent.Id}"]).Dispose();
        await agent.WaitForExitAsync();
        Assert.Equal(0, agent.ExitCode);
        Assert.True(_controller.States.Last().ShuttingDown);
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task Status_tells_by_text_and_exit_code_how_it_is()
    {
        _controller.Push(Closed(2));
        var agent = Start();
        await AppliedAsync(2);
        await Eventually.Holds(() => Status().ExitCode == 0, "status is good");
        var status = JsonDocument.Parse(Status().Output).RootElement;
        Assert.Equal(("1.2", "full", true), (status.GetProperty("generation").GetString(), status.GetProperty("inbound").GetString(), status.GetProperty("connected").GetBoolean()));

        await _controller.DisposeAsync();
        await Eventually.Holds(() => Status().ExitCode == 3, "status is offline");
        agent.Kill();
        await agent.WaitForExitAsync();
        Assert.Equal(4, Status().ExitCode);
    }

    [Fact]
    public async Task Unpairing_takes_the_table_and_everything_secret_away()
    {
        _controller.Push(Closed(2));
        var agent = Start();
        await AppliedAsync(2);
        Assert.Equal(1, await RunAsync("unpair", "--state", State));
        agent.Kill();
        await agent.WaitForExitAsync();

        Assert.Equal(0, await RunAsync("unpair", "--state", State));

        Assert.Empty(Table());
        Assert.True(await ReachableAsync());
        Assert.Equal(["lock"], Directory.GetFileSystemEntries(State).Select(Path.GetFileName));
        Assert.Equal(5, Status().ExitCode);
    }

    private static HostPolicy Closed(ulong number) => WirePolicies.Policy(number, inbound: Mode.Full);

    private Task AppliedAsync(ulong number) =>
        Eventually.Holds(() => _controller.States.Any(report => report.Applied?.Number == number), $"policy {number} is applied");

    /// <summary>Whether the peer gets through to a listener of the host, its web port by default; a dropped try is given up after a second.</summary>
    private async Task<bool> ReachableAsync(Socket? listener = null)
    {
        using var socket = _hosts.Peer.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        try
        {
            await socket.ConnectAsync((IPEndPoint)(listener ?? _web).LocalEndPoint!, patience.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private string Table()
    {
        var tables = _hosts.Host.Run("nft", "list", "tables");
        return tables.Contains("inet bulkhead", StringComparison.Ordinal) ? _hosts.Host.Run("nft", "list", "table", "inet", "bulkhead") : "";
    }

    private Process Start()
    {
        var agent = Launch("run", "--state", State);
        _started.Add(agent);
        return agent;
    }

    private async Task<int> RunAsync(params string[] arguments)
    {
        using var process = Launch(arguments);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private (int ExitCode, string Output) Status()
    {
        using var process = Launch("status", "--state", State, "--output", "json");
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    private Process Launch(params string[] arguments) => _hosts.Host.Inside(() =>
    {
        var process = Process.Start(new ProcessStartInfo(_program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.BeginErrorReadLine();
        return process;
    });
}
