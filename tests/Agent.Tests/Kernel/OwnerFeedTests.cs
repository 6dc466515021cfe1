using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Telemetry;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>What our programs tell of sockets, and what holds of it when they told too much. Needs root.</summary>
public sealed class OwnerFeedTests : IDisposable
{
    private const byte Udp = 17;
    private const int MoreThanTheRingTakes = 20_000;

    private const string Sender = """
        use Socket;
        socket(my $s, PF_INET, SOCK_DGRAM, 0) or die;
        sub send_to { send($s, "x", 0, sockaddr_in($_[0], inet_aton("10.78.0.2"))); }
        """;

    private readonly TwoHosts _hosts = new();
    private readonly CgroupTree _cgroups = CgroupTree.Open(null);
    private readonly ConnectionOwners _owners;

    public OwnerFeedTests() => _owners = _hosts.Host.Inside(() => ConnectionOwners.Attach(_cgroups.Root));

    public void Dispose()
    {
        _owners.Dispose();
        _hosts.Dispose();
    }

    [Fact]
    public void Once_the_ring_was_full_no_socket_is_taken_to_be_still_open()
    {
        var users = new UserNames();
        var feed = new OwnerFeed(_owners, new OwnerNames(_owners, new ProcessTable(_cgroups, users), _cgroups, users));
        var asked = new FlowTuple(Udp, IpAddress.Parse("10.78.0.2"), 4000, IpAddress.Parse("10.78.0.1"), 5353);
        using var socket = Bound(5353);
        feed.Read(isNext: true);
        Assert.Equal(Environment.ProcessId, feed.Incoming(asked, isConnection: true, isLast: true).Process?.Pid);

        _hosts.Host.Inside(() =>
        {
            for (var i = 0; i < MoreThanTheRingTakes; i++)
            {
                using var other = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            }

            return true;
        });
        socket.Dispose(); // which nobody tells of any more
        Assert.True(_owners.Lost > 0);
        Assert.False(feed.Incoming(asked, isConnection: true, isLast: true).IsKnown);
        Assert.True(feed.NextWindow() >= _owners.Lost);

        using var later = Bound(5354);
        feed.Read(isNext: true);
        Assert.Equal(Environment.ProcessId, feed.Incoming(asked with { DestinationPort = 5354 }, isConnection: true, isLast: true).Process?.Pid);
    }

    [Fact]
    public void A_socket_that_several_processes_send_from_is_told_once_for_each_of_its_peers()
    {
        // Both send to each of the ports again and again; who was first to one is whose it is.
        var told = Sends("""
            my $child = fork();
            if ($child == 0) { send_to(9000 + $_ % 3) for 1 .. 1000; exit; }
            send_to(9100 + $_ % 3) for 1 .. 1000;
            waitpid($child, 0);
            send_to(9000 + $_ % 3) for 1 .. 1000;
            """);
        var byPort = told.GroupBy(sent => sent.RemotePort).ToDictionary(of => of.Key, of => of.Select(sent => sent.Who.Pid).ToList());
        Assert.InRange(told.Count, 6, 14);
        Assert.Equal(6, byPort.Count);
        var (child, parent) = (byPort[9000][0], byPort[9100][0]);
        Assert.NotEqual(child, parent);
        Assert.All(byPort, entry => Assert.Equal(entry.Key < 9100 ? child : parent, entry.Value[0]));
        Assert.Equal((0UL, 0UL), (_owners.Lost, _owners.HeldBack));
    }

    [Fact]
    public void Of_a_shared_socket_with_thousands_of_peers_what_is_not_told_is_counted()
    {
        const int peers = 10_000;
        var told = Sends($$"""
            my $child = fork();
            if ($child == 0) { send_to(1); exit; }
            waitpid($child, 0);
            send_to(9000);
            send_to(10000 + $_) for 1 .. {{peers}};
            """);
        Assert.True(_owners.HeldBack > 0);
        Assert.Equal((ulong)peers + 2, (ulong)told.Count + _owners.HeldBack + _owners.Lost);
    }

