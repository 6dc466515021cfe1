using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Bulkhead.Lab;
using Bulkhead.Policy.Services;

namespace Bulkhead.Bench.Matrix;

/// <summary>
/// Answers everything that is probed at a host, and notes what arrived, so that a probe whose answer got lost is told from one that never came.
/// </summary>
internal sealed class Answerer : IDisposable
{
    private const int Backlog = 512;

    private readonly List<Socket> _sockets = [];
    private readonly ConcurrentDictionary<Arrival, byte> _arrived = new();

    /// <summary>Begins to listen.</summary>
    public Answerer(LabHost host) => host.Network.Run(() =>
    {
        foreach (var target in Target.All.Where(target => IpProtocol.HasPorts(target.Protocol) && target.Protocol != IpProtocol.Sctp))
        {
            Listen(target, host);
        }

        foreach (var protocol in (byte[])[IpProtocol.Sctp, Target.Experimental, IpProtocol.Tcp])
        {
            Receive(protocol, AddressFamily.InterNetwork);
            Receive(protocol, AddressFamily.InterNetworkV6);
        }

        return 0;
    });

    /// <summary>Whether a probe arrived.</summary>
    public bool HasMet(Arrival arrival) => _arrived.ContainsKey(arrival);

    /// <summary>Forgets what arrived.</summary>
    public void Forget() => _arrived.Clear();

    /// <inheritdoc/>
    public void Dispose() => _sockets.ForEach(socket => socket.Dispose());

    private void Listen(Target target, LabHost host)
    {
        var isTcp = target.Protocol == IpProtocol.Tcp;
        var socket = new Socket(AddressFamily.InterNetworkV6, isTcp ? SocketType.Stream : SocketType.Dgram, isTcp ? ProtocolType.Tcp : ProtocolType.Udp) { DualMode = true };
        _sockets.Add(socket);
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, target.Port));
        if (isTcp)
        {
            socket.Listen(Backlog);
        }
        else
        {
            Groupcast.Join(socket, host);
        }

        _ = isTcp ? AcceptAsync(socket) : EchoAsync(socket);
    }

    private async Task AcceptAsync(Socket socket)
    {
        try
        {
            while (true)
            {
                using var connection = await socket.AcceptAsync();
                connection.LingerState = new(true, 0);
                Note(IpProtocol.Tcp, (IPEndPoint)connection.RemoteEndPoint!);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed of.
        }
    }

    private async Task EchoAsync(Socket socket)
    {
        var buffer = new byte[64];
        try
        {
            while (true)
            {
                var packet = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.IPv6Any, 0));
                Note(IpProtocol.Udp, (IPEndPoint)packet.RemoteEndPoint);
                try
                {
                    await socket.SendToAsync(buffer.AsMemory(0, packet.ReceivedBytes), packet.RemoteEndPoint);
                }
                catch (SocketException)
                {
                    // The answer to what came to a group is a connection of its own, and may be blocked.
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed of.
        }
    }

    private void Receive(byte protocol, AddressFamily family)
    {
        var socket = RawSocket.Open(family, protocol);
        _sockets.Add(socket);
        _ = ReceiveAsync(socket, family, protocol);
    }

    private async Task ReceiveAsync(Socket socket, AddressFamily family, byte protocol)
    {
        var buffer = new byte[256];
        var any = new IPEndPoint(family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        try
        {
            while (true)
            {
                var packet = await socket.ReceiveFromAsync(buffer, any);
                var payload = buffer.AsSpan(0, packet.ReceivedBytes);
                // Raw IPv4 sockets see the IP header, IPv6 ones do not (raw(7), ipv6(7)).
                if (RawProbe.NumberOf(protocol, family == AddressFamily.InterNetwork ? payload[((payload[0] & 15) * 4)..] : payload) is { } number)
                {
                    _arrived.TryAdd(new(protocol, null, number), 0);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed of.
        }
    }

    private void Note(byte protocol, IPEndPoint from) =>
        _arrived.TryAdd(new(protocol, from.Address.IsIPv4MappedToIPv6 ? from.Address.MapToIPv4() : from.Address, (uint)from.Port), 0);
}

/// <summary>What tells one probe from another at the host that it reaches.</summary>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="From">The source's address; null where the number alone tells.</param>
/// <param name="Number">The source's port, or the number in the packet.</param>
internal readonly record struct Arrival(byte Protocol, IPAddress? From, uint Number);
