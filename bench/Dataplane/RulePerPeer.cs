using System.Text;
using Bulkhead.Bench.Load;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Bench.Dataplane;

/// <summary>The policy of a <see cref="Traffic"/> written by hand, as firewalls are without sets: a rule for each entry, tried one after the other.</summary>
internal static class RulePerPeer
{
    /// <summary>For <c>nft</c>, one end.</summary>
    public static string Nft(Traffic traffic, bool atServer)
    {
        var text = new StringBuilder(
            $$"""
            table inet by_hand {
              chain replies {
                type filter hook {{(atServer ? "output" : "input")}} priority 0; policy drop;
                ct state established,related accept
              }
              chain entries {
                type filter hook {{(atServer ? "input" : "output")}} priority 0; policy drop;
                ct state established,related accept

            """);
        foreach (var route in traffic.Routes)
        {
            text.Append($"    meta l4proto {{ tcp, udp }} ip {PeerMatch(route, atServer, "saddr", "daddr")} th dport {route.Port} accept\n");
        }

        return text.Append("  }\n}\n").ToString();
    }

    /// <summary>For <c>iptables-restore</c>, one end. Its rules name one protocol each, so an entry takes two; those for UDP stand last.</summary>
    public static string Iptables(Traffic traffic, bool atServer)
    {
        var (entries, replies) = atServer ? ("INPUT", "OUTPUT") : ("OUTPUT", "INPUT");
        var text = new StringBuilder("*filter\n");
        foreach (var chain in new[] { entries, replies })
        {
            text.Append($":{chain} DROP\n-A {chain} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n");
        }

        foreach (var protocol in new[] { "tcp", "udp" })
        {
            foreach (var route in traffic.Routes)
            {
                text.Append($"-A {entries} -p {protocol} {PeerMatch(route, atServer, "-s", "-d")} --dport {route.Port} -j ACCEPT\n");
            }
        }

        return text.Append("COMMIT\n").ToString();
    }

    private static string PeerMatch(Route route, bool atServer, string source, string destination) =>
        atServer ? $"{source} {IpAddress.V4(route.Source)}" : $"{destination} {IpAddress.V4(route.Destination)}";
}
