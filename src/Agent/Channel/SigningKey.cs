using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Bulkhead.Agent.Channel;

/// <summary>A fresh P-256 key and the request to certify it. The key never leaves the host.</summary>
/// <param name="PrivateKey">PKCS #8.</param>
/// <param name="Request">PKCS #10, DER; the subject is the controller's to choose.</param>
internal sealed record SigningKey(byte[] PrivateKey, byte[] Request)
{
    /// <summary>Makes one.</summary>
    public static SigningKey Create()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        return new SigningKey(key.ExportPkcs8PrivateKey(), request.CreateSigningRequest());
    }

    /// <summary>Whether a certificate is for this key.</summary>
    public bool Matches(byte[] certificate)
    {
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(PrivateKey, out _);
        using var parsed = X509CertificateLoader.LoadCertificate(certificate);
        return parsed.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo());
    }
}
