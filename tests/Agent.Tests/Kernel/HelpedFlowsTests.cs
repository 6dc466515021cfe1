using System.Net;
using System.Net.Sockets;
using Bulkhead.Contracts.Agent;
using Bulkhead.Enforcement.Plan;
using Bulkhead.Enforcement.Render;
using Bulkhead.Firewall.Tests;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using Direction = Bulkhead.Policy.Rules.Direction;
using EnforcementMode = Bulkhead.Policy.Rules.EnforcementMode;
using HostEntry = Bulkhead.Policy.Compile.HostEntry;
using HostPolicy = Bulkhead.Policy.Compile.HostPolicy;
using PeerSet = Bulkhead.Policy.Compile.PeerSet;
using PortMatch = Bulkhead.Policy.Services.PortMatch;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>What is told of connections that helpers expect. Needs root.</summary>
public sealed class HelpedFlowsTests
{
    [Theory]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task Data_connections_count_in_the_flow_of_the_session_that_a_rule_helps_and_are_their_own_else(bool isV6, bool asConsumer)
    {
        await using var host = new WatchedHost();
        host.Hosts.Host.Nft(NftScript.Replace(FirewallRenderer.Render(Helping(asConsumer ? Direction.Outbound : Direction.Inbound), NameLookups.None)));
        await host.StartAsync();
        var (us, them) = (TwoHosts.HostAddress(isV6), TwoHosts.PeerAddress(isV6));
        var (client, server, address) = asConsumer ? (host.Hosts.Host, host.Hosts.Peer, them) : (host.Hosts.Peer, host.Hosts.Host, us);
        var expected = new List<string>();
        foreach (var port in new[] { 21, 2121 })
        {
            using var session = await FtpSession.OpenAsync(client, server, address, port);
            var passive = await DialAsync(session.ClientHost, session.ClientAddress, await session.PassiveAsync());
            var active = await DialAsync(session.ServerHost, session.ServerAddress, await session.ActiveAsync());
            var (there, back) = asConsumer ? ("Outbound", "Inbound") : ("Inbound", "Outbound");
            expected.AddRange(port == 21 ? [$"{there} {them} 21 x3"] : [$"{there} {them} 2121 x1", $"{there} {them} {passive} x1", $"{back} {them} {active} x1"]);
        }

        await host.SeenAsync(6);
        var told = await host.StopAsync();
        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            told.Flows.Where(flow => flow is { Protocol: IpProtocol.Tcp, Outcome: Outcome.Passed })
                .GroupBy(flow => $"{flow.Direction} {new IPAddress(flow.RemoteAddress.Span)} {flow.Port}", flow => (long)flow.Connections)
                .Select(same => $"{same.Key} x{same.Sum()}").Order(StringComparer.Ordinal));
        Assert.Equal(0UL, told.LostEvents);
        // Both data connections' bytes, each way as it was, are among the session's.
        var helped = told.Flows.Where(flow => flow.Port == 21).ToList();
        Assert.True(helped.Sum(flow => (long)(asConsumer ? flow.BytesOut : flow.BytesIn)) > 2 * 5000, string.Join('\n', helped));
    }

    /// <summary>The kernel names a parent by its first packet, which went to another port.</summary>
    [Fact]
    public async Task Where_the_sessions_port_is_translated_the_one_that_is_served_counts()
    {
        await using var host = new WatchedHost();
        host.Hosts.Host.Nft(NftScript.Replace(FirewallRenderer.Render(Helping(Direction.Inbound), NameLookups.None)));
        host.Hosts.Host.Nft("table ip translate { chain arriving { type nat hook prerouting priority dstnat; tcp dport 2100 redirect to :21; }; }");
        await host.StartAsync();
        using var session = await FtpSession.OpenAsync(host.Hosts.Peer, host.Hosts.Host, TwoHosts.HostAddress(false), 21, dialled: 2100);
        await DialAsync(session.ClientHost, session.ClientAddress, await session.PassiveAsync());
        await host.SeenAsync(2);
        var flows = (await host.StopAsync()).Flows.Where(flow => flow.Protocol == IpProtocol.Tcp).ToList();
        Assert.Equal((21u, 2ul), (flows.Select(flow => flow.Port).Distinct().Single(), (ulong)flows.Sum(flow => (long)flow.Connections)));
    }

    /// <summary>Sends 5,000 bytes each way; the port at which the listener was.</summary>
    private static async Task<int> DialAsync(NetworkNamespace from, IPAddress source, Socket listener)
    {
        var to = (IPEndPoint)listener.LocalEndPoint!;
        using var socket = from.Inside(() => new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        // A host may have several addresses, of which the session's is the one that is expected.
        socket.Bind(new IPEndPoint(source, 0));
        await socket.ConnectAsync(to);
        using var accepted = await listener.AcceptAsync();
        foreach (var (sender, receiver) in new[] { (socket, accepted), (accepted, socket) })
        {
            await sender.SendAsync(new byte[5000]);
            for (var left = 5000; left > 0;)
            {
                left -= await receiver.ReceiveAsync(new byte[left]);
            }
        }

        return to.Port;
    }

    /// <summary>Everything passes, and port 21 with a helper, which is given where something is enforced.</summary>
    private static HostPolicy Helping(Direction direction)
    {
        IpPrefix[] everybody = [IpPrefix.AllV4, IpPrefix.AllV6];
        return new()
        {
            Generation = new(1, 1),
            Modes = direction == Direction.Inbound ? new(EnforcementMode.Full, default) : new(default, EnforcementMode.Full),
            Entries =
            [
                new HostEntry(direction, RuleAction.Allow, new(1), "all", [PortMatch.Tcp(21)], null, [], false) { Helper = ConnectionHelper.Find("ftp") },
                new HostEntry(direction, RuleAction.Allow, new(2), "all", [PortMatch.Any], null, [], false),
            ],
            PeerSets = [new PeerSet("all", PeerSetDigest.Of(everybody), [.. everybody])],
        };
    }
}
