using System.Globalization;
using System.Net.Sockets;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>Whose connections are that come to a listener which was handed on, inherited, or is several workers'. Needs root.</summary>
public sealed class AcceptorTests
{
    private const int Connections = 30;

    /// <summary>
    /// Listens, forks who accepts, and answers each connection with the process id of who took it. Programs that give accept no room for an address are
    /// known only by what they do with the connection.
    /// </summary>
    private const string Server = """
        use Socket;
        my ($workers, $parent, $how) = @ARGV;
        socket(my $s, PF_INET, SOCK_STREAM, 0) or die; setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
        bind($s, sockaddr_in(8001, INADDR_ANY)) or die; listen($s, 64) or die;
        my @kept;
        sub serve {
            while (1) {
                my $c;
                if ($how eq "accepts") { accept($c, $s) or die; }
                else { my $fd = syscall(43, fileno($s), 0, 0); $fd >= 0 or die; open($c, "+<&=", $fd) or die; }
                sysread($c, my $asked, 1) if $how eq "reads";
                syswrite($c, "$$\n");
                if ($how eq "closes") { close($c); } else { push @kept, $c; }
            }
        }
        for (1 .. $workers) { fork() or serve(); }
        exit if $parent eq "ends";
        serve() if $parent eq "serves";
        sleep 1000;
        """;

    /// <summary>Listens at a port of each family by itself, closes both with connections that nobody read yet, and listens anew.</summary>
    private const string TwoFamilies = """
        use Socket qw(:all);
        sub both {
            my @both;
            for my $family (PF_INET, PF_INET6) {
                socket(my $s, $family, SOCK_STREAM, 0) or die; setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
                setsockopt($s, IPPROTO_IPV6, IPV6_V6ONLY, 1) if $family == PF_INET6;
                bind($s, $family == PF_INET ? sockaddr_in(8001, INADDR_ANY) : sockaddr_in6(8001, IN6ADDR_ANY)) or die; listen($s, 64) or die;
                push @both, $s;
            }
            return @both;
        }
        my @kept; my ($v4, $v6) = both();
        sub serve { my $fd = syscall(43, fileno($_[0]), 0, 0); $fd >= 0 or die; open(my $c, "+<&=", $fd) or die; syswrite($c, "$$\n"); push @kept, $c; }
        $| = 1; print "listens\n"; <STDIN>;
        serve($v4); serve($v6);
        close($v4); close($v6);
        for my $c (splice @kept) { sysread($c, my $asked, 1); push @read, $c; }
        ($v4, $v6) = both();
        print "listens anew\n"; <STDIN>;
        while (1) { for my $s ($v4, $v6) { accept(my $c, $s) or die; syswrite($c, "$$\n"); push @kept, $c; } }
        """;

    [Fact]
    public async Task A_program_that_listens_in_both_families_and_anew_after_closing_has_what_comes()
    {
        await using var host = new WatchedHost();
        await host.StartAsync();
        using var server = host.Start("perl", "-e", TwoFamilies);
        try
        {
            Assert.Equal("listens", await server.StandardOutput.ReadLineAsync());
            await ConnectAsync(host, 1, () => server.StandardInput.WriteLine());
            Assert.Equal("listens anew", await server.StandardOutput.ReadLineAsync());
            await ConnectAsync(host, 3, () => server.StandardInput.WriteLine());
            await host.SeenAsync(8);
            var told = await host.StopAsync();
            var inbound = told.Flows.Where(flow => flow.Direction == Direction.Inbound && flow.Port == 8001).ToList();
            Assert.Equal(8UL, inbound.Aggregate(0UL, (sum, flow) => sum + flow.Connections));
            Assert.All(inbound, flow => Assert.Equal((uint)server.Id, flow.Process == 0 ? 0 : told.Processes[(int)flow.Process - 1].Pid));
        }
        finally
        {
            server.Kill();
        }
    }

    private static async Task ConnectAsync(WatchedHost host, int each, System.Action go)
    {
        var clients = new List<Socket>();
        for (var i = 0; i < each; i++)
        {
            foreach (var (from, to) in new[] { (WatchedHost.Passed, "10.78.0.1"), (WatchedHost.V6Of(WatchedHost.Passed), WatchedHost.V6Of("10.78.0.1")) })
            {
                var client = host.Open(atHost: false, SocketType.Stream, ProtocolType.Tcp, from);
                await client.ConnectAsync(System.Net.IPAddress.Parse(to), 8001);
                await client.SendAsync(new byte[1]);
                clients.Add(client);
            }
        }

        go();
        foreach (var client in clients)
        {
            Assert.True(await client.ReceiveAsync(new byte[16]) > 0);
        }
    }

    [Theory]
    [InlineData(1, "sleeps", "accepts")]
    [InlineData(1, "sleeps", "reads")]
    [InlineData(1, "sleeps", "closes")]
    [InlineData(1, "ends", "accepts")]
    [InlineData(3, "sleeps", "reads")]
    [InlineData(2, "serves", "accepts")]
    [InlineData(0, "serves", "accepts")]
    [InlineData(1, "sleeps", "accepts", true)]
    [InlineData(3, "ends", "reads", true)]
    [InlineData(2, "serves", "closes", true)]
    [InlineData(0, "serves", "accepts", true)]
    public async Task Whoever_accepted_is_told_not_who_began_to_listen(int workers, string parent, string how, bool isOlderThanTheAgent = false)
    {
        await using var host = new WatchedHost();
        if (!isOlderThanTheAgent)
        {
            await host.StartAsync();
        }

        using var server = host.Start("setsid", "perl", "-e", Server, $"{workers}", parent, how);
        try
        {
            await Eventually.Holds(() => host.Hosts.Host.Run("ss", "-Hltn", "sport = :8001").Length > 0, "it listens");
            if (isOlderThanTheAgent)
            {
                await host.StartAsync();
            }

            var ledger = new SortedDictionary<uint, ulong>();
            for (var i = 0; i < Connections; i++)
            {
                var client = host.Open(atHost: false, SocketType.Stream, ProtocolType.Tcp);
                await client.ConnectAsync(TwoHosts.HostAddress(false), 8001);
                await client.SendAsync(new byte[1]);
                using var reader = new StreamReader(new NetworkStream(client));
                var pid = uint.Parse((await reader.ReadLineAsync())!, CultureInfo.InvariantCulture);
                ledger[pid] = ledger.GetValueOrDefault(pid) + 1;
            }

            await host.SeenAsync(Connections);
            var told = await host.StopAsync();
            Assert.Equal(
                ledger.Select(entry => (entry.Key, entry.Value)),
                told.Flows.Where(flow => flow.Direction == Direction.Inbound).GroupBy(flow => flow.Process == 0 ? 0 : told.Processes[(int)flow.Process - 1].Pid)
                    .OrderBy(of => of.Key).Select(of => (of.Key, of.Aggregate(0UL, (sum, flow) => sum + flow.Connections))));
        }
        finally
        {
            host.Hosts.Host.Run("sh", "-c", "ss -Hltnp 'sport = :8001' | grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -u | xargs -r kill -9");
            if (!server.HasExited)
            {
                server.Kill(entireProcessTree: true);
            }
        }
    }
}
