using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Storage;
using Google.Protobuf;

namespace Bulkhead.Controller.Authority;

/// <summary>
/// The controller's own certificate authority (ECDSA P-256). Agents trust nothing else. Its key lies in the data folder, readable by the owner
/// alone, and never leaves it. Thread-safe.
/// </summary>
public sealed class CertificateAuthority : IDisposable
{
    private static readonly Oid s_clientAuthentication = new("1.3.6.1.5.5.7.3.2");
    private static readonly Oid s_serverAuthentication = new("1.3.6.1.5.5.7.3.1");
    private static readonly TimeSpan s_lifetime = TimeSpan.FromDays(20 * 365);
    private static readonly TimeSpan s_clockSkew = TimeSpan.FromMinutes(5);

    private readonly ECDsa _key;
    private readonly X509SignatureGenerator _signer;

    private CertificateAuthority(ECDsa key, X509Certificate2 certificate)
    {
        _key = key;
        _signer = X509SignatureGenerator.CreateForECDsa(key);
        Certificate = certificate;
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));
    }

    /// <summary>How long an agent's certificate is valid.</summary>
    public static TimeSpan AgentLifetime { get; } = TimeSpan.FromHours(24);

    /// <summary>The CA's certificate, without its key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>The SHA-256 of the certificate's DER, lower-case hex; what agents and the CLI pin.</summary>
    public string Sha256 { get; }

    /// <summary>
    /// Opens the authority of a data folder (<c>ca.key</c>, <c>ca.crt</c>, <c>ca.sha256</c>), or makes it at first run.
    /// </summary>
    /// <exception cref="InvalidDataException">The certificate is there but its key is not, or they do not belong together.</exception>
    public static CertificateAuthority Open(DataFolder data, TimeProvider time)
    {
        var (keyFile, certificateFile) = (data.PathOf("ca.key"), data.PathOf("ca.crt"));
        if (!File.Exists(keyFile) && File.Exists(certificateFile))
        {
            throw new InvalidDataException($"{certificateFile} is there but {keyFile} is missing. Restore the key from a backup: without it no agent can be paired or renewed.");
        }

        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (File.Exists(keyFile))
        {
            key.ImportFromPem(File.ReadAllText(keyFile));
        }
        else
        {
            data.WriteSecret("ca.key", key.ExportPkcs8PrivateKeyPem());
        }

        if (!File.Exists(certificateFile))
        {
            using var made = SelfSign(key, time.GetUtcNow());
            data.Write("ca.crt", made.ExportCertificatePem());
        }

        var authority = new CertificateAuthority(key, X509CertificateLoader.LoadCertificateFromFile(certificateFile));
        using var published = authority.Certificate.GetECDsaPublicKey();
        if (published is null || !published.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()))
        {
            throw new InvalidDataException($"{keyFile} is not the key of {certificateFile}. Restore both from the same backup.");
        }

        data.Write("ca.sha256", authority.Sha256 + "\n");
        return authority;
    }

    /// <summary>
    /// Certifies an agent's key for <see cref="AgentLifetime"/>. The subject says which workload it is, and which pairing of it:
    /// a later pairing of the same workload makes earlier certificates void.
    /// </summary>
    /// <returns>The certificate's DER; null if the request is not a well-formed, self-signed PKCS #10 request for a P-256 key.</returns>
    public byte[]? CertifyAgent(ReadOnlySpan<byte> signingRequest, AgentSubject subject, DateTimeOffset now)
    {
        if (ReadKey(signingRequest) is not { } key)
        {
            return null;
        }

        using var certificate = Issue(new CertificateRequest(subject.ToName(), key, HashAlgorithmName.SHA256), s_clientAuthentication, now, AgentLifetime);
        return certificate.RawData;
    }

    /// <summary>A fresh key with a server certificate for these host names and addresses.</summary>
    public X509Certificate2 CertifyServer(IEnumerable<string> names, DateTimeOffset now, TimeSpan lifetime)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName("CN=bulkhead-controller"), key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            if (IPAddress.TryParse(name, out var address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(name);
            }
        }

        request.CertificateExtensions.Add(alternatives.Build());
        using var certificate = Issue(request, s_serverAuthentication, now, lifetime);
        return certificate.CopyWithPrivateKey(key);
    }

    /// <summary>Whether this authority issued a certificate, whatever its dates.</summary>
    public bool Issued(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Certificate);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain.Build(certificate);
    }

    /// <summary>The proof that an epoch was begun by whoever holds the CA's key.</summary>
    public EpochProof Prove(ulong epoch) => new()
    {
        Epoch = epoch,
        Signature = ByteString.CopyFrom(_key.SignData(
            Encoding.UTF8.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"bulkhead-epoch:{epoch}")),
            HashAlgorithmName.SHA256,
            DSASignatureFormat.IeeeP1363FixedFieldConcatenation)),
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        _key.Dispose();
        Certificate.Dispose();
    }

    private static X509Certificate2 SelfSign(ECDsa key, DateTimeOffset now)
    {
        var request = new CertificateRequest(
            new X500DistinguishedName($"CN=Bulkhead CA {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign | X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(now - s_clockSkew, now + s_lifetime);
    }

    private static PublicKey? ReadKey(ReadOnlySpan<byte> signingRequest)
    {
        try
        {
            var request = CertificateRequest.LoadSigningRequest(signingRequest.ToArray(), HashAlgorithmName.SHA256);
            using var key = request.PublicKey.GetECDsaPublicKey();
            return key?.ExportParameters(false).Curve.Oid.Value == ECCurve.NamedCurves.nistP256.Oid.Value ? request.PublicKey : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private X509Certificate2 Issue(CertificateRequest request, Oid purpose, DateTimeOffset now, TimeSpan lifetime)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([purpose], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, true, false));
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        return request.Create(Certificate.SubjectName, _signer, now - s_clockSkew, now + lifetime, serial);
    }
}
