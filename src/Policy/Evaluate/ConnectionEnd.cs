using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>A workload that may be at one end of a connection, and what it sees of it.</summary>
/// <param name="Workload">The workload.</param>
/// <param name="Direction">Outbound at the consumer, inbound at the provider.</param>
/// <param name="Seen">The connection as it is visible in the workload's own space, with its own address where that was translated.</param>
public sealed record ConnectionEnd(Workload Workload, Direction Direction, Connection Seen)
{
    /// <summary>
    /// The workloads that may be at one end of a connection; by id, then by what they see. Several come from a shared address, or are behind a
    /// shared virtual IP, and cannot be told apart. What is published at an address never reaches whoever holds it.
    /// </summary>
    public static IReadOnlyList<ConnectionEnd> Of(WorkloadIndex index, Connection connection, Direction direction) => new Finder(index, connection).Find(direction);

    private sealed class Finder(WorkloadIndex index, Connection connection)
    {
        private readonly ScopedAddress _source = new(connection.Space, connection.Source);
        private readonly ScopedAddress _destination = new(connection.Space, connection.Destination);

        public IReadOnlyList<ConnectionEnd> Find(Direction direction) => direction == Direction.Inbound
            ?
            [
                .. from provider in Providers()
                   from source in Sources(provider.Workload)
                   orderby provider.Workload.Id, source, provider.Port
                   select new ConnectionEnd(provider.Workload, direction, connection with
                   {
                       Space = provider.Workload.Space,
                       Source = source,
                       Destination = provider.Translated ? OwnAddress(provider.Workload, connection.Destination) : connection.Destination,
                       Port = provider.Port,
                   }),
            ]
            :
            [
                .. from consumer in index.Translations.ComingFrom(_source)
                   from destination in Destinations(consumer)
                   orderby consumer.Id, destination.Address, destination.Port
                   select new ConnectionEnd(consumer, direction, connection with
                   {
                       Space = consumer.Space,
                       Source = Holds(consumer, connection.Space, _source) ? connection.Source : OwnAddress(consumer, connection.Source),
                       Destination = destination.Address,
                       Port = destination.Port,
                   }),
            ];

        private List<(Workload Workload, ushort Port, bool Translated)> Providers()
        {
            var published = index.Translations.PublishedAt(_destination, connection.Protocol, connection.Port).Distinct().Select(end => (end.Workload, end.Port, true)).ToList();
            return published.Count > 0 || index.Holder(_destination) is not { } holder ? published : [(holder, connection.Port, false)];
        }

        /// <summary>Where a provider may see the consumer: translated into the provider's space, or else under the same address.</summary>
        private IEnumerable<IpAddress> Sources(Workload provider) => provider.Space == connection.Space ? [connection.Source] : OrSame(
            from consumer in index.Translations.ComingFrom(_source)
            from source in OrSame(consumer.Sources.Where(source => IsVisible(source, provider.Space)).Select(source => source.Address), connection.Source, Holds(consumer, provider.Space, _source))
            select source,
            connection.Source);

        /// <summary>Where a consumer may have seen the provider: published in the consumer's space, or else at the same address and port.</summary>
        private IEnumerable<(IpAddress Address, ushort Port)> Destinations(Workload consumer) => consumer.Space == connection.Space ? [(connection.Destination, connection.Port)] : OrSame(
            from provider in Providers()
            from destination in OrSame(Published(provider.Workload, provider.Port, consumer.Space), (connection.Destination, connection.Port), Holds(provider.Workload, consumer.Space, _destination))
            select destination,
            (connection.Destination, connection.Port));

        private IEnumerable<(IpAddress Address, ushort Port)> Published(Workload provider, ushort own, AddressSpace space) =>
            from publication in index.Translations.PublishedBy(provider)
            where IsVisible(publication.Address, space)
            let visible = publication.Ports.VisibleOf(connection.Protocol, own)
            where visible is not null
            select (publication.Address.Address, visible.Value);

        private bool IsVisible(ScopedAddress address, AddressSpace space) => address.Space == space && address.Address.IsV6 == connection.Source.IsV6;

        private bool Holds(Workload workload, AddressSpace space, ScopedAddress address) => index.Holder(address with { Space = space })?.Id == workload.Id;

        /// <summary>The workload's own address behind a visible one.</summary>
        private static IpAddress OwnAddress(Workload workload, IpAddress visible)
        {
            var own = workload.Addresses.Where(address => address.Address.IsV6 == visible.IsV6).ToList();
            return own.Where(address => address.Space == workload.Space).Concat(own).Select(address => (IpAddress?)address.Address).FirstOrDefault() ?? visible;
        }

        private static IEnumerable<T> OrSame<T>(IEnumerable<T> translated, T same, bool alsoSame = false)
        {
            var found = translated.Distinct().ToList();
            return found.Count == 0 || alsoSame ? found.Append(same).Distinct() : found;
        }
    }
}
