using System.Net;
using Bulkhead.Controller.Authority;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Controller.Storage;

/// <summary>This controller, as the others on its store know it.</summary>
/// <param name="Id">Kept in its data folder.</param>
/// <param name="Name">Its machine's name.</param>
/// <param name="Endpoints">Where agents connect.</param>
/// <param name="Authority">The SHA-256 of its CA certificate.</param>
public sealed record ControllerSelf(Guid Id, string Name, EquatableArray<ControllerEndpoint> Endpoints, string Authority)
{
    /// <summary>The file with the identity, in the data folder.</summary>
    public const string IdFile = "controller-id";

    /// <summary>The controller of a data folder.</summary>
    /// <param name="data">Where its identity is kept, or from now on is.</param>
    /// <param name="authority">What it issues certificates under.</param>
    /// <param name="listen">Where agents connect; wildcards stand for all addresses of this machine.</param>
    public static ControllerSelf Of(DataFolder data, CertificateAuthority authority, IEnumerable<IPEndPoint> listen)
    {
        var file = data.PathOf(IdFile);
        if (!File.Exists(file) || !Guid.TryParse(File.ReadAllText(file), out var id))
        {
            id = Guid.NewGuid();
            data.Write(IdFile, id.ToString("D") + "\n");
        }

        return new(id, Dns.GetHostName(), listen.SelectMany(ServerCertificate.Expand).Select(Of).Distinct().Order().ToEquatableArray(), authority.Sha256);
    }

    /// <summary>Writes it into a row.</summary>
    internal void WriteTo(ControllerRow row, DateTimeOffset now) =>
        (row.Name, row.Endpoints, row.Authority, row.LastSeen) = (Name, string.Join(' ', Endpoints), Authority, now);

    /// <summary>The endpoints of all controllers, as every host lets them through.</summary>
    internal static EquatableArray<ControllerEndpoint> EndpointsOf(IEnumerable<string> columns) => columns
        .SelectMany(StoredText.Words)
        .Select(text => Of(IPEndPoint.Parse(text)))
        .Distinct().Order().ToEquatableArray();

    private static ControllerEndpoint Of(IPEndPoint endpoint) =>
        IpAddress.TryRead(endpoint.Address.GetAddressBytes(), out var address) ? new(address, (ushort)endpoint.Port) : default;
}
