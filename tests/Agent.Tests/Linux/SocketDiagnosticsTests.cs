using System.Net;
using System.Net.Sockets;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Tests.Linux;

/// <summary>Sockets are found by their ends in the real kernel.</summary>
public class SocketDiagnosticsTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void A_connected_udp_socket_is_found_by_its_ends(string address)
    {
        var loopback = IPAddress.Parse(address);
        using var server = new Socket(loopback.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        server.Bind(new IPEndPoint(loopback, 0));
        using var client = new Socket(loopback.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        client.Connect(server.LocalEndPoint!);
        Assert.True(Find(IpProtocol.Udp, client) is { Inode: > 0 });
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void A_connected_tcp_socket_is_found_by_its_ends(string address)
    {
        var loopback = IPAddress.Parse(address);
        using var server = new Socket(loopback.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        server.Bind(new IPEndPoint(loopback, 0));
        server.Listen();
        using var client = new Socket(loopback.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(server.LocalEndPoint!);
        Assert.True(Find(IpProtocol.Tcp, client) is { Inode: > 0 });
    }

    private static LocalSocket? Find(byte protocol, Socket client)
    {
        var (local, remote) = ((IPEndPoint)client.LocalEndPoint!, (IPEndPoint)client.RemoteEndPoint!);
        using var sockets = SocketDiagnostics.Open();
        return sockets.Find(protocol, IpAddress.Parse(local.Address.ToString()), (ushort)local.Port, IpAddress.Parse(remote.Address.ToString()), (ushort)remote.Port);
    }
}
