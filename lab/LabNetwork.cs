using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Bulkhead.Lab;

/// <summary>The addresses of a lab: one IPv4 /24 of 198.18.0.0/15 and one IPv6 /64 of fd00:b01d::/32.</summary>
/// <param name="Number">Which of the 512, 0 to 511.</param>
public sealed record LabNetwork(int Number)
{
    /// <summary>How many labs fit beside each other.</summary>
    public const int Count = 512;

    private const int FirstHost = 10;

    /// <summary>The IPv4 network.</summary>
    public IPNetwork Ipv4 => new(Ipv4At(0), 24);

    /// <summary>The IPv6 network.</summary>
    public IPNetwork Ipv6 => new(Ipv6At(0), 64);

    /// <summary>The root namespace's end of the uplink: where agents find a controller on this machine.</summary>
    public IPAddress GatewayIpv4 => Ipv4At(1);

    /// <inheritdoc cref="GatewayIpv4"/>
    public IPAddress GatewayIpv6 => Ipv6At(1);

    /// <summary>The IPv4 address of the host with that place in the lab file, from 0.</summary>
    public IPAddress HostIpv4(int index) => Ipv4At(FirstHost + index);

    /// <summary>The IPv6 address of the host with that place in the lab file, from 0.</summary>
    public IPAddress HostIpv6(int index) => Ipv6At(FirstHost + index);

    /// <summary>The network a lab of that id takes unless it is taken; then the one after it, and so on.</summary>
    internal static int Preferred(string id)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes("bulkhead-lab/" + id));
        return ((hash[0] << 8) | hash[1]) % Count;
    }

    private IPAddress Ipv4At(int host) => new([198, (byte)(18 + (Number >> 8)), (byte)Number, (byte)host]);

    private IPAddress Ipv6At(int host) =>
        IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"fd00:b01d:{Number:x}::{host:x}"));
}
