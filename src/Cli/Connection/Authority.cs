using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Bulkhead.Cli.Connection;

/// <summary>The one certificate authority that a controller's certificate must come from. The system's authorities count for nothing here.</summary>
internal static class Authority
{
    private const string PublicPath = "api/v1/authority";

    /// <summary>TLS settings that accept only certificates of <paramref name="authority"/> for the dialled name.</summary>
    public static SslClientAuthenticationOptions Trusting(X509Certificate2 authority) => new()
    {
        EnabledSslProtocols = SslProtocols.Tls13,
        CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { authority },
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        },
    };

    public static X509Certificate2 FromPem(string pem, string source)
    {
        try
        {
            return X509Certificate2.CreateFromPem(pem);
        }
        catch (CryptographicException)
        {
            throw Failure.Usage($"{source} is not a certificate in PEM form.", "The controller's is DIR/ca.crt, with DIR its data folder.");
        }
    }

    /// <summary>
    /// Fetches the authority's certificate from the controller and compares its fingerprint. The connection trusts nobody and carries nothing
    /// but that certificate, so that whoever answers can only fail the comparison.
    /// </summary>
    public static async Task<X509Certificate2> FetchAsync(Uri controller, string sha256, CancellationToken cancel)
    {
        var expected = sha256.Replace(":", "", StringComparison.Ordinal).Trim();
        if (expected.Length != 64 || !expected.All(char.IsAsciiHexDigit))
        {
            throw Failure.Usage("The fingerprint is not a SHA-256: it has 64 hexadecimal digits.", "The controller's is in DIR/ca.sha256, with DIR its data folder.");
        }

        using var handler = new SocketsHttpHandler { UseProxy = false };
        handler.SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
        };
        using var http = new HttpClient(handler) { BaseAddress = controller, Timeout = TimeSpan.FromSeconds(20), MaxResponseContentBufferSize = 64 * 1024 };
        byte[] certificate;
        try
        {
            certificate = await http.GetByteArrayAsync(new Uri(PublicPath, UriKind.Relative), cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (Unreachable.Describes(error, cancel))
        {
            throw Unreachable.From(error, controller);
        }

        var actual = Convert.ToHexStringLower(SHA256.HashData(certificate));
        return actual.Equals(expected, StringComparison.OrdinalIgnoreCase)
            ? X509CertificateLoader.LoadCertificate(certificate)
            : throw new Failure(
                ExitCode.Unreachable,
                $"{controller} is not the controller that you trust: its authority's fingerprint is {actual}.",
                "Compare with DIR/ca.sha256 on the controller. If they differ, somebody is between you and it.");
    }
}
