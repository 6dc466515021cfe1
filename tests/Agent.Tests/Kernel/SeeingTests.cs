using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>Whether everything is seen, and as whose: a ledger is kept of what is done, and compared with what is told. Needs root.</summary>
public sealed class SeeingTests
{
    private const string Dial = "exec 3<>/dev/tcp/10.78.0.2/8002";

    /// <summary>Two processes take connections from one listener, when and by whom it is said.</summary>
    private const string Two = """
        use Socket;
        socket(my $s, PF_INET, SOCK_STREAM, 0) or die; setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
        bind($s, sockaddr_in(8001, INADDR_ANY)) or die; listen($s, 64) or die; pipe(my $r, my $w);
        sub take { accept(my $c, $s) or die; syswrite($c, "$$\n"); push @kept, $c; }
        unless (fork()) { take() while sysread($r, my $go, 1); exit; }
        close($r); $| = 1; print "listens\n";
        while (<STDIN>) { /parent/ ? take() : syswrite($w, "x"); }
        """;

    [Fact]
    public async Task Clients_that_end_at_once_are_named_each_by_itself()
    {
        await using var host = new WatchedHost();
        host.Hosts.Listen(host.Hosts.Peer, TwoHosts.PeerAddress(false), 8002);
        await host.StartAsync();
        var ledger = new List<int>();
        for (var i = 0; i < 40; i++)
        {
            // The kernel's part of UDP is told when the socket is closed, or asked for while it is open. Each to a port of its own, since two clients may get the
            // same one, and what they say would be of one connection.
            using var client = host.Start("bash", "-c", i % 2 == 0 ? Dial : $"echo > /dev/udp/10.78.0.2/{9000 + i}");
            await client.WaitForExitAsync();
            ledger.Add(client.Id);
        }

        await host.SeenAsync(40);
        var told = await host.StopAsync();
        // On a slow machine a window may end meanwhile: what goes on in the next one is no other connection.
        var clients = from flow in told.Flows
                      from connection in Enumerable.Range(0, (int)flow.Connections)
                      select flow.Process == 0 ? 0 : (int)told.Processes[(int)flow.Process - 1].Pid;
        Assert.Equal(ledger.Order(), clients.Order());
        Assert.All(told.Processes, process => Assert.Equal(("bash", true), (process.Name, process.Path.EndsWith("/bash", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task Executables_are_told_by_their_path_wherever_they_were_started_and_whatever_became_of_them()
    {
        await using var host = new WatchedHost();
        using var folder = new TemporaryFolder();
        host.Hosts.Listen(host.Hosts.Peer, TwoHosts.PeerAddress(false), 8002);
        await host.StartAsync();
        var bash = new[] { "/usr/bin/bash", "/bin/bash" }.First(File.Exists);
        foreach (var name in new[] { "relative", "deleted", "replaced" })
        {
            File.Copy(bash, Path.Combine(folder.Path, name));
        }

        using var relative = host.Start("sh", "-c", $"cd {folder.Path} && exec ./relative -c '{Dial}'");
        using var deleted = host.Start(Path.Combine(folder.Path, "deleted"), "-c", $"read; {Dial}");
        using var replaced = host.Start(Path.Combine(folder.Path, "replaced"), "-c", $"read; {Dial}");
        using var elsewhere = host.Start("unshare", "-m", "sh", "-c", $"mount -t tmpfs none /mnt && cp {bash} /mnt/elsewhere && exec /mnt/elsewhere -c '{Dial}'");
        File.Delete(Path.Combine(folder.Path, "deleted"));
        File.Copy("/bin/true", Path.Combine(folder.Path, "new"));
        File.Move(Path.Combine(folder.Path, "new"), Path.Combine(folder.Path, "replaced"), overwrite: true);
        foreach (var client in new[] { relative, deleted, replaced, elsewhere })
        {
            client.StandardInput.Close();
            await client.WaitForExitAsync();
            Assert.Equal(0, client.ExitCode);
        }

        await host.SeenAsync(4);
        var told = await host.StopAsync();
        Assert.Equal(
            new[] { $"{folder.Path}/deleted", $"{folder.Path}/relative", $"{folder.Path}/replaced", "/mnt/elsewhere" }.Order(StringComparer.Ordinal),
            told.Processes.Select(process => process.Path).Order(StringComparer.Ordinal));
        Assert.All(told.Flows, flow => Assert.NotEqual(0U, flow.Process));
    }

    [Fact]
    public async Task Of_several_processes_at_one_port_the_one_that_accepted_is_told()
    {
        await using var host = new WatchedHost();
        await host.StartAsync();
        using var one = host.Start("socat", "TCP4-LISTEN:8001,reuseport,fork", "SYSTEM:'echo $SOCAT_PPID'");
        using var other = host.Start("socat", "TCP4-LISTEN:8001,reuseport,fork", "SYSTEM:'echo $SOCAT_PPID'");
        try
        {
            await Eventually.Holds(() => host.Hosts.Host.Run("ss", "-Hltn", "sport = :8001").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length == 2, "both listen");
            var ledger = new Dictionary<uint, ulong>();
            for (var i = 0; i < 30; i++)
            {
                using var client = host.Open(atHost: false, SocketType.Stream, ProtocolType.Tcp);
                await client.ConnectAsync(TwoHosts.HostAddress(false), 8001);
                using var reader = new StreamReader(new NetworkStream(client));
                var pid = uint.Parse((await reader.ReadLineAsync())!, CultureInfo.InvariantCulture);
                ledger[pid] = ledger.GetValueOrDefault(pid) + 1;
            }

            await host.SeenAsync(30);
            var told = await host.StopAsync();
            Assert.Equal(2, ledger.Count);
            Assert.Equal(ledger.OrderBy(entry => entry.Key), told.Flows.ToDictionary(flow => flow.Process == 0 ? 0 : told.Processes[(int)flow.Process - 1].Pid, flow => flow.Connections).OrderBy(entry => entry.Key));
        }
        finally
        {
            one.Kill();
            other.Kill();
        }
    }

    [Theory]
    [InlineData(200)]
    [InlineData(0)]
    public async Task After_an_overrun_what_was_told_and_what_is_counted_as_lost_are_what_there_was(int longestDrainMs)
    {
        const int Gone = 600, Staying = 50;
        using var stalled = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        await using var host = new WatchedHost(receiveBuffer: 64 << 10, longestDrain: TimeSpan.FromMilliseconds(longestDrainMs), blocked: (_, _) =>
        {
            stalled.Set();
            go.Wait();
        });
        await using var end = new Release(go);
        await host.StartAsync();
        using var socket = host.Open(atHost: true, SocketType.Dgram, ProtocolType.Udp);
        await SendAsync(socket, WatchedHost.Blocked, 9, 1);
        await Eventually.Holds(() => stalled.IsSet, "telemetry stands still");
        await SendAsync(socket, WatchedHost.Passed, 10_000, Gone);
        host.Hosts.Host.Run("conntrack", "-F");
        await SendAsync(socket, WatchedHost.Passed, 20_000, Staying);
        go.Set();
        await Eventually.Holds(() => host.Telemetry.Lost > 0, "the loss is noticed");
        await SendAsync(socket, WatchedHost.Passed, 30_000, 1);
        var told = await host.StopAsync();

        // So many ports that nobody answers at are summed up as a scan.
        var seen = told.Flows.Sum(flow => (long)flow.Connections) + told.Scans.Sum(scan => (long)scan.Connections);
        Assert.InRange(told.LostEvents, 1UL, (ulong)Gone);
        Assert.InRange(seen, Staying + 2, Staying + 2 + Gone);
        Assert.Equal(Gone + Staying + 2, seen + (long)told.LostEvents);
    }

    [Fact]
    public async Task Of_two_connections_with_the_same_ends_each_is_told_as_of_who_accepted_it_though_the_second_was_before_the_first_was_asked_for()
    {
        using var stalled = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        await using var host = new WatchedHost(blocked: (_, _) =>
        {
            stalled.Set();
            go.Wait();
        });
        await using var end = new Release(go);
        await host.StartAsync();
        using var server = host.Start("perl", "-e", Two);
        Assert.Equal("listens", await server.StandardOutput.ReadLineAsync());

        // Closed by a reset, so that the ends are free again at once.
        uint child;
        using (var first = await ConnectAsync())
        {
            await host.SeenAsync(1);
            child = await AcceptAsync(first, "child");
            using var socket = host.Open(atHost: true, SocketType.Dgram, ProtocolType.Udp);
            await SendAsync(socket, WatchedHost.Blocked, 9, 1);
            await Eventually.Holds(() => stalled.IsSet, "telemetry stands still");
        }

        using var second = await ConnectAsync();
        var parent = await AcceptAsync(second, "parent");
        go.Set();
        server.StandardInput.Close();
        await server.WaitForExitAsync();
        var told = await host.StopAsync();
        Assert.Equal((uint)server.Id, parent);
        Assert.Equal(
            new[] { (child, 1UL), (parent, 1UL) }.Order(),
            told.Flows.Where(flow => flow.Direction == Contracts.Agent.Direction.Inbound).Select(flow => (flow.Process == 0 ? 0 : told.Processes[(int)flow.Process - 1].Pid, flow.Connections)).Order());

        async Task<Socket> ConnectAsync()
        {
            var client = host.Open(atHost: false, SocketType.Stream, ProtocolType.Tcp, WatchedHost.Passed, 40_001);
            client.LingerState = new LingerOption(true, 0);
            await client.ConnectAsync(TwoHosts.HostAddress(false), 8001);
            return client;
        }

        async Task<uint> AcceptAsync(Socket client, string who)
        {
            await server.StandardInput.WriteLineAsync(who);
            using var reader = new StreamReader(new NetworkStream(client));
            return uint.Parse((await reader.ReadLineAsync())!, CultureInfo.InvariantCulture);
        }
    }

    [Theory]
    [InlineData(true, 1UL)]
    [InlineData(false, 0UL)]
    public async Task What_there_was_before_the_agent_is_told_of_in_part_where_an_earlier_run_began_to_tell_of_it(bool hasHistory, ulong incomplete)
    {
        await using var host = new WatchedHost(hasHistory: hasHistory);
        await host.Hosts.DialAsync(host.Hosts.Host, host.Hosts.Listen(host.Hosts.Peer, TwoHosts.PeerAddress(false), 8002));
        await host.StartAsync();
        var told = await host.StopAsync();
        Assert.Equal((incomplete, 1U), (told.IncompleteConnections, Assert.Single(told.Flows, flow => flow.Port == 8002).Open));
    }

    private static async Task SendAsync(Socket socket, string to, int port, int ports, int bytes = 8)
    {
        for (var i = 0; i < ports; i++)
        {
            await SendAsync(socket, new IPEndPoint(IPAddress.Parse(to), port + i), new byte[bytes]);
        }
    }

    private static async Task SendAsync(Socket socket, IPEndPoint to, byte[] content)
    {
        try
        {
            await socket.SendToAsync(content, to);
        }
        catch (SocketException blocked) when (blocked.SocketErrorCode == SocketError.AccessDenied)
        {
            // The output chain drops, which a sender hears of at once.
        }
    }

    /// <summary>However a test ends, what waits goes on before anything is taken down.</summary>
    private sealed class Release(ManualResetEventSlim waited) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            waited.Set();
            return ValueTask.CompletedTask;
        }
    }
}
