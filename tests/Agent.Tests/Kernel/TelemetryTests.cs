using System.Diagnostics;
using System.Net.Sockets;
using Bulkhead.Agent.Linux;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Live;
using Bulkhead.Agent.Names;
using Bulkhead.Agent.Spool;
using Bulkhead.Agent.Telemetry;
using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>Telemetry over the real kernel; needs root.</summary>
public sealed class TelemetryTests : IAsyncLifetime
{
    private readonly TwoHosts _hosts = new();
    private readonly Conntrack _own;
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly FlowSpool _spool;
    private readonly TelemetryLoop _telemetry;
    private readonly WindowPace _pace;
    private int _connectionsLost;
    private Task _running = Task.CompletedTask;

    public TelemetryTests()
    {
        _own = _hosts.Host.Inside(Conntrack.Open);
        _spool = new FlowSpool(_folder.Path, 1 << 20, NullLogger.Instance);
        _pace = new WindowPace(1, () => TimeSpan.Zero, () => { }, TimeProvider.System);
        var outlet = new FlowOutlet(_spool, new NameTable(10, TimeProvider.System), new FlowFollowers(_folder["flows.sock"], _pace, NullLogger.Instance), BootClock.System, NullLogger.Instance);
        _telemetry = new TelemetryLoop(
            CgroupTree.Open(null), outlet, _pace, _own.PortId, () => Interlocked.Increment(ref _connectionsLost), () => { }, (_, _) => { }, new Problems(() => { }), TimeProvider.System, NullLogger.Instance);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        // It writes to the folder until it has stopped.
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _own.Dispose();
        _hosts.Dispose();
        _folder.Dispose();
        _stop.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Connections_of_both_directions_are_told_with_the_hosts_own_process(bool v6)
    {
        _hosts.Track(1, "unused");
        var here = _hosts.Listen(_hosts.Host, TwoHosts.HostAddress(v6), 8001);
        var there = _hosts.Listen(_hosts.Peer, TwoHosts.PeerAddress(v6), 8002);
        await StartAsync();

        await _hosts.DialAsync(_hosts.Host, there);
        await _hosts.DialAsync(_hosts.Peer, here);
        await SeenAsync(2);
        var (flows, processes) = await StopAsync();

        foreach (var (direction, port) in new[] { (Direction.Outbound, 8002U), (Direction.Inbound, 8001U) })
        {
            var flow = Assert.Single(flows, f => f.Direction == direction && f.Port == port);
            Assert.Equal((1UL, 1U, Outcome.Passed, 6U), (flow.Connections, flow.Open, flow.Outcome, flow.Protocol));
            Assert.Equal(TwoHosts.HostAddress(v6).GetAddressBytes(), flow.LocalAddress.ToByteArray());
            Assert.Equal(TwoHosts.PeerAddress(v6).GetAddressBytes(), flow.RemoteAddress.ToByteArray());
            Assert.InRange(direction == Direction.Outbound ? flow.BytesOut : flow.BytesIn, 1000UL, 2000UL);
            Assert.Equal((uint)Environment.ProcessId, processes[(int)flow.Process - 1].Pid);
        }
    }

    [Fact]
    public async Task A_client_of_another_program_is_named_by_its_executable()
    {
        _hosts.Track(1, "unused");
        _hosts.Listen(_hosts.Peer, TwoHosts.PeerAddress(false), 8002);
        await StartAsync();
        using var client = _hosts.Host.Inside(() => Process.Start(new ProcessStartInfo("bash", ["-c", "exec 3<>/dev/tcp/10.78.0.2/8002; read <&3"]))!);
        await SeenAsync(1);
        var (flows, processes) = await StopAsync();
        client.Kill();

        var process = processes[(int)Assert.Single(flows, f => f.Port == 8002).Process - 1];
        Assert.Equal(("bash", (uint)client.Id), (process.Name, process.Pid));
        Assert.EndsWith("/bash", process.Path, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_udp_client_is_named()
    {
        _hosts.Track(1, "unused");
        await StartAsync();
        foreach (var v6 in new[] { false, true })
        {
            var socket = _hosts.Host.Inside(() => new UdpClient(v6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork));
            _hosts.Keep(socket);
            await socket.SendAsync(new byte[10], new System.Net.IPEndPoint(TwoHosts.PeerAddress(v6), 8053));
        }

        await SeenAsync(2);
        var (flows, processes) = await StopAsync();

        Assert.All(
            flows.Where(f => f.Port == 8053),
            flow => Assert.Equal((uint)Environment.ProcessId, processes[(int)flow.Process - 1].Pid));
        Assert.Equal(2, flows.Count(f => f.Port == 8053));
    }

    [Fact]
    public async Task A_blocked_connection_is_told_with_its_rule_and_the_listener_it_meant()
    {
        _hosts.Track(8003, "bulkhead:in:deny:17");
        _hosts.Listen(_hosts.Host, TwoHosts.HostAddress(false), 8003);
        await StartAsync();
        var socket = _hosts.Peer.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        _hosts.Keep(socket);
        var connecting = socket.ConnectAsync(TwoHosts.HostAddress(false), 8003);
        await SeenAsync(1);
        var (flows, processes) = await StopAsync();
        socket.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => connecting);

        var flow = Assert.Single(flows, f => f.Outcome == Outcome.Blocked);
        Assert.Equal((Direction.Inbound, 17L, 8003U, 1UL), (flow.Direction, flow.DecidedBy, flow.Port, flow.Connections));
        Assert.Equal((uint)Environment.ProcessId, processes[(int)flow.Process - 1].Pid);
    }

    [Fact]
    public async Task Blocked_packets_beyond_the_limit_of_reports_are_counted_as_lost()
    {
        const int sent = 3000;
        _hosts.Host.Nft("table inet bulkhead { chain in_block_default { type filter hook input priority filter - 10; meta l4proto != udp accept; counter limit rate 50/second burst 200 packets log prefix \"bulkhead:in:default\" group 4077 snaplen 128; drop; }; }");
        await StartAsync();
        using (var socket = _hosts.Peer.Inside(() => new UdpClient(AddressFamily.InterNetwork)))
        {
            // The first one has the peer ask for the host's hardware address; what comes meanwhile is not kept.
            for (var i = 0; i < sent; i++)
            {
                await socket.SendAsync(new byte[10], new System.Net.IPEndPoint(TwoHosts.HostAddress(false), 8053));
                await (i == 0 ? CountedAsync(1) : Task.CompletedTask);
            }
        }

        await CountedAsync(sent);
        Task CountedAsync(int packets) => Eventually.Holds(() => _hosts.Host.Run("nft", "list", "table", "inet", "bulkhead").Contains($"packets {packets} ", StringComparison.Ordinal), $"{packets} are blocked");
        await StopAsync();

        var batch = _spool.Peek()!;
        var told = batch.Flows.Where(flow => flow.Outcome == Outcome.Blocked).Aggregate(0UL, (sum, flow) => sum + flow.PacketsIn);
        Assert.InRange(told, 200UL, 2000UL);
        Assert.Equal((ulong)sent, told + batch.LostEvents);
    }

    [Fact]
    public async Task What_stays_on_the_host_is_left_out()
    {
        _hosts.Track(1, "unused");
        var local = _hosts.Listen(_hosts.Host, System.Net.IPAddress.Loopback, 8001);
        var own = _hosts.Listen(_hosts.Host, TwoHosts.HostAddress(false), 8002);
        await StartAsync();
        await _hosts.DialAsync(_hosts.Host, local);
        await _hosts.DialAsync(_hosts.Host, own);
        await SeenAsync(2);
        Assert.Empty((await StopAsync()).Flows);
    }

    [Fact]
    public async Task Connections_from_before_the_agent_are_open_but_not_new()
    {
        _hosts.Track(1, "unused");
        await _hosts.DialAsync(_hosts.Host, _hosts.Listen(_hosts.Peer, TwoHosts.PeerAddress(false), 8002));
        await StartAsync();
        var flow = Assert.Single((await StopAsync()).Flows, f => f.Port == 8002);
        Assert.Equal((0UL, 1U, 0UL), (flow.Connections, flow.Open, flow.BytesOut));
    }

    [Fact]
    public async Task When_somebody_empties_conntrack_the_agent_hears_of_it()
    {
        _hosts.Track(1, "unused");
        await StartAsync();
        await _hosts.DialAsync(_hosts.Host, _hosts.Listen(_hosts.Peer, TwoHosts.PeerAddress(false), 8002));
        _hosts.Host.Run("conntrack", "-F");
        await LossIsNoticedAsync();
        await StopAsync();
    }

    [Theory]
    [InlineData(Direction.Inbound, false)]
    [InlineData(Direction.Outbound, true)]
    public async Task A_dropped_segment_of_a_live_connection_tells_that_conntrack_lost_it(Direction direction, bool v6)
    {
        var hook = direction == Direction.Inbound ? "input" : "output";
        _hosts.Host.Nft($$"""
            table inet track {
              chain strays {
                type filter hook {{hook}} priority 0;
                ct state established accept
                tcp flags & (fin|syn|rst|ack) != syn ct state new log group 4077 prefix "bulkhead:{{(direction == Direction.Inbound ? "in" : "out")}}:invalid" drop
              }
            }
            """);
        var socket = direction == Direction.Inbound
            ? await _hosts.DialAsync(_hosts.Peer, _hosts.Listen(_hosts.Host, TwoHosts.HostAddress(v6), 8001))
            : await _hosts.DialAsync(_hosts.Host, _hosts.Listen(_hosts.Peer, TwoHosts.PeerAddress(v6), 8001));
        await StartAsync();
        _hosts.Host.Run("conntrack", "-F");

        await socket.SendAsync(new byte[1]);

        await LossIsNoticedAsync();
        await StopAsync();
    }

    [Fact]
    public async Task Strays_of_no_connection_and_what_the_agent_itself_removes_are_no_loss()
    {
        _hosts.Track(1, "unused");
        _hosts.Host.Nft("""
            table inet strays {
              chain strays {
                type filter hook input priority 1;
                tcp dport 8003 log group 4077 prefix "bulkhead:in:invalid" drop
              }
            }
            """);
        _hosts.Listen(_hosts.Host, TwoHosts.HostAddress(false), 8003);
        await StartAsync();
        await _hosts.DialAsync(_hosts.Host, _hosts.Listen(_hosts.Peer, TwoHosts.PeerAddress(false), 8002));
        Assert.All(_own.Dump(), entry => _own.Delete(entry));
        var syn = _hosts.Peer.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        _hosts.Keep(syn);
        _ = syn.ConnectAsync(TwoHosts.HostAddress(false), 8003);
        await SeenAsync(3);
        await StopAsync();
        Assert.Equal(0, _connectionsLost);
    }

    [Fact]
    public async Task Listeners_are_known_with_their_process()
    {
        _hosts.Listen(_hosts.Host, TwoHosts.HostAddress(true), 8001);
        await StartAsync();
        var listener = Assert.Single(_telemetry.Listeners);
        Assert.Equal("6 8001 fd78::1", $"{listener.Protocol} {listener.Port} {listener.Address}");
        Assert.Equal(Environment.ProcessId, listener.Process?.Pid);
        await StopAsync();
    }

    [Fact]
    public async Task Listeners_that_come_and_go_are_known_without_traffic_or_the_end_of_a_window()
    {
        await StartAsync();
        var socket = _hosts.Listen(_hosts.Host, TwoHosts.HostAddress(false), 8009);
        await Eventually.Holds(() => _telemetry.Listeners.Any(listener => listener.Port == 8009 && listener.Process is not null), "the listener is known");
        socket.Dispose();
        await Eventually.Holds(() => _telemetry.Listeners.Count == 0, "it is gone");
        Assert.Null(_spool.Peek());
        await StopAsync();
    }

    [Theory]
    [InlineData(Direction.Inbound)]
    [InlineData(Direction.Outbound)]
    public async Task Hundreds_of_ports_that_refuse_are_one_scan_and_the_one_that_answers_is_a_flow(Direction direction)
    {
        const int ports = 300;
        _hosts.Track(1, "unused");
        var (from, to) = direction == Direction.Inbound ? (_hosts.Peer, _hosts.Host) : (_hosts.Host, _hosts.Peer);
        var target = direction == Direction.Inbound ? TwoHosts.HostAddress(false) : TwoHosts.PeerAddress(false);
        var open = _hosts.Listen(to, target, 9000);
        await StartAsync();
        await _hosts.DialAsync(from, open);
        for (var port = 9001; port <= 9000 + ports; port++)
        {
            using var socket = from.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            await Assert.ThrowsAsync<SocketException>(() => socket.ConnectAsync(target, port));
        }

        await SeenAsync(ports);
        var (flows, _) = await StopAsync();

        var batch = _spool.Peek()!;
        var scan = Assert.Single(batch.Scans);
        Assert.Equal((direction, (ulong)ports, 1ul, (ulong)ports), (scan.Direction, scan.Targets, scan.Addresses, scan.Connections));
        Assert.InRange(scan.Samples.Count, 2, 16);
        Assert.Equal(9000u, Assert.Single(flows, flow => flow.Protocol == 6).Port);
    }

    [Fact]
    public async Task Somebody_who_watches_gets_windows_before_the_usual_one_is_over()
    {
        _hosts.Track(1, "unused");
        var there = _hosts.Listen(_hosts.Peer, TwoHosts.PeerAddress(false), 8002);
        await StartAsync();
        _pace.Watch(TimeSpan.FromMinutes(5));
        await _hosts.DialAsync(_hosts.Host, there);
        await Eventually.Holds(() => _spool.Count > 0, "a window ends");
        Assert.InRange(_spool.Peek()!.WindowMs, 1u, 5000u);
        Assert.NotEmpty(_spool.Peek()!.Boot);
        await StopAsync();
    }

    private async Task StartAsync()
    {
        _telemetry.Addresses = _hosts.Host.Inside(HostAddresses.Read);
        _running = _hosts.Host.Inside(() => _telemetry.RunAsync(_stop.Token));
        await Eventually.Holds(() => _telemetry.Following || _running.IsCompleted, "telemetry runs");
    }

    private Task LossIsNoticedAsync() => Eventually.Holds(() => Volatile.Read(ref _connectionsLost) > 0, "the loss is noticed");

    private Task SeenAsync(ulong events) => Eventually.Holds(() => _telemetry.Events >= events, $"{events} events arrive");

    private async Task<(List<FlowSummary> Flows, IReadOnlyList<ProcessInfo> Processes)> StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
        var batch = _spool.Peek() ?? new FlowBatch();
        return ([.. batch.Flows], batch.Processes);
    }
}
