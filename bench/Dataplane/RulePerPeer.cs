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
        foreach (var (protocol, route) in Entries(traffic))
        {
            text.Append($"    ip {(atServer ? "saddr" : "daddr")} {Peer(route, atServer)} {protocol} dport {route.Port} accept\n");
        }

        return text.Append("  }\n}\n").ToString();
    }

    /// <summary>For <c>iptables-restore</c>, one end.</summary>
    public static string Iptables(Traffic traffic, bool atServer)
    {
        var (entries, replies) = atServer ? ("INPUT", "OUTPUT") : ("OUTPUT", "INPUT");
        var text = new StringBuilder("*filter\n");
        foreach (var chain in new[] { entries, replies })
        {
            text.Append($":{chain} DROP\n-A {chain} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n");
        }

        foreach (var (protocol, route) in Entries(traffic))
        {
            text.Append($"-A {entries} {(atServer ? "-s" : "-d")} {Peer(route, atServer)} -p {protocol} --dport {route.Port} -j ACCEPT\n");
        }

        return text.Append("COMMIT\n").ToString();
    }

    /// <summary>A rule names one protocol, so an entry takes two; those for UDP stand last, out of the way of TCP.</summary>
    private static IEnumerable<(string Protocol, Route Route)> Entries(Traffic traffic) =>
        from protocol in (string[])["tcp", "udp"]
        from route in traffic.Routes
        select (protocol, route);

    private static IpAddress Peer(Route route, bool atServer) => IpAddress.V4(atServer ? route.Source : route.Destination);
}
