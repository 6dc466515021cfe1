using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Policy.Evaluate;

/// <summary>How a consumer may reach a provider: the tuple that is visible in some space.</summary>
/// <param name="Source">Where the consumer connects from.</param>
/// <param name="Destination">Where it reaches the provider.</param>
/// <param name="Port">By which port, or ICMP type.</param>
public readonly record struct Meeting(ScopedAddress Source, ScopedAddress Destination, ushort Port)
{
    /// <summary>The addresses from which a workload connects: its own, then those under which its connections appear elsewhere.</summary>
    public static IEnumerable<ScopedAddress> SourcesOf(Workload consumer) => consumer.Addresses.Concat(consumer.Sources);

    /// <summary>The addresses, with visible ports, that lead to a workload's own port: its own, then the published ones.</summary>
    public static IEnumerable<(ScopedAddress Address, ushort Port)> DestinationsOf(WorkloadIndex index, Workload provider, byte protocol, ushort port) =>
        provider.Addresses.Select(address => (address, port)).Concat(
            from publication in index.Translations.PublishedBy(provider)
            let visible = publication.Ports.VisibleOf(protocol, port)
            where visible is not null
            select (publication.Address, visible.Value));

    /// <summary>The tuples of one space and family, own addresses before translated ones.</summary>
    public static IEnumerable<Meeting> All(IEnumerable<ScopedAddress> sources, IEnumerable<(ScopedAddress Address, ushort Port)> destinations)
    {
        var known = destinations.ToList();
        foreach (var source in sources)
        {
            foreach (var (destination, port) in known)
            {
                if (source.Space == destination.Space && source.Address.IsV6 == destination.Address.IsV6)
                {
                    yield return new(source, destination, port);
                }
            }
        }
    }
}