    [Fact]
    public async Task What_is_known_of_a_process_is_never_known_by_half()
    {
        const uint last = 1500;
        using var folder = new TemporaryFolder();
        var deep = Path.Combine([folder.Path, .. Enumerable.Range(0, 20).Select(level => $"folder-{level}")]);
        Directory.CreateDirectory(deep);
        var program = Path.Combine(deep, "program");
        File.Copy("/usr/bin/perl", program);
        // Each user that it acts as is somebody else, who has to be found out.
        var start = new ProcessStartInfo(program, ["-e", $"{Sender} $> = 1; send_to(9); <STDIN>; for (2 .. {last}) {{ $> = 0; $> = $_; send_to(9); }}"]) { RedirectStandardInput = true };
        using var sender = _hosts.Host.Inside(() => Process.Start(start)!);
        OwnerIdentity? first = null;
        await Eventually.Holds(() => (first = _owners.Known().Cast<OwnerIdentity?>().FirstOrDefault(who => who!.Value.Uid == 1)) is not null, "it sends");

        var halves = new List<string>();
        var watching = Task.Factory.StartNew(Watch, TaskCreationOptions.LongRunning);
        sender.StandardInput.Close();
        await watching.WaitAsync(TimeSpan.FromMinutes(1));
        await sender.WaitForExitAsync();
        Assert.Equal(0, sender.ExitCode);
        Assert.Empty(halves);

        void Watch()
        {
            Span<byte> joined = stackalloc byte[OwnerFacts.LongestPath];
            for (var user = 2U; user <= last; user++)
            {
                OwnerFacts facts;
                while (!_owners.TryFind(first!.Value with { Uid = user }, out facts))
                {
                }

                var path = System.Text.Encoding.UTF8.GetString(joined[..OwnerFacts.Join(facts.Path, joined)]);
                if (path != program || facts.Pid != sender.Id)
                {
                    halves.Add($"{path} {facts.Pid}");
                }
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_datagram_socket_that_got_its_port_by_connecting_is_told_with_it(bool v6)
    {
        _hosts.Host.Inside(() =>
        {
            using var socket = new Socket(v6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(new IPEndPoint(TwoHosts.PeerAddress(v6), 5000));
            socket.Connect(new IPEndPoint(TwoHosts.PeerAddress(v6), 5001));
            return true;
        });
        var told = Told().Where(read => read is { Act: OwnerAct.Connects, Protocol: Udp }).ToList();
        Assert.Equal([5000, 5001], told.Select(read => (int)read.RemotePort));
        Assert.All(told, read => Assert.Equal((told[0].LocalPort, Environment.ProcessId), (read.LocalPort, (int)read.Who.Pid)));
        Assert.NotEqual(0, told[0].LocalPort);
    }

    [Fact]
    public void The_end_of_a_listener_that_is_older_than_the_programs_is_told()
    {
        const int socketLevel = 1, socketCookie = 57; // SO_COOKIE
        var listener = _hosts.Host.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(TwoHosts.HostAddress(false), 5355));
        listener.Listen();
        var bytes = new byte[8];
        listener.GetRawSocketOption(socketLevel, socketCookie, bytes);
        var cookie = BitConverter.ToUInt64(bytes);

        using var later = _hosts.Host.Inside(() => ConnectionOwners.Attach(_cgroups.Root));
        Assert.True(later.Adopt((int)listener.Handle, cookie));
        Assert.False(later.Adopt((int)listener.Handle, cookie));
        listener.Dispose();
        Assert.Equal((OwnerAct.Closes, (byte)6, cookie, (ushort)5355), Assert.Single(Told(later).Select(read => (read.Act, read.Protocol, read.Socket, read.LocalPort))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_stays_on_the_host_is_not_told(bool v6)
    {
        _hosts.Host.Inside(() =>
        {
            var (family, loopback) = v6 ? (AddressFamily.InterNetworkV6, IPAddress.IPv6Loopback) : (AddressFamily.InterNetwork, IPAddress.Loopback);
            using var listener = new Socket(family, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(loopback, 0));
            listener.Listen();
            using var client = new Socket(family, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(listener.LocalEndPoint!);
            using var datagrams = new Socket(family, SocketType.Dgram, ProtocolType.Udp);
            datagrams.SendTo([1], new IPEndPoint(loopback, 53));
            return true;
        });
        Assert.DoesNotContain(Told(), read => read.Act is OwnerAct.Connects or OwnerAct.Sends);
    }

    private List<OwnerEvent> Sends(string script)
    {
        using (var sender = _hosts.Host.Inside(() => Process.Start("perl", ["-e", Sender + script])))
        {
            sender.WaitForExit();
            Assert.Equal(0, sender.ExitCode);
        }

        return [.. Told().Where(read => read is { Act: OwnerAct.Sends, Protocol: Udp })];
    }

    private List<OwnerEvent> Told() => Told(_owners);

    private static List<OwnerEvent> Told(ConnectionOwners owners)
    {
        var told = new List<OwnerEvent>();
        owners.Read(record =>
        {
            if (OwnerEvent.TryRead(record, out var read))
            {
                told.Add(read);
            }
        });
        return told;
    }

    private Socket Bound(int port)
    {
        var socket = _hosts.Host.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        socket.Bind(new IPEndPoint(TwoHosts.HostAddress(false), port));
        return socket;
    }
}
