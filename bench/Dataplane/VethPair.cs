using Bulkhead.Bench.Harness;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Dataplane;

/// <summary>
/// Two network namespaces joined by a veth pair. Each end answers for a /16 without carrying its addresses on an interface (a local route), so
/// that thousands of peers cost nothing.
/// <code>
///   client, 10.77.0.0/16 ── bench 10.79.0.1 ═══ 10.79.0.2 bench ── server, 10.78.0.0/16
/// </code>
/// </summary>
/// <param name="Client">The end that connects.</param>
/// <param name="Server">The end that serves.</param>
internal sealed record VethPair(NetworkNamespace Client, NetworkNamespace Server)
{
    private const string Interface = "bench";

    /// <summary>Joins two namespaces that are there, and tunes both for connections by the ten thousand.</summary>
    public static async Task<VethPair> JoinAsync(NetworkNamespace client, NetworkNamespace server, CancellationToken cancel)
    {
        await IpAsync(client, $"link add {Interface} type veth peer name {Interface} netns {server.Path}", cancel);
        await SetUpAsync(client, "10.79.0.1", Traffic.ClientNetwork, "10.79.0.2", Traffic.ServerNetwork, cancel);
        await SetUpAsync(server, "10.79.0.2", Traffic.ServerNetwork, "10.79.0.1", Traffic.ClientNetwork, cancel);
        return new(client, server);
    }

    /// <summary>Runs a program of the system in a namespace.</summary>
    public static Task<string> RunInAsync(NetworkNamespace network, IReadOnlyList<string> command, string input, CancellationToken cancel) =>
        Tool.RunAsync(["nsenter", $"--net={network.Path}", .. command], input, cancel);

    private static async Task SetUpAsync(NetworkNamespace network, string address, string own, string peer, string other, CancellationToken cancel)
    {
        await IpAsync(network, $"link set lo up\naddr add {address}/30 dev {Interface}\nlink set {Interface} up\nroute add {other} via {peer}\nroute add local {own} dev lo", cancel);
        // Segmentation offload would hide what a packet costs.
        await RunInAsync(network, ["ethtool", "-K", Interface, "tso", "off", "gso", "off", "gro", "off"], "", cancel);
        network.Run(() =>
        {
            Set("ipv4/ip_local_port_range", "10000 65000");
            Set("ipv4/tcp_max_syn_backlog", "8192");
            Set("ipv4/tcp_no_metrics_save", "1");
            Set("ipv4/tcp_syn_retries", "2");
            Set("core/somaxconn", "8192");
            // A reset connection is forgotten soon; else the table (of all namespaces) would fill.
            Set("netfilter/nf_conntrack_tcp_timeout_close", "1");
            return true;
        });
    }

    private static Task<string> IpAsync(NetworkNamespace network, string batch, CancellationToken cancel) =>
        RunInAsync(network, ["ip", "-batch", "-"], batch + "\n", cancel);

    private static void Set(string name, string value) => File.WriteAllText("/proc/sys/net/" + name, value);
}
