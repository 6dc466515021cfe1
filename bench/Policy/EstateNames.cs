using System.Globalization;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Bench.Policy;

/// <summary>Draws the named services and networks of an estate.</summary>
internal static class EstateNames
{
    private const int Services = 200;
    private const int ProcessServices = 40;
    private const int Networks = 60;

    private static readonly string[] Units = ["nginx", "mariadb", "postgresql", "redis", "envoy", "haproxy", "tomcat", "rabbitmq"];

    /// <summary>Services of one to three ports.</summary>
    public static IReadOnlyList<ServiceDocument> DrawServices(Random random) =>
        [.. Enumerable.Range(0, Services).Select(i => new ServiceDocument { Name = Name("svc", i), Ports = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => DrawPort(random))] })];

    /// <summary>Services that a systemd unit, or an executable, must serve.</summary>
    public static IReadOnlyList<ServiceDocument> DrawProcessServices(Random random) =>
        [.. Enumerable.Range(0, ProcessServices).Select(i => new ServiceDocument { Name = Name("proc", i), Ports = [DrawTcp(random)], Process = DrawProcess(random) })];

    /// <summary>A systemd unit, or an executable.</summary>
    public static ProcessDocument DrawProcess(Random random)
    {
        var unit = Units[random.Next(Units.Length)];
        return random.Next(3) == 0 ? new() { Path = $"/usr/sbin/{unit}" } : new() { Unit = $"{unit}.service" };
    }

    /// <summary>Networks outside of the estate's own addresses: prefixes of both families, ranges, and exclusions.</summary>
    public static IReadOnlyList<NetworkDocument> DrawNetworks(Random random) =>
        [.. Enumerable.Range(0, Networks).Select(i =>
        {
            var third = random.Next(240);
            return new NetworkDocument
            {
                Name = Name("net", i),
                Addresses = [Text($"172.16.{i}.0/24"), Text($"192.168.{third}.10-192.168.{third}.{random.Next(20, 250)}"), Text($"2001:db8:ff{i:x2}::/48")],
                Exclude = i % 3 == 0 ? [Text($"172.16.{i}.{random.Next(1, 255)}")] : [],
            };
        })];

    /// <summary>A port as a rule writes it: mostly one TCP port.</summary>
    public static string DrawPort(Random random)
    {
        var first = random.Next(1024, 32768);
        return random.Next(20) switch
        {
            < 15 => DrawTcp(random),
            < 18 => Text($"udp/{random.Next(1, 1024)}"),
            18 => Text($"tcp/{first}-{first + random.Next(1, 100)}"),
            _ => "icmp/8",
        };
    }

    private static string DrawTcp(Random random) => Text($"tcp/{(random.Next(3) == 0 ? random.Next(1, 1024) : random.Next(1024, 10_000))}");

    private static string Name(string kind, int index) => string.Create(CultureInfo.InvariantCulture, $"{kind}-{index:D3}");

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
