using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Firewall.Tests;

/// <summary>How an attempt to reach something ended.</summary>
/// <param name="Reached">Whether it was answered.</param>
/// <param name="Report">Else, what the firewall reported.</param>
internal sealed record Attempt(bool Reached, LogPrefix? Report);

/// <summary>Tries to reach a service; does not wait for what never comes, but for the firewall's report that it will not.</summary>
internal static class Probe
{
    public static async Task<Attempt> RunAsync(Bench bench, NetworkNamespace from, IpAddress to, byte protocol, ushort port)
    {
        using var end = new CancellationTokenSource(Bench.Deadline);
        using var socket = from.Inside(() => Open(to, protocol));
        var local = IpProtocol.HasPorts(protocol) ? Bind(socket, to) : 0;
        var reached = ReachAsync(socket, to, protocol, port, end.Token);
        var blocked = bench.Blocks.NextAsync(r => r.Protocol == protocol && (local == 0 || r.SourcePort == local), end.Token);
        var attempt = await Task.WhenAny(reached, blocked) == reached && await reached
            ? new Attempt(true, null)
            : new Attempt(false, await blocked);
        await end.CancelAsync();
        return attempt;
    }

    private static Socket Open(IpAddress to, byte protocol)
    {
        var family = to.IsV6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        return protocol switch
        {
            IpProtocol.Tcp => new(family, SocketType.Stream, ProtocolType.Tcp),
            IpProtocol.Udp => new(family, SocketType.Dgram, ProtocolType.Udp),
            _ => new(family, SocketType.Raw, (ProtocolType)protocol),
        };
    }

    private static int Bind(Socket socket, IpAddress to)
    {
        socket.Bind(new IPEndPoint(to.IsV6 ? IPAddress.IPv6Any : IPAddress.Any, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>True when answered, false when refused.</summary>
    private static async Task<bool> ReachAsync(Socket socket, IpAddress to, byte protocol, ushort port, CancellationToken cancellationToken)
    {
        var target = new IPEndPoint(to.ToIPAddress(), IpProtocol.IsIcmp(protocol) ? 0 : port);
        var buffer = new byte[256];
        try
        {
            await socket.ConnectAsync(target, cancellationToken);
            if (protocol != IpProtocol.Tcp)
            {
                await socket.SendAsync(IpProtocol.IsIcmp(protocol) ? Echo(port) : new byte[] { 1 }, cancellationToken);
                do
                {
                    await socket.ReceiveAsync(buffer, cancellationToken);
                }
                while (IpProtocol.IsIcmp(protocol) && !IsReply(buffer, protocol));
            }

            return true;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    private static byte[] Echo(ushort type)
    {
        var message = new byte[8];
        message[0] = (byte)type;
        message[5] = 1;
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), (ushort)~((type << 8) + 1));
        return message;
    }

    private static bool IsReply(byte[] buffer, byte protocol) => protocol == IpProtocol.Icmp ? buffer[20] == 0 : buffer[0] == 129;
}
