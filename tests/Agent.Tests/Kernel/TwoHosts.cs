using System.Net;
using System.Net.Sockets;
using Bulkhead.Firewall.Tests;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>Two hosts joined by a cable, in both families; the first is where the agent is. Connection tracking is on in the first.</summary>
internal sealed class TwoHosts : IDisposable
{
    private readonly List<IDisposable> _open = [];

    public TwoHosts()
    {
        Host.Run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", Peer.Path);
        Address(Host, "10.78.0.1", "fd78::1");
        Address(Peer, "10.78.0.2", "fd78::2");
    }

    public NetworkNamespace Host { get; } = NetworkNamespace.Create();

    public NetworkNamespace Peer { get; } = NetworkNamespace.Create();

    public static IPAddress HostAddress(bool v6) => IPAddress.Parse(v6 ? "fd78::1" : "10.78.0.1");

    public static IPAddress PeerAddress(bool v6) => IPAddress.Parse(v6 ? "fd78::2" : "10.78.0.2");

    /// <summary>Has the host track connections, and log the ones to a port before it drops them.</summary>
    public void Track(ushort blockedPort, string prefix) => Host.Nft($$"""
        table inet track {
          chain input {
            type filter hook input priority 0;
            ct state established accept
            tcp dport {{blockedPort}} log group 4077 prefix "{{prefix}}" drop
          }
        }
        """);

    public Socket Listen(NetworkNamespace at, IPAddress address, ushort port)
    {
        var listener = at.Inside(() => new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        _open.Add(listener);
        listener.Bind(new IPEndPoint(address, port));
        listener.Listen();
        return listener;
    }

    /// <summary>Opens a connection and leaves it open; a byte has gone each way.</summary>
    public async Task<Socket> DialAsync(NetworkNamespace from, Socket listener)
    {
        var socket = from.Inside(() => new Socket(listener.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        _open.Add(socket);
        await socket.ConnectAsync(listener.LocalEndPoint!);
        var accepted = await listener.AcceptAsync();
        _open.Add(accepted);
        await socket.SendAsync(new byte[1000]);
        await accepted.ReceiveAsync(new byte[1000]);
        await accepted.SendAsync(new byte[1]);
        await socket.ReceiveAsync(new byte[1]);
        return socket;
    }

    public void Keep(IDisposable open) => _open.Add(open);

    public void Dispose()
    {
        _open.ForEach(open => open.Dispose());
        Host.Dispose();
        Peer.Dispose();
    }

    private static void Address(NetworkNamespace host, string v4, string v6)
    {
        host.Run("ip", "address", "add", v4 + "/24", "dev", "eth0");
        host.Run("ip", "address", "add", v6 + "/64", "dev", "eth0", "nodad");
        host.Run("ip", "link", "set", "eth0", "up");
    }
}
