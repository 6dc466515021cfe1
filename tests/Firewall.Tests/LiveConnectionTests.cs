using System.Net.Sockets;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>What becomes of connections that are older than the rules.</summary>
public class LiveConnectionTests
{
    private static readonly Modes _full = new(EnforcementMode.Full, EnforcementMode.Full);

    [Theory]
    [InlineData(Direction.Inbound, false)]
    [InlineData(Direction.Inbound, true)]
    [InlineData(Direction.Outbound, false)]
    [InlineData(Direction.Outbound, true)]
    public async Task Tightening_ends_a_forbidden_connection_at_both_ends_and_leaves_an_allowed_one(Direction direction, bool isV6)
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Open(default));
        var forbidden = await DialAsync(bench, direction, isV6, 80);
        var allowed = await DialAsync(bench, direction, isV6, 443);

        var outcome = await bench.ApplyAsync(Open(_full, PortMatch.Tcp(443)));

        Assert.Equal(1, outcome.Destroyed);
        await AssertEndedAsync(forbidden);
        await Bench.TalkAsync(allowed);
        Assert.DoesNotContain(Tracked(bench), c => c.Original.DestinationPort == 80);
    }

    /// <summary>The kernel walks conntrack for it, so that a change that comes meanwhile does not wait.</summary>
    [Fact]
    public async Task What_conntrack_alone_knows_of_is_judged_by_the_policy_that_is_in_force_once_it_is_read()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Open(_full, PortMatch.Udp(80)));
        Assert.True((await Probe.RunAsync(bench, bench.Peer, Bench.HostAddress(false), IpProtocol.Udp, 80)).Reached);

        await RulesAsync(Open(_full, PortMatch.Tcp(80)));
        await RulesAsync(Open(_full, PortMatch.Udp(80)));
        Assert.Equal(0, (await bench.Driver.SweepAsync(CancellationToken.None)).Forgotten);
        await RulesAsync(Open(_full, PortMatch.Tcp(80)));
        Assert.Contains(Tracked(bench), IsUdp);
        Assert.Equal(1, (await bench.Driver.SweepAsync(CancellationToken.None)).Forgotten);

        Assert.DoesNotContain(Tracked(bench), IsUdp);
        Assert.Equal(0, (await bench.Driver.SweepAsync(CancellationToken.None)).Forgotten);

        async Task RulesAsync(HostPolicy policy) => Assert.True((await bench.Host.Inside(() => bench.Driver.ApplyRulesAsync(policy, false, CancellationToken.None))).Ok);

        static bool IsUdp(Bulkhead.Enforcement.Connections.TrackedConnection tracked) => tracked.Original.Protocol == IpProtocol.Udp && tracked.Original.DestinationPort == 80;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_gets_the_port_of_a_connection_that_conntrack_still_holds_is_judged(bool isV6)
    {
        const ushort left = 40_001;
        await using var bench = new Bench();
        await bench.ApplyAsync(Open(_full, PortMatch.Tcp(443)));
        var (peer, host) = (Bench.PeerAddress(isV6), Bench.HostAddress(isV6));
        using (var conntrack = bench.Host.Inside(Conntrack.Open))
        {
            Assert.True(conntrack.Admit(new(new(IpProtocol.Tcp, peer, left, host, 80))));
        }

        using var socket = bench.Peer.Inside(() => new Socket(isV6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        socket.Bind(new System.Net.IPEndPoint(peer.ToIPAddress(), left));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await socket.ConnectAsync(new System.Net.IPEndPoint(host.ToIPAddress(), 80), patience.Token));
    }

    [Fact]
    public async Task A_live_allowed_connection_survives_two_hundred_updates()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Open(_full, PortMatch.Tcp(443)));
        var inbound = await DialAsync(bench, Direction.Inbound, false, 443);
        var outbound = await DialAsync(bench, Direction.Outbound, true, 443);
        for (var i = 0; i < 200; i++)
        {
            var (host, other) = ((string[])["10.77.0.2", $"10.77.1.{i + 1}", "fd77::2"], PortMatch.Tcp((ushort)(1000 + (i % 7))));
            var entries = Both(PortMatch.Tcp(443), other);
            await bench.ApplyAsync(Make(_full, entries, Hosts(host)), replace: i % 20 == 0);
            await Bench.TalkAsync(inbound);
            await Bench.TalkAsync(outbound);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Quarantine_cuts_live_connections_even_in_visibility(bool ofPeer)
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Open(default));
        var inbound = await DialAsync(bench, Direction.Inbound, false, 80);
        var outbound = await DialAsync(bench, Direction.Outbound, false, 80);
        var policy = Open(default);

        await bench.ApplyAsync(ofPeer ? policy with { QuarantinedPeers = Hosts("10.77.0.2") } : policy with { Quarantined = true });

        await AssertSilentAsync(bench, inbound);
        await AssertEndedAsync(outbound);
    }

    [Fact]
    public async Task Connections_older_than_the_agent_go_on_or_end_by_policy_and_the_listener_decides_their_direction()
    {
        await using var bench = new Bench();
        var inbound = await DialAsync(bench, Direction.Inbound, false, 443);
        var outbound = await DialAsync(bench, Direction.Outbound, true, 443);
        var forbidden = await DialAsync(bench, Direction.Inbound, false, 80);

        var outcome = await bench.ApplyAsync(Open(_full, PortMatch.Tcp(443)));

        Assert.Equal((3, 1, 1), (outcome.Admitted, outcome.Destroyed, outcome.Forgotten));
        await Bench.TalkAsync(inbound);
        await Bench.TalkAsync(outbound);
        await AssertEndedAsync(forbidden);
        var admitted = Tracked(bench).Where(c => c.Original.Protocol == IpProtocol.Tcp && !c.Original.Source.IsLoopback).ToArray();
        Assert.Contains(admitted, c => c.Original.Destination == Bench.HostAddress(false) && c.Original.DestinationPort == 443);
        Assert.Contains(admitted, c => c.Original.Source == Bench.HostAddress(true) && c.Original.DestinationPort == 443);
    }

    [Fact]
    public async Task A_translated_connection_is_judged_by_whom_it_really_reaches()
    {
        await using var bench = new Bench();
        bench.Host.Run("ip", "route", "add", "10.77.9.0/24", "via", "10.77.0.2");
        bench.Host.Nft("""
            table ip translate {
              chain output {
                type nat hook output priority -100;
                ip daddr 10.77.9.9 tcp dport 8080 dnat to 10.77.0.2:443
                ip daddr 10.77.9.9 tcp dport 8081 dnat to 10.77.0.2:80
              }
            }
            """);
        await bench.ApplyAsync(Open(default));
        var allowed = await bench.DialAsync(bench.Host, IpAddress.Parse("10.77.9.9"), 8080);
        var forbidden = await bench.DialAsync(bench.Host, IpAddress.Parse("10.77.9.9"), 8081);

        var outcome = await bench.ApplyAsync(Open(_full, PortMatch.Tcp(443)));

        Assert.Equal(1, outcome.Destroyed);
        await AssertEndedAsync(forbidden);
        await Bench.TalkAsync(allowed);
    }

    [Fact]
    public async Task After_conntrack_lost_everything_segments_are_strays_until_the_agent_settles_them()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Open(_full, PortMatch.Tcp(443)));
        var connection = await DialAsync(bench, Direction.Inbound, false, 443);
        using var deadline = new CancellationTokenSource(Bench.Deadline);
        Flush(bench);
        await connection.SendAsync(new byte[] { 1 }, deadline.Token);
        var report = await bench.Blocks.NextAsync(r => r.Prefix.Reason == BlockReason.Invalid, deadline.Token);
        Assert.Equal(Direction.Inbound, report.Direction);

        var outcome = await bench.Driver.SettleAsync(deadline.Token);

        Assert.Equal(1, outcome.Admitted);
        Assert.Equal(1, await connection.ReceiveAsync(new byte[8], deadline.Token));
        await Bench.TalkAsync(connection);
    }

    [Theory]
    [InlineData(Direction.Inbound, false)]
    [InlineData(Direction.Inbound, true)]
    [InlineData(Direction.Outbound, false)]
    [InlineData(Direction.Outbound, true)]
    public async Task A_connection_that_is_closed_by_half_is_admitted_as_that(Direction direction, bool byUs)
    {
        await using var bench = new Bench();
        using var listener = (direction == Direction.Inbound ? bench.Host : bench.Peer).Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new System.Net.IPEndPoint((direction == Direction.Inbound ? Bench.HostAddress(false) : Bench.PeerAddress(false)).ToIPAddress(), 444));
        listener.Listen(1);
        using var client = (direction == Direction.Inbound ? bench.Peer : bench.Host).Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        using var deadline = new CancellationTokenSource(Bench.Deadline);
        await client.ConnectAsync(listener.LocalEndPoint!, deadline.Token);
        using var server = await listener.AcceptAsync(deadline.Token);
        var (ours, theirs) = direction == Direction.Inbound ? (server, client) : (client, server);
        var (closing, other) = byUs ? (ours, theirs) : (theirs, ours);
        closing.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await other.ReceiveAsync(new byte[1], deadline.Token));

        Assert.Equal(1, (await bench.ApplyAsync(Open(_full, PortMatch.Tcp(444)))).Admitted);

        Assert.True(IsClosing());
        // What is left of it goes on, and is over for conntrack when it is.
        await other.SendAsync(new byte[] { 7 }, deadline.Token);
        Assert.Equal(1, await closing.ReceiveAsync(new byte[1], deadline.Token));
        other.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await closing.ReceiveAsync(new byte[1], deadline.Token));
        Assert.True(IsClosing());

        bool IsClosing()
        {
            using var conntrack = bench.Host.Inside(Conntrack.Open);
            var found = new List<bool>();
            conntrack.Dump(message =>
            {
                if (Bulkhead.Agent.Telemetry.ConntrackRecord.TryRead(message, isDump: true, out var record) && record.Port == 444)
                {
                    found.Add(record.Closed);
                }
            });
            return Assert.Single(found);
        }
    }

    private static HostPolicy Open(Modes modes, params PortMatch[] ports) =>
        Make(modes, Both(ports.Length == 0 ? [PortMatch.Any] : ports), Hosts("10.77.0.2", "fd77::2"));

    private static IEnumerable<HostEntry> Both(params PortMatch[] ports) =>
        [Entry(Direction.Inbound, RuleAction.Allow, 1, 0, ports), Entry(Direction.Outbound, RuleAction.Allow, 1, 0, ports)];

    private static Task<Socket> DialAsync(Bench bench, Direction direction, bool isV6, int port) => direction == Direction.Inbound
        ? bench.DialAsync(bench.Peer, Bench.HostAddress(isV6), port)
        : bench.DialAsync(bench.Host, Bench.PeerAddress(isV6), port);

    /// <summary>The connection was ended, not merely cut: reading says so at once instead of hanging.</summary>
    private static async Task AssertEndedAsync(Socket socket)
    {
        using var deadline = new CancellationTokenSource(Bench.Deadline);
        var error = await Assert.ThrowsAsync<SocketException>(async () => await socket.ReceiveAsync(new byte[1], deadline.Token));
        Assert.Contains(error.SocketErrorCode, (SocketError[])[SocketError.ConnectionReset, SocketError.ConnectionAborted]);
    }

    /// <summary>What is sent is blocked as quarantined.</summary>
    private static async Task AssertSilentAsync(Bench bench, Socket socket)
    {
        using var deadline = new CancellationTokenSource(Bench.Deadline);
        await socket.SendAsync(new byte[] { 1 }, deadline.Token);
        var report = await bench.Blocks.NextAsync(r => r.Prefix.Direction == Direction.Inbound, deadline.Token);
        Assert.Equal(BlockReason.Quarantine, report.Reason);
    }

    private static List<Bulkhead.Enforcement.Connections.TrackedConnection> Tracked(Bench bench)
    {
        using var conntrack = bench.Host.Inside(Conntrack.Open);
        return conntrack.Dump();
    }

    private static void Flush(Bench bench)
    {
        using var conntrack = bench.Host.Inside(Conntrack.Open);
        Assert.All(conntrack.Dump(), c => conntrack.Delete(c));
        Assert.Empty(conntrack.Dump());
    }
}
