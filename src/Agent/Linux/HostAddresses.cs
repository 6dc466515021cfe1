using System.Net.NetworkInformation;
using System.Net.Sockets;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Linux;

/// <summary>An address of the host with its network.</summary>
/// <param name="Interface">The interface that has it.</param>
/// <param name="Address">The address.</param>
/// <param name="Length">The length of its network's prefix.</param>
internal sealed record HostAddress(string Interface, IpAddress Address, int Length);

/// <summary>The addresses of the network namespace, without loopback ones; in canonical order.</summary>
internal sealed record HostAddresses(EquatableArray<HostAddress> All)
{
    private readonly HashSet<IpAddress> _local = [.. All.Select(a => a.Address)];
    private readonly HashSet<IpAddress> _broadcast =
        [.. All.Where(a => !a.Address.IsV6 && a.Length is > 0 and < 31).Select(a => IpPrefix.Containing(a.Address, a.Length).Last)];

    /// <summary>The addresses alone, link-local ones last.</summary>
    public IEnumerable<IpAddress> Local => All.Select(a => a.Address).OrderBy(a => a.IsLinkLocal);

    /// <summary>Reads them now.</summary>
    public static HostAddresses Read() => new(
        (from link in NetworkInterface.GetAllNetworkInterfaces()
         where link.NetworkInterfaceType != NetworkInterfaceType.Loopback
         from unicast in link.GetIPProperties().UnicastAddresses
         where unicast.Address.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6
         let address = Parse(unicast.Address)
         orderby link.Name, address
         select new HostAddress(link.Name, address, unicast.PrefixLength)).ToEquatableArray());

    /// <summary>Whether the host has the address.</summary>
    public bool IsLocal(IpAddress address) => _local.Contains(address);

    /// <summary>Whether packets to the address reach the host without being its own: multicast and broadcast.</summary>
    public bool IsGroup(IpAddress address) => address.IsMulticast || _broadcast.Contains(address);

    /// <inheritdoc/>
    public bool Equals(HostAddresses? other) => other is not null && All == other.All;

    /// <inheritdoc/>
    public override int GetHashCode() => All.GetHashCode();

    private static IpAddress Parse(System.Net.IPAddress address)
    {
        _ = IpAddress.TryRead(address.GetAddressBytes(), out var parsed);
        return parsed;
    }
}
