using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Bulkhead.Agent.Linux;
using Bulkhead.Agent.State;
using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Compile;
using Google.Protobuf;

namespace Bulkhead.Agent.Channel;

/// <summary>Becoming known to a controller: the one time that a pairing key is used.</summary>
internal static class Pairing
{
    /// <summary>Pairs the host; nothing is kept of it, and no secret sent, unless the CA's digest matches.</summary>
    /// <param name="controller">The agent channel's address.</param>
    /// <param name="authorityDigest">SHA-256 of the CA's certificate, hex.</param>
    /// <param name="key">The pairing key's secret.</param>
    /// <param name="name">The workload's name, or null for the host's.</param>
    /// <param name="hardwareUuid">In place of the firmware's, or null.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="AgentException">The controller is not the pinned one, or its answer makes no sense.</exception>
    /// <exception cref="ChannelException">The controller refused.</exception>
    public static async Task<Identity> PairAsync(Uri controller, string authorityDigest, string key, string? name, string? hardwareUuid, CancellationToken cancel)
    {
        var authority = await ControllerClient.FetchAuthorityAsync(controller, cancel);
        var digest = Convert.ToHexStringLower(SHA256.HashData(authority));
        if (!string.Equals(digest, authorityDigest, StringComparison.OrdinalIgnoreCase))
        {
            throw new AgentException(
                "wrong-controller",
                $"The controller at {controller.Authority} has another CA: its SHA-256 is {digest}, not {authorityDigest}. Nothing was sent to it.",
                "Compare with ca.sha256 in the controller's data folder; if the address is right, somebody may be in between.");
        }

        var signing = SigningKey.Create();
        using var trusted = LoadAuthority(authority);
        using var client = ControllerClient.Trusting(controller, trusted, null);
        var response = await client.PostAsync("/agent/v1/pair", new PairRequest
        {
            Key = key,
            SigningRequest = ByteString.CopyFrom(signing.Request),
            Identity = HostFacts.Host(name, hardwareUuid),
            Agent = HostFacts.Agent([Features.Base]),
            Addresses = { HostAddresses.Read().Local.Select(address => ByteString.CopyFrom(address.ToBytes())) },
        }, PairResponse.Parser, cancel);
        var identity = new Identity(controller, response.WorkloadId, name, hardwareUuid, signing.PrivateKey, response.Certificate.ToByteArray(), authority);
        CertificateCheck.Require(identity, signing, authority, response.Authority.ToByteArray());
        return identity;
    }

    /// <summary>Renews the certificate with a new key; the old one stays good until it expires.</summary>
    public static async Task<Identity> RenewAsync(ControllerClient client, Identity identity, CancellationToken cancel)
    {
        var signing = SigningKey.Create();
        var response = await client.PostAsync(
            "/agent/v1/renew", new RenewRequest { SigningRequest = ByteString.CopyFrom(signing.Request) }, RenewResponse.Parser, cancel);
        var renewed = identity with { Key = signing.PrivateKey, Certificate = response.Certificate.ToByteArray() };
        CertificateCheck.Require(renewed, signing, identity.Authority, identity.Authority);
        return renewed;
    }

    private static X509Certificate2 LoadAuthority(byte[] authority)
    {
        try
        {
            return X509CertificateLoader.LoadCertificate(authority);
        }
        catch (CryptographicException malformed)
        {
            throw new AgentException("malformed-authority", $"What the controller gives as its CA is no certificate: {malformed.Message}", "Check that the address is that of the controller's agent port.");
        }
    }
}
