using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>A workload that may be at one end of a connection, and what it would see of it there.</summary>
internal sealed record NaiveSight(Workload Own, IpAddress Local, IpAddress Peer, byte Protocol, int Port);

/// <summary>Who is to be seen where, by the letter of the inventory: every question goes through all workloads again.</summary>
internal sealed class NaiveSights(IReadOnlyList<Workload> workloads)
{
    /// <summary>The admitted workload that holds an address: on conflict the established one, which is the one with the lower id.</summary>
    public Workload? Holder(AddressSpace space, IpAddress address) =>
        workloads.Where(w => w.Admitted && w.Addresses.Contains(new(space, address))).MinBy(w => w.Id);

    /// <summary>All whose connections come from an address.</summary>
    public IReadOnlyList<Workload> From(AddressSpace space, IpAddress address) =>
        [.. workloads.Where(w => w.Admitted && (Holder(space, address)?.Id == w.Id || w.Sources.Contains(new(space, address))))];

    /// <summary>All that a connection to an address may be for, and the port there; rules mean the holder, too, by what others publish at its address.</summary>
    public IReadOnlyList<(Workload Own, int Port)> To(AddressSpace space, IpAddress address, byte protocol, int port) =>
        [.. Published(space, address, protocol, port), .. Holder(space, address) is { } holder ? [(holder, port)] : Array.Empty<(Workload, int)>()];

    /// <summary>Whether an address is cut off because of a quarantine.</summary>
    public bool CutOff(AddressSpace space, IpAddress address)
    {
        var at = new ScopedAddress(space, address);
        var visible = From(space, address).Concat(workloads.Where(w => Leading(w).Any(p => p.Address == at))).ToList();
        return visible.Count == 0
            ? workloads.Any(w => w.Quarantined && (w.Addresses.Contains(at) || w.Sources.Contains(at) || w.Published.Any(p => p.Address == at)))
            : visible.All(w => w.Quarantined) || From(space, address).Any(w => w.Quarantined);
    }

    public IReadOnlyList<NaiveSight> Consumers(Connection c) =>
    [
        .. from own in From(c.Space, c.Source)
           from dialled in Dialled(own, c)
           orderby own.Id, dialled.Address, dialled.Port
           select new NaiveSight(own, Holder(c.Space, c.Source)?.Id == own.Id ? c.Source : OwnAddress(own, c.Source), dialled.Address, c.Protocol, dialled.Port),
    ];

    public IReadOnlyList<NaiveSight> Providers(Connection c) =>
    [
        .. from recipient in Recipients(c)
           from source in Appearing(recipient.Own, c)
           orderby recipient.Own.Id, source, recipient.Port
           select new NaiveSight(recipient.Own, recipient.Published ? OwnAddress(recipient.Own, c.Destination) : c.Destination, source, c.Protocol, recipient.Port),
    ];

    /// <summary>What is published is translated before the holder would get it.</summary>
    private IReadOnlyList<(Workload Own, int Port, bool Published)> Recipients(Connection c)
    {
        var published = Published(c.Space, c.Destination, c.Protocol, c.Port).Select(p => (p.Own, p.Port, true)).ToList();
        return published.Count > 0 ? published : Holder(c.Space, c.Destination) is { } holder ? [(holder, c.Port, false)] : [];
    }

    /// <summary>What a consumer called that ended up where the connection was seen.</summary>
    private List<(IpAddress Address, int Port)> Dialled(Workload consumer, Connection c)
    {
        var same = (c.Destination, (int)c.Port);
        if (consumer.Space == c.Space)
        {
            return [same];
        }

        var dialled = new List<(IpAddress, int)>();
        foreach (var (own, port, _) in Recipients(c))
        {
            var others = Leading(own).Where(p => p.Address.Space == consumer.Space && p.Address.Address.IsV6 == c.Destination.IsV6)
                .SelectMany(p => new[] { port, port - p.Ports.FirstOwn + p.Ports.Visible.First }.Distinct().Where(visible => OwnPort(p, c.Protocol, visible) == port).Select(visible => (p.Address.Address, visible))).ToList();
            dialled.AddRange(others);
            if (others.Count == 0 || Holder(consumer.Space, c.Destination)?.Id == own.Id)
            {
                dialled.Add(same);
            }
        }

        return dialled.Count == 0 ? [same] : [.. dialled.Distinct()];
    }

    /// <summary>Under which addresses a provider sees the consumer of a connection.</summary>
    private List<IpAddress> Appearing(Workload provider, Connection c)
    {
        if (provider.Space == c.Space)
        {
            return [c.Source];
        }

        var sources = new List<IpAddress>();
        foreach (var consumer in From(c.Space, c.Source))
        {
            var others = consumer.Sources.Where(a => a.Space == provider.Space && a.Address.IsV6 == c.Source.IsV6).Select(a => a.Address).ToList();
            sources.AddRange(others);
            if (others.Count == 0 || Holder(provider.Space, c.Source)?.Id == consumer.Id)
            {
                sources.Add(c.Source);
            }
        }

        return sources.Count == 0 ? [c.Source] : [.. sources.Distinct()];
    }

    private static IpAddress OwnAddress(Workload workload, IpAddress like) =>
        workload.Addresses.Where(a => a.Address.IsV6 == like.IsV6).OrderBy(a => a.Space == workload.Space ? 0 : 1).Select(a => (IpAddress?)a.Address).FirstOrDefault() ?? like;

    private IEnumerable<(Workload Own, int Port)> Published(AddressSpace space, IpAddress address, byte protocol, int port) =>
        (from own in workloads
         from publication in Leading(own)
         where publication.Address == new ScopedAddress(space, address)
         let lands = OwnPort(publication, protocol, port)
         where lands is not null
         select (own, lands.Value)).Distinct();

    /// <summary>What a workload publishes, less what one with a lower id had first and does not share.</summary>
    private IEnumerable<Publication> Leading(Workload own) => !own.Admitted ? [] : own.Published.Where(mine =>
        !workloads.Any(w => w.Admitted && w.Id.CompareTo(own.Id) < 0 && w.Published.Any(theirs => theirs.Address == mine.Address && !(theirs.Shared && mine.Shared) && Meet(theirs.Ports.Visible, mine.Ports.Visible))));

    private static bool Meet(PortMatch a, PortMatch b) =>
        a.Protocol == 0 || b.Protocol == 0 || (a.Protocol == b.Protocol && a.First <= b.Last && b.First <= a.Last);

    private static int? OwnPort(Publication p, byte protocol, int visible) =>
        p.Ports.Visible.Protocol == 0 ? visible
        : p.Ports.Visible.Protocol == protocol && visible >= p.Ports.Visible.First && visible <= p.Ports.Visible.Last ? visible - p.Ports.Visible.First + p.Ports.FirstOwn
        : null;
}
