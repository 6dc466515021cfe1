using System.Net;
using System.Net.Sockets;
using Bulkhead.Agent.Channel;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Agent.Tests.Channel;

public sealed class OwnConnectionsTests
{
    // Longer than a part of a name may be, so that nobody is asked for it.
    private static readonly string _unknown = new('x', 64);

    [Fact]
    public async Task A_controller_whose_name_nobody_looks_up_is_reached_where_the_policy_says_that_it_is()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var port = (ushort)((IPEndPoint)listener.LocalEndPoint!).Port;
        var own = new OwnConnections(TimeProvider.System)
        {
            // Another service of the same machine is none.
            Known = () => [new(IpAddress.Parse("127.0.0.9"), (ushort)(port ^ 1)), new(IpAddress.Parse("127.0.0.1"), port)],
        };
        await using var stream = await own.ConnectAsync(new DnsEndPoint(_unknown, port), deadline.Token);
        using var accepted = await listener.AcceptAsync(deadline.Token);
        Assert.Equal(IPAddress.Loopback, ((IPEndPoint)accepted.LocalEndPoint!).Address);
    }

    [Fact]
    public async Task Without_a_name_or_a_policy_it_is_not_found()
    {
        var own = new OwnConnections(TimeProvider.System) { Known = () => [new ControllerEndpoint(IpAddress.Parse("127.0.0.1"), 8445)] };
        var refused = await Assert.ThrowsAsync<SocketException>(async () => await own.ConnectAsync(new DnsEndPoint(_unknown, 8444), CancellationToken.None));
        Assert.Equal(SocketError.HostNotFound, refused.SocketErrorCode);
    }
}
