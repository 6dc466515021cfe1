using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Evaluate;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>Connections worth asking about in an estate: between its workloads, with strangers, and on the essential list.</summary>
internal static class RandomConnections
{
    private static readonly (byte Protocol, ushort Port)[] _ports =
        [(6, 80), (6, 80), (6, 85), (6, 443), (17, 53), (1, 8), (58, 128), (47, 0), (132, 80), (6, 8080), (6, 8085), (6, 8444), (17, 67), (17, 68), (17, 547), (17, 546), (2, 0), (58, 2), (58, 135), (58, 137)];

    private static readonly string[] _strangers =
        ["192.0.2.7", "192.0.2.200", "198.51.100.3", "203.0.113.9", "10.9.9.9", "10.0.0.4", "127.0.0.1", "2001:db8::4", "2001:db8::7", "fd00::4", "fe80::1", "::1"];

    /// <summary>A connection between two addresses of one family and space.</summary>
    public static Connection Make(Random random, Estate estate)
    {
        var space = random.Next(6) == 0 ? RandomEstates.Vpc : AddressSpace.Default;
        var v6 = random.Next(3) == 0;
        IReadOnlyList<IpAddress> held = [.. estate.Workloads.SelectMany(w => w.Addresses.Concat(w.Sources).Concat(w.Published.Select(p => p.Address))).Where(a => a.Space == space && a.Address.IsV6 == v6).Select(a => a.Address)];
        IReadOnlyList<IpAddress> strangers = [.. _strangers.Select(IpAddress.Parse).Where(a => a.IsV6 == v6)];
        IpAddress End() => held.Count > 0 && random.Next(6) > 0 ? random.Pick(held) : random.Pick(strangers);
        var (protocol, port) = random.Pick(_ports[..random.Pick(9, 9, 11, _ports.Length)]);
        return new(space, End(), End(), protocol, port, Facts(random, "/bin/app", "app.service"), Facts(random, "/bin/srv", "dns.service"));
    }

    private static SocketFacts Facts(Random random, string path, string unit) => random.Next(8) switch
    {
        0 or 3 => SocketFacts.Unrecorded,
        1 => SocketFacts.Unidentified,
        2 => SocketFacts.Of(path, unit, null),
        _ => SocketFacts.Of(random.Pick(path, path, "/bin/other", null), random.Pick(unit, null), random.Pick<EquatableArray<string>>([], ["ops"], ["dba"], ["dba", "ops"])),
    };
}
