using System.Net;
using System.Net.Sockets;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>What passes without being tracked, both ways, and what does not pass with it.</summary>
public class StatelessTests
{
    private static readonly Modes _full = new(EnforcementMode.Full, EnforcementMode.Full);
    private static readonly PortMatch[] _ports = [PortMatch.Tcp(80), PortMatch.Udp(80)];

    [Theory]
    [InlineData(Direction.Inbound, false)]
    [InlineData(Direction.Inbound, true)]
    [InlineData(Direction.Outbound, false)]
    [InlineData(Direction.Outbound, true)]
    public async Task Requests_and_replies_pass_untracked_and_nothing_else_does(Direction direction, bool isV6)
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Stateless(_full, direction));
        foreach (var protocol in (byte[])[IpProtocol.Tcp, IpProtocol.Udp])
        {
            Assert.True((await AskAsync(bench, direction, isV6, protocol, 80)).Reached);
            Assert.False((await AskAsync(bench, direction, isV6, protocol, 443)).Reached);
            Assert.False((await AskAsync(bench, Opposite(direction), isV6, protocol, 80)).Reached);
        }

        Assert.DoesNotContain(Tracked(bench), c => c.Original.Protocol is IpProtocol.Tcp or IpProtocol.Udp && c.Original.DestinationPort == 80);

        await bench.ApplyAsync(Stateless(_full, direction, stateless: false));
        Assert.True((await AskAsync(bench, direction, isV6, IpProtocol.Udp, 80)).Reached);
        Assert.Contains(Tracked(bench), c => c.Original.Protocol == IpProtocol.Udp && c.Original.DestinationPort == 80);
    }

    [Fact]
    public async Task In_visibility_everything_is_tracked_so_that_it_is_seen()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Stateless(default, Direction.Inbound));
        Assert.True((await AskAsync(bench, Direction.Inbound, false, IpProtocol.Udp, 80)).Reached);
        Assert.Contains(Tracked(bench), c => c.Original.Protocol == IpProtocol.Udp && c.Original.DestinationPort == 80);
    }

    [Fact]
    public async Task What_an_override_deny_is_about_is_tracked_and_blocked()
    {
        await using var bench = new Bench();
        var policy = Stateless(_full, Direction.Inbound);
        await bench.ApplyAsync(policy with { Entries = [Entry(Direction.Inbound, RuleAction.OverrideDeny, 7, 0, PortMatch.Any), .. policy.Entries] });
        Assert.Equal(new RuleId(7), (await AskAsync(bench, Direction.Inbound, false, IpProtocol.Udp, 80)).Report?.Rule);
        Assert.Equal(new RuleId(7), (await AskAsync(bench, Direction.Inbound, true, IpProtocol.Tcp, 80)).Report?.Rule);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_providers_port_is_no_way_to_the_consumers_services(bool isV6)
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Make(_full, [Entry(Direction.Outbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(9000), PortMatch.Udp(9000)) with { Stateless = true }], Hosts("10.77.0.2", "fd77::2")));
        using var deadline = new CancellationTokenSource(Bench.Deadline);
        var (any, host) = (isV6 ? IPAddress.IPv6Any : IPAddress.Any, Bench.HostAddress(isV6).ToIPAddress());
        using var tcp = bench.Peer.Inside(() => new Socket(any.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        using var udp = bench.Peer.Inside(() => new Socket(any.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        tcp.Bind(new IPEndPoint(any, 9000));
        udp.Bind(new IPEndPoint(any, 9000));

        var dialling = tcp.ConnectAsync(new IPEndPoint(host, 443), deadline.Token).AsTask();
        Assert.Equal(BlockReason.Default, (await bench.Blocks.NextAsync(r => r.Protocol == IpProtocol.Tcp, deadline.Token)).Reason);
        await udp.SendToAsync(new byte[] { 1 }, new IPEndPoint(host, 443), deadline.Token);
        Assert.Equal(BlockReason.Default, (await bench.Blocks.NextAsync(r => r.Protocol == IpProtocol.Udp, deadline.Token)).Reason);

        // What one gives up: whoever has the provider's port reaches UDP sockets on ports of clients, asked or not.
        using var client = bench.Host.Inside(() => new UdpClient(new IPEndPoint(any, 40443)));
        await udp.SendToAsync(new byte[] { 1 }, new IPEndPoint(host, 40443), deadline.Token);
        Assert.Equal(9000, (await client.ReceiveAsync(deadline.Token)).RemoteEndPoint.Port);
        await deadline.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dialling);
    }

    [Fact]
    public async Task A_client_of_a_lower_port_is_tracked_and_answered()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Stateless(_full, Direction.Outbound));
        using var client = bench.Host.Inside(() => new UdpClient(new IPEndPoint(IPAddress.Any, 123)));
        using var deadline = new CancellationTokenSource(Bench.Deadline);
        await client.SendAsync(new byte[] { 1 }, new IPEndPoint(Bench.PeerAddress(false).ToIPAddress(), 80), deadline.Token);
        await client.ReceiveAsync(deadline.Token);
        Assert.Contains(Tracked(bench), c => c.Original.SourcePort == 123 && c.Original.DestinationPort == 80);
    }

    [Theory]
    [InlineData(Direction.Inbound, false)]
    [InlineData(Direction.Outbound, true)]
    public async Task Live_connections_survive_tracking_that_comes_and_goes_and_end_when_forbidden(Direction direction, bool isV6)
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Stateless(_full, direction, stateless: false));
        var connection = await DialAsync(bench, direction, isV6, 80);
        for (var i = 0; i < 3; i++)
        {
            await bench.ApplyAsync(Stateless(_full, direction));
            await Bench.TalkAsync(connection);
            await bench.ApplyAsync(Stateless(_full, direction, stateless: false));
            await Bench.TalkAsync(connection);
        }

        await bench.ApplyAsync(Stateless(_full, direction));
        var outcome = await bench.ApplyAsync(Make(_full, []));
        Assert.Equal(1, outcome.Destroyed);
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using var deadline = new CancellationTokenSource(Bench.Deadline);
            while (true)
            {
                await connection.SendAsync(new byte[] { 1 }, deadline.Token);
                await connection.ReceiveAsync(new byte[1], deadline.Token);
            }
        });
    }

    [Fact]
    public async Task Untracked_connections_are_not_put_into_conntrack_when_others_are_settled()
    {
        await using var bench = new Bench();
        var policy = Stateless(_full, Direction.Inbound);
        await bench.ApplyAsync(policy);
        var connection = await bench.DialAsync(bench.Peer, Bench.HostAddress(false), 80);
        var outcome = await bench.ApplyAsync(policy with { FailSafe = [new(Hosts("10.77.0.2"), [PortMatch.Tcp(8444)])] });
        Assert.Equal(0, outcome.Admitted);
        await Bench.TalkAsync(connection);
    }

    [Fact]
    public async Task What_others_translate_for_their_guests_is_translated_back()
    {
        await using var bench = new Bench();
        using var guest = NetworkNamespace.Create();
        bench.Host.Run("ip", "link", "add", "guest", "type", "veth", "peer", "name", "up", "netns", guest.Path);
        bench.Host.Run("ip", "address", "add", "10.78.0.1/24", "dev", "guest");
        bench.Host.Run("ip", "link", "set", "guest", "up");
        guest.Run("ip", "address", "add", "10.78.0.2/24", "dev", "up");
        guest.Run("ip", "link", "set", "dev", "up", "up");
        guest.Run("ip", "route", "add", "default", "via", "10.78.0.1");
        bench.Host.Run("sysctl", "-qw", "net.ipv4.ip_forward=1");
        bench.Host.Nft("""
            table ip guests {
              chain leaving {
                type nat hook postrouting priority srcnat;
                ip saddr 10.78.0.0/24 oifname "cable" masquerade
              }
            }
            """);
        await bench.ApplyAsync(Stateless(_full, Direction.Outbound));
        foreach (var protocol in (byte[])[IpProtocol.Tcp, IpProtocol.Udp])
        {
            Assert.True((await Probe.RunAsync(bench, guest, Bench.PeerAddress(false), protocol, 80)).Reached, $"protocol {protocol}");
        }
    }

    private static HostPolicy Stateless(Modes modes, Direction direction, bool stateless = true) =>
        Make(modes, [Entry(direction, RuleAction.Allow, 1, 0, _ports) with { Stateless = stateless }], Hosts("10.77.0.2", "fd77::2"));

    private static Direction Opposite(Direction direction) => direction == Direction.Inbound ? Direction.Outbound : Direction.Inbound;

    private static Task<Attempt> AskAsync(Bench bench, Direction direction, bool isV6, byte protocol, ushort port) => direction == Direction.Inbound
        ? Probe.RunAsync(bench, bench.Peer, Bench.HostAddress(isV6), protocol, port)
        : Probe.RunAsync(bench, bench.Host, Bench.PeerAddress(isV6), protocol, port);

    private static Task<Socket> DialAsync(Bench bench, Direction direction, bool isV6, int port) => direction == Direction.Inbound
        ? bench.DialAsync(bench.Peer, Bench.HostAddress(isV6), port)
        : bench.DialAsync(bench.Host, Bench.PeerAddress(isV6), port);

    private static List<TrackedConnection> Tracked(Bench bench)
    {
        using var conntrack = bench.Host.Inside(Conntrack.Open);
        return conntrack.Dump();
    }
}
