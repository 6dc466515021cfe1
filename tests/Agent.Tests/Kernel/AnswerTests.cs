using System.Net;
using System.Net.Sockets;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>Exchanges of datagrams of which conntrack sees the answer first. Needs root.</summary>
public sealed class AnswerTests
{
    private const int Served = 8053;
    private const int Asked = 8054;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_answered_after_conntrack_lost_its_entry_is_told_as_what_was_asked(bool withPrograms)
    {
        await using var host = new WatchedHost(withPrograms);
        host.Gap.Close();
        var exchanges = new DatagramExchanges(host.Hosts, Served, Asked);
        await host.StartAsync();
        await exchanges.AskAsync();
        await host.SeenAsync(2);
        host.Hosts.Host.Run("conntrack", "-F");
        await host.SeenAsync(4);
        await exchanges.AnswerAsync();
        await host.SeenAsync(6);
        var told = await host.StopAsync();
        // Without programs it is a matter of luck who is named.
        Assert.Equal(
            [(Direction.Inbound, (uint)Served, 2UL, true), (Direction.Outbound, (uint)Asked, 2UL, true)],
            Datagrams(told).GroupBy(flow => (flow.Direction, flow.Port)).OrderBy(same => same.Key.Direction)
                .Select(same => (same.Key.Direction, same.Key.Port, (ulong)same.Sum(flow => (long)flow.Connections), !withPrograms || same.All(flow => flow.Process != 0))));
    }

    [Fact]
    public async Task Where_connections_were_tracked_all_along_whoever_sends_first_is_told_as_that_from_whatever_port()
    {
        await using var host = new WatchedHost();
        host.Gap.Close();
        var server = host.Open(atHost: true, SocketType.Dgram, ProtocolType.Udp, "10.78.0.1", Served);
        var other = host.Open(atHost: false, SocketType.Dgram, ProtocolType.Udp, WatchedHost.Passed);
        await host.StartAsync();
        await server.SendToAsync(new byte[8], other.LocalEndPoint!);
        await host.SeenAsync(1);
        var flow = Assert.Single(Datagrams(await host.StopAsync()));
        Assert.Equal((Direction.Outbound, (uint)((IPEndPoint)other.LocalEndPoint!).Port), (flow.Direction, flow.Port));
    }

    [Fact]
    public async Task What_comes_to_a_port_that_nobody_asks_from_is_no_answer()
    {
        await using var host = new WatchedHost();
        var other = host.Open(atHost: false, SocketType.Dgram, ProtocolType.Udp, WatchedHost.Passed, Served);
        await host.StartAsync();
        await other.SendToAsync(new byte[8], new IPEndPoint(TwoHosts.HostAddress(false), 40_000));
        await host.SeenAsync(1);
        var flow = Assert.Single(Datagrams(await host.StopAsync()));
        Assert.Equal((Direction.Inbound, 40_000U), (flow.Direction, flow.Port));
    }

    private static IEnumerable<FlowSummary> Datagrams(FlowBatch told) => told.Flows.Where(flow => flow.Protocol == 17 && flow.RemoteAddress.Length == 4);
}
