using System.Net;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Controller.Access;

/// <summary>Whom attempts are counted against.</summary>
public static class Sources
{
    private const int NetworkOfOne = 64;

    /// <summary>An IPv4 address, or the /64 of an IPv6 address: whoever has one address of it has them all.</summary>
    public static IpPrefix Of(IPAddress address) =>
        IpAddress.TryRead(address.GetAddressBytes(), out var read) ? IpPrefix.Containing(read, read.IsV6 ? NetworkOfOne : read.Width) : default;
}
