using System.Net;
using System.Net.NetworkInformation;
using System.Net.Security;

namespace Bulkhead.Controller.Authority;

/// <summary>
/// The controller's own TLS certificate: made at start for the names that it listens under, kept in memory only, and replaced when two thirds of its
/// life have passed. Thread-safe.
/// </summary>
public sealed class ServerCertificate(CertificateAuthority authority, IReadOnlyList<string> names, TimeProvider time)
{
    private static readonly TimeSpan s_lifetime = TimeSpan.FromDays(90);
    private readonly Lock _lock = new();
    private volatile Issued? _issued;

    /// <summary>The certificate to present now.</summary>
    public SslStreamCertificateContext Current
    {
        get
        {
            var now = time.GetUtcNow();
            if (_issued is { } issued && now < issued.RenewAt)
            {
                return issued.Context;
            }

            lock (_lock)
            {
                if (_issued is { } renewed && now < renewed.RenewAt)
                {
                    return renewed.Context;
                }

                var certificate = authority.CertifyServer(names, now, s_lifetime);
                var context = SslStreamCertificateContext.Create(certificate, [authority.Certificate], offline: true);
                _issued = new(context, now + (s_lifetime * 2 / 3));
                return context;
            }
        }
    }

    /// <summary>The names for endpoints: their addresses (every local one for a wildcard), the host's name, localhost, and more that the operator gave.</summary>
    public static IReadOnlyList<string> NamesOf(IEnumerable<IPEndPoint> endpoints, IEnumerable<string> more)
    {
        var addresses = endpoints.SelectMany(Expand).Select(endpoint => endpoint.Address);
        return [.. addresses
            .Concat([IPAddress.Loopback, IPAddress.IPv6Loopback])
            .Select(address => new IPAddress(address.GetAddressBytes()).ToString())
            .Concat(["localhost", Dns.GetHostName()])
            .Concat(more)
            .Where(name => name.Length > 0)
            .Distinct(StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>An endpoint, or for a wildcard one for each local address of its family that others can reach.</summary>
    public static IEnumerable<IPEndPoint> Expand(IPEndPoint endpoint) =>
        !endpoint.Address.Equals(IPAddress.Any) && !endpoint.Address.Equals(IPAddress.IPv6Any)
            ? [endpoint]
            : NetworkInterface.GetAllNetworkInterfaces()
                .SelectMany(card => card.GetIPProperties().UnicastAddresses)
                .Select(unicast => unicast.Address)
                .Where(address => !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal
                    && (address.AddressFamily == endpoint.AddressFamily || endpoint.Address.Equals(IPAddress.IPv6Any)))
                .Select(address => new IPEndPoint(address, endpoint.Port));

    private sealed record Issued(SslStreamCertificateContext Context, DateTimeOffset RenewAt);
}
