using System.Globalization;
using System.Net;
using Bulkhead.Contracts.Rest;
using Bulkhead.Lab;

namespace Bulkhead.Scenarios.Story;

/// <summary>An edge of the map as the lab and the controller both know it.</summary>
/// <param name="From">The consumer's address.</param>
/// <param name="To">The provider's address.</param>
/// <param name="Port">As <c>tcp/443</c>.</param>
internal readonly record struct Edge(IPAddress From, IPAddress To, string Port)
{
    /// <summary>The edge that a declared link, or an attack, makes.</summary>
    public static Edge Of(RunningLab lab, Link link, bool? ipv6 = null) => new(
        lab[link.From.Host].Address(ipv6 ?? link.Ipv6),
        link.To.Host == DaemonRef.Controller ? lab.Network.GatewayIpv4 : lab[link.To.Host].Address(ipv6 ?? link.Ipv6),
        string.Create(CultureInfo.InvariantCulture, $"{link.Protocol}/{link.Port}"));

    /// <summary>The edge of a flow.</summary>
    public static Edge Of(FlowEdge flow) => new(IPAddress.Parse(flow.Source.Address), IPAddress.Parse(flow.Destination.Address), flow.Port);

    /// <summary>With host names for addresses.</summary>
    public string In(RunningLab lab)
    {
        string Name(IPAddress address) => lab.Hosts.FirstOrDefault(h => h.Ipv4.Equals(address) || h.Ipv6.Equals(address))?.Name ?? address.ToString();
        return $"{Name(From)} → {Name(To)} {Port}{(To.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? " (IPv6)" : "")}";
    }
}

/// <summary>What the controller says of traffic.</summary>
internal static class Seen
{
    /// <summary>Every edge that it knows.</summary>
    public static async Task<IReadOnlyList<FlowEdge>> FlowsAsync(Stage stage, CancellationToken cancellationToken) =>
        (await stage.Operator.AskAsync<Page<FlowEdge>>(cancellationToken, "flows", "--limit", "10000")).Items;

    /// <summary>The edges, named, of which something is said; for messages.</summary>
    public static string Names(this IEnumerable<Edge> edges, RunningLab lab) => string.Join(", ", edges.Select(e => e.In(lab)).Order(StringComparer.Ordinal));
}
