using System.Net;
using System.Net.Sockets;
using System.Text;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Plan;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>What connection-tracking helpers that rules name let pass, in the real kernel with its own helpers, and what they do not.</summary>
public class HelperTests
{
    private static readonly Modes _full = new(EnforcementMode.Full, EnforcementMode.Full);
    private static readonly ConnectionHelper _ftp = ConnectionHelper.Find("ftp")!;
    private static readonly ConnectionHelper _tftp = ConnectionHelper.Find("tftp")!;

    public static TheoryData<Direction, bool> Ways => new() { { Direction.Inbound, false }, { Direction.Inbound, true }, { Direction.Outbound, false }, { Direction.Outbound, true } };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Data_connections_pass_where_a_rule_names_the_helper_and_only_there(Direction direction, bool isV6)
    {
        await using var bench = new Bench();
        foreach (var helper in new[] { _ftp, null, _ftp })
        {
            await bench.ApplyAsync(Ftp(direction, helper));
            using var session = await OpenAsync(bench, direction, isV6);
            Assert.Equal(helper is not null, await ArrivesAsync(bench, session.ClientHost, await session.PassiveAsync()));
            Assert.Equal(helper is not null, await ArrivesAsync(bench, session.ServerHost, await session.ActiveAsync()));
            await session.TalkAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task One_direction_in_full_blocks_what_was_agreed_upon_in_one_that_only_looks(Direction direction, bool isV6)
    {
        await using var bench = new Bench();
        var modes = direction == Direction.Inbound ? new Modes(EnforcementMode.Visibility, EnforcementMode.Full) : new Modes(EnforcementMode.Full, EnforcementMode.Visibility);
        await bench.ApplyAsync(Ftp(direction, _ftp) with { Modes = modes });
        using var session = await OpenAsync(bench, direction, isV6);
        Assert.False(await ArrivesAsync(bench, session.ServerHost, await session.ActiveAsync()));
        Assert.True(await ArrivesAsync(bench, session.ClientHost, await session.PassiveAsync()));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Nobody_but_the_two_ends_connects_and_only_to_the_port_that_was_agreed_upon(Direction direction, bool isV6)
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Ftp(direction, _ftp));
        using var session = await OpenAsync(bench, direction, isV6);
        using var without = await OpenAsync(bench, direction, isV6, 2121);
        var third = IPAddress.Parse(isV6 ? "fd77::3" : "10.77.0.3");
        AddAddress(bench.Peer, third);
        // The one that waits at the host with the firewall, for the peer; the kernel expects one connection of a session at a time.
        var (asked, other) = direction == Direction.Inbound ? (await session.PassiveAsync(), await without.PassiveAsync()) : (await session.ActiveAsync(), await without.ActiveAsync());
        // What the session on a port without a helper agreed upon; and from elsewhere what this one did.
        Assert.False(await ArrivesAsync(bench, bench.Peer, other));
        Assert.False(await ArrivesAsync(bench, bench.Peer, asked, third));
        Assert.True(await ArrivesAsync(bench, bench.Peer, asked, Bench.PeerAddress(isV6).ToIPAddress()));
        // Once.
        Assert.False(await ArrivesAsync(bench, bench.Peer, asked, Bench.PeerAddress(isV6).ToIPAddress()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_names_a_third_host_opens_nothing(bool isV6)
    {
        await using var bench = new Bench();
        var third = IPAddress.Parse(isV6 ? "fd77::3" : "10.77.0.3");
        // The third host is even one that the rule means.
        await bench.ApplyAsync(Make(_full, [Allow(Direction.Inbound, _ftp)], Hosts("10.77.0.2", "fd77::2", "10.77.0.3", "fd77::3")));
        using var session = await OpenAsync(bench, Direction.Inbound, isV6);
        AddAddress(bench.Peer, third);
        using var listener = bench.Peer.Inside(() => new Socket(third.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(third, 0));
        listener.Listen(1);
        await session.AskAsync(third, FtpSession.PortOf(listener));
        Assert.False(await ArrivesAsync(bench, bench.Host, listener));
    }

    [Fact]
    public async Task A_helper_that_others_gave_a_connection_opens_nothing_even_to_who_may_be_helped()
    {
        await using var bench = new Bench();
        bench.Host.Nft("""
            table inet others {
              ct helper ftp { type "ftp" protocol tcp; }
              chain arriving {
                type filter hook prerouting priority filter;
                tcp dport 2121 ct helper set "ftp"
              }
              chain counted {
                type filter hook input priority filter - 20;
                ct state related ct helper "ftp" counter
              }
            }
            """);
        await bench.ApplyAsync(Ftp(Direction.Inbound, _ftp));
        using var session = await OpenAsync(bench, Direction.Inbound, false, 2121);
        Assert.False(await ArrivesAsync(bench, bench.Peer, await session.PassiveAsync()));
        Assert.DoesNotContain("counter packets 0 ", bench.Host.Run("nft", "list", "chain", "inet", "others", "counted"), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Nothing_is_agreed_upon_below_port_1024(Direction direction, bool isV6)
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Ftp(direction, _ftp));
        using var session = await OpenAsync(bench, direction, isV6);
        Assert.False(await ArrivesAsync(bench, session.ClientHost, await session.PassiveAsync(873)));
        Assert.False(await ArrivesAsync(bench, session.ClientHost, await session.PassiveAsync(1023)));
        Assert.True(await ArrivesAsync(bench, session.ClientHost, await session.PassiveAsync(1024)));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_session_whose_helper_is_taken_away_agrees_upon_nothing_more_though_another_service_has_it(Direction direction, bool isV6)
    {
        await using var bench = new Bench();
        var helped = Ftp(direction, _ftp);
        var both = helped with { Entries = helped.Entries.Select(entry => entry with { Helper = _ftp }).ToEquatableArray() };
        await bench.ApplyAsync(both);
        using var kept = await OpenAsync(bench, direction, isV6);
        using var taken = await OpenAsync(bench, direction, isV6, 2121);
        Assert.True(await ArrivesAsync(bench, taken.ClientHost, await taken.PassiveAsync()));
        // Agreed upon, not used before the change.
        var agreed = await taken.ActiveAsync();

        await bench.ApplyAsync(helped);
        using (var deadline = new CancellationTokenSource(Bench.Deadline))
        {
            Assert.True((await bench.Driver.SettleAsync(deadline.Token)).Ok);
        }

        Assert.False(await ArrivesAsync(bench, taken.ServerHost, agreed));
        Assert.False(await ArrivesAsync(bench, taken.ClientHost, await taken.PassiveAsync()));
        await taken.TalkAsync();
        Assert.True(await ArrivesAsync(bench, kept.ClientHost, await kept.PassiveAsync()));
        Assert.True(await ArrivesAsync(bench, kept.ServerHost, await kept.ActiveAsync()));
    }

    /// <summary>Older than the agent, or lost by conntrack: its entry is made anew, which is the one moment at which the kernel takes a helper for it.</summary>
    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_session_that_conntrack_did_not_know_has_the_helper_that_its_rule_gives_and_no_other(Direction direction, bool isV6)
    {
        await using var bench = new Bench();
        using var helped = await OpenAsync(bench, direction, isV6);
        using var without = await OpenAsync(bench, direction, isV6, 2121);
        await bench.ApplyAsync(Ftp(direction, _ftp));
        for (var lost = 0; lost < 2; lost++)
        {
            Assert.True(await ArrivesAsync(bench, helped.ClientHost, await helped.PassiveAsync()));
            Assert.True(await ArrivesAsync(bench, helped.ServerHost, await helped.ActiveAsync()));
            Assert.False(await ArrivesAsync(bench, without.ClientHost, await without.PassiveAsync()));
            Assert.False(await ArrivesAsync(bench, without.ServerHost, await without.ActiveAsync()));
            bench.Host.Run("conntrack", "--flush");
            using var deadline = new CancellationTokenSource(Bench.Deadline);
            // What is left of data connections too.
            Assert.True((await bench.Driver.SettleAsync(deadline.Token)).Admitted >= 2);
        }

        // Nor has it one any more once the rule gives none.
        await bench.ApplyAsync(Ftp(direction, null));
        Assert.False(await ArrivesAsync(bench, helped.ClientHost, await helped.PassiveAsync()));
    }

    [Fact]
    public async Task An_override_deny_of_the_data_port_stands()
    {
        await using var bench = new Bench();
        var policy = Ftp(Direction.Inbound, _ftp);
        await bench.ApplyAsync(policy with { Entries = [Entry(Direction.Inbound, RuleAction.OverrideDeny, 7, 0, PortMatch.Tcp(3306)), .. policy.Entries] });
        using var session = await OpenAsync(bench, Direction.Inbound, false);
        Assert.False(await ArrivesAsync(bench, session.ClientHost, await session.PassiveAsync(3306)));
        Assert.True(await ArrivesAsync(bench, session.ClientHost, await session.PassiveAsync()));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Data_connections_survive_other_changes_and_end_with_their_rule(Direction direction, bool isV6)
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Ftp(direction, _ftp));
        using var session = await OpenAsync(bench, direction, isV6);
        var passive = await ConnectAsync(session.ClientHost, await session.PassiveAsync());
        var active = await ConnectAsync(session.ServerHost, await session.ActiveAsync());

        var changed = Ftp(direction, _ftp);
        var outcome = await bench.ApplyAsync(changed with { FailSafe = [new(Hosts("10.77.0.2"), [PortMatch.Tcp(8444)])] });
        Assert.Equal((0, 0), (outcome.Destroyed, outcome.Forgotten));
        await TalkAsync(passive);
        await TalkAsync(active);
        await session.TalkAsync();

        // Without the helper the session goes on, alone.
        outcome = await bench.ApplyAsync(Ftp(direction, null));
        Assert.Equal(2, outcome.Destroyed);
        await session.TalkAsync();
        await AssertEndedAsync(passive);
        await AssertEndedAsync(active);
    }

    [Theory]
    [InlineData(Direction.Inbound, false)]
    [InlineData(Direction.Outbound, true)]
    public async Task When_the_session_is_forbidden_its_data_connections_end_with_it(Direction direction, bool isV6)
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Ftp(direction, _ftp));
        using var session = await OpenAsync(bench, direction, isV6);
        var data = await ConnectAsync(session.ClientHost, await session.PassiveAsync());
        var policy = Ftp(direction, _ftp);
        Assert.Equal(2, (await bench.ApplyAsync(policy with { Entries = [Entry(direction, RuleAction.OverrideDeny, 7, 0, PortMatch.Tcp(21)), .. policy.Entries] })).Destroyed);
        await AssertEndedAsync(data);
    }

    [Theory]
    [InlineData(Direction.Inbound, false, false)]
    [InlineData(Direction.Inbound, true, true)]
    [InlineData(Direction.Outbound, true, false)]
    [InlineData(Direction.Outbound, false, true)]
    public async Task A_server_of_tftp_answers_from_another_port(Direction direction, bool isV6, bool asksAgain)
    {
        await using var bench = new Bench();
        using var sameClient = (direction == Direction.Inbound ? bench.Peer : bench.Host).Inside(() => new UdpClient(isV6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork));
        foreach (var helper in new[] { null, _tftp })
        {
            await bench.ApplyAsync(Make(_full, [Entry(direction, RuleAction.Allow, 1, 0, PortMatch.Udp(69)) with { Helper = helper }], Hosts("10.77.0.2", "fd77::2")));
            var (client, server) = direction == Direction.Inbound ? (bench.Peer, bench.Host) : (bench.Host, bench.Peer);
            var address = (direction == Direction.Inbound ? Bench.HostAddress(isV6) : Bench.PeerAddress(isV6)).ToIPAddress();
            using var deadline = new CancellationTokenSource(Bench.Deadline);
            using var requests = server.Inside(() => new UdpClient(new IPEndPoint(address, 69)));
            using var transfer = server.Inside(() => new UdpClient(new IPEndPoint(address, 0)));
            // Who asks again from the same port is known to conntrack since before there was a helper.
            using var another = client.Inside(() => new UdpClient(address.AddressFamily));
            var asking = asksAgain ? sameClient : another;
            await asking.SendAsync(Encoding.ASCII.GetBytes("\0\u0001boot\0octet\0"), new IPEndPoint(address, 69), deadline.Token);
            var asked = await requests.ReceiveAsync(deadline.Token);
            var block = ((IPEndPoint)transfer.Client.LocalEndPoint!).Port;
            var answered = asking.ReceiveAsync(deadline.Token).AsTask();
            var blocked = bench.Blocks.NextAsync(report => report.Protocol == IpProtocol.Udp && report.SourcePort == block, deadline.Token);
            try
            {
                await transfer.SendAsync(new byte[] { 0, 3, 0, 1, 7 }, asked.RemoteEndPoint, deadline.Token);
            }
            catch (SocketException)
            {
                // What is rejected on its way out is told to its sender.
            }

            var first = await Task.WhenAny(answered, blocked);
            Assert.Equal(helper is not null, first == answered);
            if (helper is not null)
            {
                // The acknowledgement goes back to where the answer came from.
                await asking.SendAsync(new byte[] { 0, 4, 0, 1 }, (await answered).RemoteEndPoint, deadline.Token);
                Assert.Equal(4, (await transfer.ReceiveAsync(deadline.Token)).Buffer[1]);
            }

            await deadline.CancelAsync();
        }
    }

    [Fact]
    public void The_kernel_takes_every_helper_and_differences_put_them_in_and_out()
    {
        using var stepwise = NetworkNamespace.Create();
        using var whole = NetworkNamespace.Create();
        FirewallDocument? before = null;
        foreach (var helper in ConnectionHelper.All.Select(h => (ConnectionHelper?)h).Append(null).Append(_ftp))
        {
            PortMatch[] ports = helper is null ? [PortMatch.Tcp(21)] : [.. helper.Follows.Select(protocol => Range(protocol, 21, 21))];
            var document = FirewallRenderer.Render(Make(_full, [Entry(Direction.Inbound, RuleAction.Allow, 1, 0, ports) with { Helper = helper }], Hosts("10.77.0.2")), NameLookups.None);
            stepwise.Nft(FirewallPlan.Diff(before, document).Script);
            whole.Nft(NftScript.Replace(document));
            // Chains are listed in the order in which they came.
            Assert.Equal(TableTests.Listing(whole), TableTests.Listing(stepwise));
            before = document;
        }

        stepwise.Nft(NftScript.Remove());
        Assert.Empty(stepwise.Run("nft", "list", "ruleset"));
    }

    [Fact]
    public async Task Who_changes_helpers_in_our_table_is_told_and_undone()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Ftp(Direction.Inbound, _ftp));
        Assert.Empty(await bench.Driver.ExamineAsync(CancellationToken.None));
        bench.Host.Run("nft", "add", "ct", "helper", "inet", "bulkhead", "more", "{ type \"sip\" protocol udp; }");
        Assert.Equal(["object helper more: added"], await bench.Driver.ExamineAsync(CancellationToken.None));
        await bench.ApplyAsync(Ftp(Direction.Inbound, _ftp), replace: true);
        Assert.Empty(await bench.Driver.ExamineAsync(CancellationToken.None));

        bench.Host.Run("nft", "flush", "chain", "inet", "bulkhead", "help_ftp");
        bench.Host.Nft("delete ct helper inet bulkhead help_ftp_tcp\nadd ct helper inet bulkhead help_ftp_tcp { type \"irc\" protocol tcp; }\nadd rule inet bulkhead help_ftp ct helper set \"help_ftp_tcp\"\n");
        Assert.Contains("object helper help_ftp_tcp: another of this name took its place", await bench.Driver.ExamineAsync(CancellationToken.None));
    }

    [Fact]
    public async Task The_host_says_which_helpers_it_has()
    {
        await using var bench = new Bench();
        var features = await bench.Host.Inside(() => bench.Driver.ProbeAsync());
        Assert.All(ConnectionHelper.All, helper => Assert.Contains(helper.Feature, features));
        Assert.Empty(bench.Host.Run("nft", "list", "ruleset"));
    }

    private static HostEntry Allow(Direction direction, ConnectionHelper? helper) => Entry(direction, RuleAction.Allow, 1, 0, PortMatch.Tcp(21)) with { Helper = helper };

    /// <summary>FTP at port 21, and at 2121 without a helper.</summary>
    private static HostPolicy Ftp(Direction direction, ConnectionHelper? helper) =>
        Make(_full, [Allow(direction, helper), Entry(direction, RuleAction.Allow, 2, 0, PortMatch.Tcp(2121))], Hosts("10.77.0.2", "fd77::2"));

    private static Task<FtpSession> OpenAsync(Bench bench, Direction direction, bool isV6, int port = 21) => direction == Direction.Inbound
        ? FtpSession.OpenAsync(bench.Peer, bench.Host, Bench.HostAddress(isV6).ToIPAddress(), port)
        : FtpSession.OpenAsync(bench.Host, bench.Peer, Bench.PeerAddress(isV6).ToIPAddress(), port);

    private static void AddAddress(NetworkNamespace host, IPAddress address) => host.Run(
        "ip", ["address", "add", $"{address}/{(address.AddressFamily == AddressFamily.InterNetwork ? 24 : 64)}", "dev", "cable", .. address.AddressFamily == AddressFamily.InterNetwork ? Array.Empty<string>() : ["nodad"]]);

    /// <summary>Whether a connection is made, or the firewall reports that it is blocked.</summary>
    private static async Task<bool> ArrivesAsync(Bench bench, NetworkNamespace from, Socket listener, IPAddress? source = null)
    {
        var to = (IPEndPoint)listener.LocalEndPoint!;
        using var deadline = new CancellationTokenSource(Bench.Deadline);
        using var socket = from.Inside(() => new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        socket.Bind(new IPEndPoint(source ?? (to.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any), 0));
        var local = ((IPEndPoint)socket.LocalEndPoint!).Port;
        var connected = socket.ConnectAsync(to, deadline.Token).AsTask();
        var blocked = bench.Blocks.NextAsync(report => report.Protocol == IpProtocol.Tcp && report.SourcePort == local, deadline.Token);
        var arrived = await Task.WhenAny(connected, blocked) == connected && connected.IsCompletedSuccessfully;
        if (!arrived)
        {
            await blocked;
        }

        await deadline.CancelAsync();
        return arrived;
    }

    private static async Task<(Socket, Socket)> ConnectAsync(NetworkNamespace from, Socket listener)
    {
        using var deadline = new CancellationTokenSource(Bench.Deadline);
        var to = (IPEndPoint)listener.LocalEndPoint!;
        var socket = from.Inside(() => new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        await socket.ConnectAsync(to, deadline.Token);
        var accepted = await listener.AcceptAsync(deadline.Token);
        await TalkAsync((socket, accepted));
        return (socket, accepted);
    }

    private static async Task TalkAsync((Socket Here, Socket There) ends)
    {
        using var deadline = new CancellationTokenSource(Bench.Deadline);
        foreach (var (from, to) in new[] { (ends.Here, ends.There), (ends.There, ends.Here) })
        {
            await from.SendAsync(new byte[] { 7 }, deadline.Token);
            Assert.Equal(1, await to.ReceiveAsync(new byte[1], deadline.Token));
        }
    }

    private static async Task AssertEndedAsync((Socket Here, Socket There) ends)
    {
        foreach (var socket in new[] { ends.Here, ends.There })
        {
            await Assert.ThrowsAsync<SocketException>(async () =>
            {
                using var deadline = new CancellationTokenSource(Bench.Deadline);
                await socket.ReceiveAsync(new byte[1], deadline.Token);
            });
        }
    }
}
