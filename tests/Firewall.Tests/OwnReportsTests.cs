using System.Net;
using System.Net.Sockets;
using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>Reports of what the agent itself is blocked from, in the real kernel.</summary>
public class OwnReportsTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whatever_others_are_blocked_from_what_the_agent_is_blocked_from_is_reported(bool isV6)
    {
        await using var bench = new Bench();
        using var driver = bench.Host.Inside(() => FirewallDriver.Open(() => NameLookups.None with { ControllerPort = 8444 }));
        using var deadline = new CancellationTokenSource(Bench.Deadline);
        var policy = Make(new(EnforcementMode.Full, EnforcementMode.Full), [Entry(Direction.Outbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(80))], Hosts("10.77.0.2", "fd77::2"));
        Assert.True((await bench.Host.Inside(() => driver.ApplyAsync(policy, false, deadline.Token))).Ok);
        var peer = Bench.PeerAddress(isV6).ToIPAddress();
        using var others = bench.Host.Inside(() => new Socket(peer.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        using var own = bench.Host.Inside(() => new Socket(peer.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        own.Bind(new IPEndPoint(isV6 ? IPAddress.IPv6Any : IPAddress.Any, 0));

        for (var i = 0; i < 3000; i++)
        {
            Try(() => others.SendTo([7], new IPEndPoint(peer, 9)));
        }

        Try(() => own.Connect(peer, 8444));

        var port = ((IPEndPoint)own.LocalEndPoint!).Port;
        var reported = await bench.Blocks.NextAsync(report => report.Protocol == IpProtocol.Tcp && report.SourcePort == port, deadline.Token);
        Assert.Equal((Direction.Outbound, BlockReason.Default), (reported.Direction, reported.Reason));
    }

    /// <summary>What is blocked is refused.</summary>
    private static void Try(Action send) => Record.Exception(send);
}
