using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Firewall.Tests;

/// <summary>
/// Two hosts joined by a cable, the first one with our firewall. Both serve TCP and echo UDP on the same ports, in both families.
/// </summary>
public sealed class Bench : IAsyncDisposable
{
    /// <summary>Longer than anything takes unless it is broken.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    public static readonly IReadOnlyList<int> Ports = [80, 443, 8444];

    private readonly ConcurrentBag<IDisposable> _open = [];

    public Bench()
        : this(null)
    {
    }

    internal Bench(TestCgroup? cgroup)
    {
        Connect(Host, Peer, "10.77.0.1", "fd77::1", "10.77.0.2", "fd77::2");
        foreach (var host in (NetworkNamespace[])[Host, Peer])
        {
            foreach (var port in Ports)
            {
                Serve(host, port);
            }
        }

        Driver = Host.Inside(() => FirewallDriver.Open(() => NameLookups.None, cgroup?.Owners));
        Blocks = Host.Inside(BlockLog.Open);
    }

    /// <summary>The host with the firewall.</summary>
    public NetworkNamespace Host { get; } = NetworkNamespace.Create();

    /// <summary>The other one.</summary>
    public NetworkNamespace Peer { get; } = NetworkNamespace.Create();

    /// <summary>The first host's firewall.</summary>
    public FirewallDriver Driver { get; }

    /// <summary>What the first host blocks.</summary>
    internal BlockLog Blocks { get; }

    public static IpAddress HostAddress(bool isV6) => IpAddress.Parse(isV6 ? "fd77::1" : "10.77.0.1");

    public static IpAddress PeerAddress(bool isV6) => IpAddress.Parse(isV6 ? "fd77::2" : "10.77.0.2");

    /// <summary>Puts a policy in force, which has to succeed.</summary>
    public async Task<ApplyOutcome> ApplyAsync(HostPolicy policy, bool replace = false)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        var outcome = await Host.Inside(() => Driver.ApplyAsync(policy, replace, deadline.Token)).WaitAsync(deadline.Token);
        Assert.True(outcome.Ok, outcome.Error);
        return outcome;
    }

    /// <summary>Opens a TCP connection from one host to the other that is known to work.</summary>
    public async Task<Socket> DialAsync(NetworkNamespace from, IpAddress to, int port)
    {
        var socket = from.Inside(() => new Socket(to.IsV6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        _open.Add(socket);
        using var deadline = new CancellationTokenSource(Deadline);
        await socket.ConnectAsync(new IPEndPoint(to.ToIPAddress(), port), deadline.Token);
        await TalkAsync(socket);
        return socket;
    }

    /// <summary>Sends a byte and gets it back.</summary>
    public static async Task TalkAsync(Socket socket)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        await socket.SendAsync(new byte[] { 7 }, deadline.Token);
        Assert.Equal(1, await socket.ReceiveAsync(new byte[1], deadline.Token));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        foreach (var open in _open)
        {
            open.Dispose();
        }

        Driver.Dispose();
        Blocks.Dispose();
        Host.Dispose();
        Peer.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Joins two hosts by a cable.</summary>
    internal static void Connect(NetworkNamespace a, NetworkNamespace b, string a4, string a6, string b4, string b6)
    {
        a.Run("ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", b.Path);
        foreach (var (host, v4, v6) in ((NetworkNamespace, string, string)[])[(a, a4, a6), (b, b4, b6)])
        {
            host.Run("ip", "address", "add", $"{v4}/24", "dev", "cable");
            host.Run("ip", "address", "add", $"{v6}/64", "dev", "cable", "nodad");
            host.Run("ip", "link", "set", "cable", "up");
        }
    }

    private void Serve(NetworkNamespace host, int port)
    {
        var tcp = host.Inside(() => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true });
        tcp.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        tcp.Listen(64);
        _ = AcceptAsync(tcp);
        var udp = host.Inside(() => new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { DualMode = true });
        udp.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        _ = EchoDatagramsAsync(udp);
        _open.Add(tcp);
        _open.Add(udp);
    }

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                var accepted = await listener.AcceptAsync();
                _open.Add(accepted);
                _ = EchoAsync(accepted);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The bench is taken down.
        }
    }

    private static async Task EchoAsync(Socket socket)
    {
        var buffer = new byte[64];
        try
        {
            while (await socket.ReceiveAsync(buffer) is var length and > 0)
            {
                await socket.SendAsync(buffer.AsMemory(0, length));
            }

            socket.Dispose();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Ended from outside, as tests do.
        }
    }

    private static async Task EchoDatagramsAsync(Socket socket)
    {
        var buffer = new byte[64];
        var anyone = new IPEndPoint(IPAddress.IPv6Any, 0);
        while (true)
        {
            try
            {
                var received = await socket.ReceiveFromAsync(buffer, anyone);
                await socket.SendToAsync(buffer.AsMemory(0, received.ReceivedBytes), received.RemoteEndPoint);
            }
            catch (SocketException)
            {
                // An answer that is blocked is not the server's business.
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    }
}
