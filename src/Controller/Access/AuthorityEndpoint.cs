using Bulkhead.Controller.Authority;

namespace Bulkhead.Controller.Access;

/// <summary><c>GET /api/v1/authority</c>: the CA certificate (DER), for those who know its fingerprint and are about to trust it.</summary>
public static class AuthorityEndpoint
{
    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder api) =>
        api.MapGet("/authority", (CertificateAuthority authority) => TypedResults.Bytes(authority.Certificate.RawData, "application/pkix-cert"))
            .AllowAnonymous()
            .WithSummary("The CA certificate, DER.");
}
