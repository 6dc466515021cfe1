using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using Bulkhead.Agent.Live;
using Bulkhead.Agent.Policies;
using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>Every protocol, direction and verdict in both families: what was done is kept in a ledger, and compared entry by entry with what is told. Needs root.</summary>
public sealed class LedgerTests
{
    private const long AllowedOut = 5;
    private const long AllowedIn = 6;
    private const long BlockedOut = 7;
    private const long BlockedIn = 8;
    private const byte Other = 253;

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task Every_protocol_and_verdict_is_told_in_both_directions_as_it_was(bool withPrograms, bool v6)
    {
        await using var host = new WatchedHost(withPrograms);
        string Of(string address) => v6 ? WatchedHost.V6Of(address) : address;
        var own = Of("10.78.0.1");
        foreach (var peer in new[] { WatchedHost.Passed, WatchedHost.Doubtful })
        {
            host.Hosts.Listen(host.Hosts.Peer, IPAddress.Parse(Of(peer)), 8002);
        }

        host.Hosts.Listen(host.Hosts.Host, IPAddress.Parse(own), 8001);
        host.Open(atHost: true, SocketType.Dgram, ProtocolType.Udp, own, 8053);
        await host.StartAsync();
        Assert.Equal(withPrograms, host.Telemetry.NamesByEvent);
        var ledger = new SortedSet<string>(StringComparer.Ordinal);
        var (icmp, echo) = v6 ? ("icmpv6", 128) : ("icmp", 8);
        foreach (var atHost in new[] { true, false })
        {
            foreach (var peer in new[] { WatchedHost.Passed, WatchedHost.Doubtful, WatchedHost.Blocked })
            {
                var (from, to) = atHost ? (own, Of(peer)) : (Of(peer), own);
                await MakeAsync(host, atHost, from, to, v6, isBlocked: peer == WatchedHost.Blocked);
                var (verdict, by) = peer switch
                {
                    WatchedHost.Passed => ("allowed", $"{(atHost ? AllowedOut : AllowedIn)}"),
                    WatchedHost.Doubtful => ("potentiallyBlocked", "default"),
                    _ => ("blocked", $"{(atHost ? BlockedOut : BlockedIn)}"),
                };
                var what = $"{(atHost ? "out" : "in")} {Of(peer)} {verdict} {by}";
                // Without programs it is a matter of luck who is named. The kernel itself answers pings, and speaks SCTP.
                var (us, sender, nobody) = withPrograms ? (" by us", atHost ? " by us" : " by nobody", " by nobody") : ("", "", "");
                ledger.Add($"{what} tcp/{(atHost ? 8002 : 8001)} x3{us}");
                ledger.Add($"{what} udp/8053 x3{us}");
                ledger.Add($"{what} sctp/8132 x3{nobody}");
                ledger.Add($"{what} {icmp}/{echo} x3{sender}");
                ledger.Add($"{what} {Other + (atHost ? 0 : 1)} x1{sender}");
            }
        }

        // Three of each of four protocols and one of the fifth, by three peers in two directions.
        await host.SeenAsync(13 * 3 * 2);
        var told = await host.StopAsync();
        var policy = PolicyDecoder.Decode(Policy(Of(WatchedHost.Passed))).Value!;
        Assert.Equal(
            ledger,
            FlowLine.Of(told, new LocalPolicy(policy, null))
                .Where(line => IPAddress.Parse(line.Remote) is { IsIPv6LinkLocal: false, IsIPv6Multicast: false })
                .GroupBy(line => (What: $"{line.Direction} {line.Remote} {line.Verdict} {line.Rule?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? line.By} {line.Port}", By: withPrograms ? By(line) : ""), line => (long)line.Connections)
                .Where(same => same.Sum() > 0)
                .Select(same => $"{same.Key.What} x{same.Sum()}{same.Key.By}")
                .Order(StringComparer.Ordinal));
        Assert.Equal((0UL, 0UL), (told.LostEvents, told.IncompleteConnections));
    }

    private static HostPolicy Policy(string allowed)
    {
        var policy = WirePolicies.Policy(1).Allowing(AllowedOut, Direction.Outbound, "peer", 1, allowed).Allowing(AllowedIn, Direction.Inbound, "peer", 1, allowed);
        foreach (var entry in policy.Entries)
        {
            entry.Ports.Clear();
            entry.Ports.Add(new Contracts.Agent.PortMatch { First = 0, Last = ushort.MaxValue });
        }

        return policy;
    }

    private static async Task MakeAsync(WatchedHost host, bool atHost, string from, string to, bool v6, bool isBlocked)
    {
        for (var i = 0; i < 3; i++)
        {
            var connecting = host.Open(atHost, SocketType.Stream, ProtocolType.Tcp, from).ConnectAsync(IPAddress.Parse(to), atHost ? 8002 : 8001);
            if (!isBlocked)
            {
                await connecting;
            }
            else
            {
                _ = connecting.ContinueWith(failed => failed.Exception, TaskScheduler.Default);
            }

            await SendAsync(host.Open(atHost, SocketType.Dgram, ProtocolType.Udp, from), to, 8053, new byte[8]);
            using var ping = host.Open(atHost, SocketType.Raw, v6 ? ProtocolType.IcmpV6 : ProtocolType.Icmp, from);
            await SendAsync(ping, to, 0, Echo(v6, (byte)i));
            using var sctp = host.OpenRaw(atHost, IpProtocol.Sctp, from);
            await SendAsync(sctp, to, 0, SctpInit((ushort)(40_000 + i), 8132));
        }

        // Without ports, what comes back is of the same connection.
        using var other = host.OpenRaw(atHost, Other + (atHost ? 0 : 1), from);
        await SendAsync(other, to, 0, new byte[8]);
    }

    private static byte[] Echo(bool v6, byte number)
    {
        byte[] echo = [(byte)(v6 ? 128 : 8), 0, 0, 0, 0x12, number, 0, 1];
        if (!v6)
        {
            var sum = (ushort)~((8 << 8) + (0x12 << 8) + number + 1);
            BinaryPrimitives.WriteUInt16BigEndian(echo.AsSpan(2), sum);
        }

        return echo;
    }

    /// <summary>The first packet of an association (RFC 9260, sections 3.1 and 3.3.2).</summary>
    private static byte[] SctpInit(ushort from, ushort to)
    {
        var packet = new byte[12 + 20];
        BinaryPrimitives.WriteUInt16BigEndian(packet, from);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), to);
        packet[12] = 1; // INIT
        packet[15] = 20;
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(16), 0x12345678); // tag
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(20), 65_536); // window
        packet[25] = packet[27] = 1; // streams
        var sum = packet.Aggregate(uint.MaxValue, BitOperations.Crc32C);
        BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(8), ~sum);
        return packet;
    }

    private static async Task SendAsync(Socket socket, string to, int port, byte[] content)
    {
        try
        {
            await socket.SendToAsync(content, new IPEndPoint(IPAddress.Parse(to), port));
        }
        catch (SocketException blocked) when (blocked.SocketErrorCode == SocketError.AccessDenied)
        {
            // The output chain drops, which a sender hears of at once.
        }
    }

    private static string By(FlowLine line) => line.Pid is null ? " by nobody" : line.Pid == Environment.ProcessId ? " by us" : " by a stranger";
}
