using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>Translations of so few addresses and ports that they are shared, contested, and others' own.</summary>
internal static class RandomTranslations
{
    private static readonly (string Visible, int FirstOwn)[] _ports =
        [("tcp/8080", 80), ("tcp/8080", 80), ("tcp/80", 80), ("tcp/443", 80), ("tcp/8080-8090", 80), ("tcp/80-90", 80), ("tcp/80-81", 443), ("tcp", 0), ("udp/53", 53), ("sctp/80", 85), ("icmp/8", 8), ("any", 0)];

    public static EquatableArray<Publication> Published(Random random) =>
        RandomEstates.Several(random, 1, 2, () => new Publication(Address(random), Ports(random), random.Next(3) > 0)).Distinct().Order().ToEquatableArray();

    public static EquatableArray<ScopedAddress> Sources(Random random) =>
        RandomEstates.Several(random, 1, 2, () => Address(random)).Distinct().Order().ToEquatableArray();

    private static PortMapping Ports(Random random)
    {
        var (visible, firstOwn) = random.Pick(_ports);
        Assert.True(PortMapping.TryCreate(PortText.Parse(visible, "", [])!.Value, firstOwn, out var mapping));
        return mapping;
    }

    /// <summary>One of its own, or one that some workload may hold.</summary>
    private static ScopedAddress Address(Random random) => new(
        random.Next(4) == 0 ? RandomEstates.Vpc : AddressSpace.Default,
        IpAddress.Parse(random.Pick("10.0.0.20", "10.0.0.20", "10.0.0.21", "10.0.0.2", "10.0.0.3", "fd00::20", "fd00::2")));
}
