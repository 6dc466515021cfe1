using System.Net;
using System.Net.Sockets;
using Bulkhead.Firewall.Tests;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>Two exchanges of datagrams between two hosts, one that each of them asks for, from a port that the kernel gave it.</summary>
internal sealed class DatagramExchanges
{
    private readonly (Socket Server, Socket Client)[] _exchanges;
    private readonly List<EndPoint> _askers = [];

    /// <param name="hosts">The hosts.</param>
    /// <param name="served">The port that the first serves.</param>
    /// <param name="asked">The port that the second serves.</param>
    public DatagramExchanges(TwoHosts hosts, int served, int asked)
    {
        _exchanges =
        [
            (Open(hosts, hosts.Host, new(TwoHosts.HostAddress(false), served)), Open(hosts, hosts.Peer, null)),
            (Open(hosts, hosts.Peer, new(TwoHosts.PeerAddress(false), asked)), Open(hosts, hosts.Host, null)),
        ];
    }

    /// <summary>Both ask; what they ask arrives.</summary>
    public async Task AskAsync()
    {
        foreach (var (server, client) in _exchanges)
        {
            await client.ConnectAsync(server.LocalEndPoint!);
            await client.SendAsync(new byte[8]);
            _askers.Add((await server.ReceiveFromAsync(new byte[8], new IPEndPoint(IPAddress.Any, 0))).RemoteEndPoint);
        }
    }

    /// <summary>Both are answered; the answers arrive.</summary>
    public async Task AnswerAsync()
    {
        foreach (var (exchange, asker) in _exchanges.Zip(_askers))
        {
            await exchange.Server.SendToAsync(new byte[8], asker);
            await exchange.Client.ReceiveAsync(new byte[8]);
        }
    }

    private static Socket Open(TwoHosts hosts, NetworkNamespace at, IPEndPoint? local)
    {
        var socket = at.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        hosts.Keep(socket);
        if (local is not null)
        {
            socket.Bind(local);
        }

        return socket;
    }
}
