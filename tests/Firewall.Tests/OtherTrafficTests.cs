using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Runtime.InteropServices;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>What is neither TCP nor UDP nor ICMP between two hosts: protocols by number, SCTP, multicast and broadcast, and what helpers expect.</summary>
public partial class OtherTrafficTests
{
    private const byte Gre = 47;
    private const byte Esp = 50;
    private const int Inet = 2;
    private const int Inet6 = 10;
    private const int RawType = 3;
    private const int CloseOnExec = 0x80000;

    private static readonly TimeSpan _again = TimeSpan.FromMilliseconds(200);
    private static readonly Modes _full = new(EnforcementMode.Full, EnforcementMode.Full);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Protocols_are_judged_by_number_and_sctp_by_port(bool isV6)
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Make(
            _full, [Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Whole(Gre), Range(IpProtocol.Sctp, 80, 80)), Entry(Direction.Inbound, RuleAction.Deny, 2, 0, PortMatch.Any)], Hosts("10.77.0.2", "fd77::2")));
        Assert.True(await ArrivesAsync(Gre, new byte[24]));
        Assert.False(await ArrivesAsync(Esp, new byte[24]));
        Assert.True(await ArrivesAsync(IpProtocol.Sctp, Init(80)));
        Assert.False(await ArrivesAsync(IpProtocol.Sctp, Init(81)));

        async Task<bool> ArrivesAsync(byte protocol, byte[] packet)
        {
            using var deadline = new CancellationTokenSource(Bench.Deadline);
            using var receiver = bench.Host.Inside(() => Raw(isV6, protocol));
            using var sender = bench.Peer.Inside(() => Raw(isV6, protocol));
            var arrived = receiver.ReceiveAsync(new byte[256], deadline.Token).AsTask();
            var blocked = bench.Blocks.NextAsync(report => report.Protocol == protocol && report.Prefix.Rule == new RuleId(2), deadline.Token);
            await sender.SendToAsync(packet, new IPEndPoint(Bench.HostAddress(isV6).ToIPAddress(), 0), deadline.Token);
            var first = await Task.WhenAny(arrived, blocked);
            await first;
            await deadline.CancelAsync();
            return first == arrived;
        }
    }

    [Theory]
    [InlineData("239.77.0.1")]
    [InlineData("10.77.0.255")]
    [InlineData("255.255.255.255")]
    [InlineData("ff15::77")]
    public async Task Multicast_and_broadcast_are_judged_at_each_host(string to)
    {
        await using var bench = new Bench();
        var group = IPAddress.Parse(to);
        var isV6 = group.AddressFamily == AddressFamily.InterNetworkV6;
        foreach (var host in isV6 ? Array.Empty<NetworkNamespace>() : [bench.Host, bench.Peer])
        {
            host.Run("ip", "route", "add", "default", "dev", "cable");
        }

        var (sender, everybody) = (Hosts("10.77.0.2", "fd77::2"), Hosts("224.0.0.0/4", "10.77.0.255", "255.255.255.255", "ff00::/8"));
        HostPolicy Policy(Direction direction, RuleAction action) => Make(_full, [Entry(direction, action, 3, direction == Direction.Inbound ? 0 : 1, PortMatch.Udp(5077))], sender, everybody);

        await bench.ApplyAsync(Policy(Direction.Inbound, RuleAction.Allow));
        Assert.True(await ArrivesAsync(bench.Peer, bench.Host));
        Assert.False(await ArrivesAsync(bench.Host, bench.Peer));
        await bench.ApplyAsync(Policy(Direction.Outbound, RuleAction.Allow));
        Assert.True(await ArrivesAsync(bench.Host, bench.Peer));
        Assert.False(await ArrivesAsync(bench.Peer, bench.Host));

        async Task<bool> ArrivesAsync(NetworkNamespace from, NetworkNamespace at)
        {
            using var deadline = new CancellationTokenSource(Bench.Deadline);
            using var receiver = at.Inside(() => Open(group, 5077));
            using var socket = from.Inside(() => Open(group, 0));
            var arrived = receiver.ReceiveAsync(new byte[16], deadline.Token).AsTask();
            var blocked = bench.Blocks.NextAsync(report => report.Protocol == IpProtocol.Udp && report.SourcePort == ((IPEndPoint)socket.LocalEndPoint!).Port, deadline.Token);
            await SendAsync(socket, new IPEndPoint(group, 5077), Task.WhenAny(arrived, blocked), deadline.Token);
            var first = await Task.WhenAny(arrived, blocked);
            await first;
            await deadline.CancelAsync();
            return first == arrived;
        }
    }

    [Theory]
    [InlineData("239.77.0.1")]
    [InlineData("ff15::77")]
    public async Task What_a_host_sends_to_a_group_reaches_its_own_listeners(string to)
    {
        await using var bench = new Bench();
        var group = IPAddress.Parse(to);
        if (group.AddressFamily == AddressFamily.InterNetwork)
        {
            bench.Host.Run("ip", "route", "add", "default", "dev", "cable");
        }

        await bench.ApplyAsync(Make(_full, [Entry(Direction.Outbound, RuleAction.Allow, 1, 0, PortMatch.Udp(5077))], Hosts("224.0.0.0/4", "ff00::/8")));
        using var deadline = new CancellationTokenSource(Bench.Deadline);
        using var receiver = bench.Host.Inside(() => Open(group, 5077));
        using var sender = bench.Host.Inside(() => Open(group, 0));
        var received = receiver.ReceiveAsync(new byte[16], deadline.Token).AsTask();
        await SendAsync(sender, new IPEndPoint(group, 5077), received, deadline.Token);
        Assert.Equal(1, await received);
    }

    [Fact]
    public async Task What_a_helper_of_others_expects_is_judged_like_anything_else()
    {
        await using var bench = new Bench();
        bench.Host.Nft("""
            table inet others {
              ct helper ftp { type "ftp" protocol tcp; }
              chain leaving {
                type filter hook output priority filter;
                tcp dport 80 ct helper set "ftp"
              }
              chain counted {
                type filter hook output priority filter - 20;
                ct state related tcp dport 443 counter
              }
            }
            """);
        await bench.ApplyAsync(Make(_full, [Entry(Direction.Outbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(80))], Hosts("10.77.0.2")));
        // Whoever echoes what it is sent says as a server that data are to be fetched at port 443.
        var control = await bench.DialAsync(bench.Host, Bench.PeerAddress(false), 80);
        using var deadline = new CancellationTokenSource(Bench.Deadline);
        // A helper reads on after the end of a line.
        await control.SendAsync("220 ready\r\n"u8.ToArray(), deadline.Token);
        await control.ReceiveAsync(new byte[64], deadline.Token);
        await control.SendAsync("227 Entering Passive Mode (10,77,0,2,1,187)\r\n"u8.ToArray(), deadline.Token);
        await control.ReceiveAsync(new byte[64], deadline.Token);

        Assert.Equal(BlockReason.Default, (await Probe.RunAsync(bench, bench.Host, Bench.PeerAddress(false), IpProtocol.Tcp, 443)).Report?.Reason);
        Assert.DoesNotContain("counter packets 0 ", bench.Host.Run("nft", "list", "chain", "inet", "others", "counted"), StringComparison.Ordinal);
    }

    /// <summary>Sends until something is heard of it: a link that has just come up has no route for groups yet.</summary>
    private static async Task SendAsync(Socket socket, IPEndPoint to, Task heard, CancellationToken cancellationToken)
    {
        using var again = new PeriodicTimer(_again);
        do
        {
            try
            {
                await socket.SendToAsync(new byte[] { 1 }, to, cancellationToken);
            }
            catch (SocketException)
            {
                // What is rejected on its way out is told to its sender.
            }
        }
        while (await Task.WhenAny(heard, again.WaitForNextTickAsync(cancellationToken).AsTask()) != heard);
    }

    private static Socket Open(IPAddress group, int port)
    {
        var isV6 = group.AddressFamily == AddressFamily.InterNetworkV6;
        var socket = new Socket(group.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { EnableBroadcast = !isV6 };
        socket.Bind(new IPEndPoint(isV6 ? IPAddress.IPv6Any : IPAddress.Any, port));
        if (port == 0)
        {
            return socket;
        }

        if (isV6)
        {
            socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.AddMembership, new IPv6MulticastOption(group, 0));
        }
        else if (group.GetAddressBytes()[0] is >= 224 and < 240)
        {
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(group, IPAddress.Any));
        }

        return socket;
    }

    /// <summary>Of any protocol; .NET itself knows a few.</summary>
    private static Socket Raw(bool isV6, byte protocol)
    {
        var socket = OpenSocket(isV6 ? Inet6 : Inet, RawType | CloseOnExec, protocol);
        Assert.True(socket >= 0, Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
        return new(new SafeSocketHandle(socket, ownsHandle: true));
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int OpenSocket(int family, int type, int protocol);

    /// <summary>An SCTP packet that opens an association (RFC 9260, sections 3.1 and 3.3.2); conntrack checks its CRC-32C.</summary>
    private static byte[] Init(ushort port)
    {
        var packet = new byte[32];
        BinaryPrimitives.WriteUInt16BigEndian(packet, 40000);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), port);
        packet[12] = 1;
        packet[15] = 20;
        packet[19] = 7;
        (packet[22], packet[25], packet[27]) = (1, 1, 1);
        var crc = uint.MaxValue;
        foreach (var one in packet)
        {
            crc = BitOperations.Crc32C(crc, one);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(8), ~crc);
        return packet;
    }
}
