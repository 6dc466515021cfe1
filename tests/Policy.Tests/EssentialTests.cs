using Bulkhead.Policy.Evaluate;

namespace Bulkhead.Policy.Tests;

/// <summary>The short list that no policy cuts (design, section 2, step 1), and what is not on it.</summary>
public class EssentialTests
{
    [Theory]
    // what                   peer                  on            inbound  outbound
    [InlineData("loopback", "127.0.0.1", "tcp/80", true, true)]
    [InlineData("loopback", "::1", "udp/53", true, true)]
    [InlineData("itself", "10.0.0.1", "tcp/80", true, true)]
    [InlineData("itself", "fd00::1", "tcp/80", true, true)]
    [InlineData("IGMP", "10.0.0.9", "2", true, true)]
    [InlineData("packet too big", "2001:db8::1", "icmpv6/2", true, true)]
    [InlineData("MLD query", "fe80::1", "icmpv6/130", true, true)]
    [InlineData("MLD report", "ff02::16", "icmpv6/131", true, true)]
    [InlineData("MLD done", "ff02::2", "icmpv6/132", true, true)]
    [InlineData("router solicitation", "ff02::2", "icmpv6/133", true, true)]
    [InlineData("router advertisement", "fe80::1", "icmpv6/134", true, true)]
    [InlineData("neighbour solicitation", "fe80::1", "icmpv6/135", true, true)]
    [InlineData("neighbour advertisement", "fe80::1", "icmpv6/136", true, true)]
    [InlineData("MLDv2 report", "ff02::16", "icmpv6/143", true, true)]
    [InlineData("redirect", "fe80::1", "icmpv6/137", false, false)]
    [InlineData("echo", "fe80::1", "icmpv6/128", false, false)]
    [InlineData("what MLD is not", "fe80::1", "icmpv6/129", false, false)]
    [InlineData("echo", "10.0.0.9", "icmp/8", false, false)]
    [InlineData("to a DHCP server", "10.0.0.9", "udp/67", false, true)]
    [InlineData("from a DHCP server", "10.0.0.9", "udp/68", true, false)]
    [InlineData("DHCP is UDP", "10.0.0.9", "tcp/67", false, false)]
    [InlineData("DHCP is IPv4", "fe80::1", "udp/67", false, false)]
    [InlineData("DHCP is IPv4", "fe80::1", "udp/68", false, false)]
    [InlineData("to a DHCPv6 server", "ff02::1:2", "udp/547", false, true)]
    [InlineData("to a DHCPv6 server", "fe80::1", "udp/547", false, true)]
    [InlineData("from a DHCPv6 server", "fe80::1", "udp/546", true, false)]
    [InlineData("DHCPv6 is link-local", "2001:db8::1", "udp/547", false, false)]
    [InlineData("DHCPv6 is link-local", "2001:db8::1", "udp/546", false, false)]
    [InlineData("DHCPv6 is IPv6", "10.0.0.9", "udp/546", false, false)]
    [InlineData("the controller", "10.9.9.9", "tcp/8444", false, true)]
    [InlineData("the controller's other ports", "10.9.9.9", "tcp/443", false, false)]
    [InlineData("the port elsewhere", "10.0.0.9", "tcp/8444", false, false)]
    [InlineData("fail-safe", "198.51.100.7", "tcp/22", true, false)]
    [InlineData("fail-safe", "2001:db8:22::7", "tcp/22", true, false)]
    [InlineData("fail-safe's other ports", "198.51.100.7", "tcp/23", false, false)]
    [InlineData("fail-safe's neighbours", "198.51.101.7", "tcp/22", false, false)]
    public void Nothing_cuts_it(string what, string peer, string on, bool inbound, bool outbound)
    {
        var world = Closed();
        var local = peer.Contains(':', StringComparison.Ordinal) ? "fd00::1" : "10.0.0.1";
        foreach (var (expected, end) in new[]
        {
            (inbound, world.Judge(peer, local, on).Destination!),
            (outbound, world.Judge(local, peer, on).Source!),
        })
        {
            Assert.True((expected ? (Outcome.Allow, DecidedBy.Essential) : (Outcome.Block, DecidedBy.Rule)) == (end.Outcome, end.By), $"{what}, {end}");
        }
    }

    [Theory]
    [InlineData("127.0.0.1", "tcp/80", true)]
    [InlineData("fe80::1", "icmpv6/135", true)]
    [InlineData("10.9.9.9", "tcp/8444", true)]
    [InlineData("10.0.0.9", "udp/67", true)]
    [InlineData("203.0.113.5", "tcp/443", true)]
    [InlineData("203.0.113.200", "tcp/443", false)]
    [InlineData("198.51.100.7", "tcp/22", false)]
    public void Quarantine_leaves_the_list_and_the_responders_but_not_the_fail_safe(string peer, string on, bool left)
    {
        var world = Closed(quarantined: true).Network("responders", "203.0.113.0/25");
        var local = peer.Contains(':', StringComparison.Ordinal) ? "fd00::1" : "10.0.0.1";
        Assert.Equal(left ? Outcome.Allow : Outcome.Block, world.Judge(local, peer, on).Source!.Outcome);
        if (on != "udp/67" && on != "tcp/8444")
        {
            Assert.Equal(left ? Outcome.Allow : Outcome.Block, world.Judge(peer, local, on).Destination!.Outcome);
        }
    }

    /// <summary>One host for which everything is forbidden.</summary>
    private static World Closed(bool quarantined = false)
    {
        var world = new World().Host("host", "role=web", quarantined: quarantined).Modes("all", "full", "full")
            .Network("admins", "198.51.100.0/24", "2001:db8:22::/48").Network("anywhere", "0.0.0.0/0", "::/0")
            .Ruleset("closed", "all", Write.OverrideDeny("network:anywhere", "all", "any"), Write.OverrideDeny("all", "network:anywhere", "any"));
        world.Document = world.Document with { FailSafe = [new() { Network = "admins", Ports = ["tcp/22"] }] };
        return world;
    }
}
