using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Agent.State;

/// <summary>Who the agent is to its controller, as kept on disk: one file, so that key and certificate never disagree.</summary>
/// <param name="Controller">The address of the agent channel, such as <c>https://10.0.0.1:8444</c>.</param>
/// <param name="WorkloadId">The controller's name for this host.</param>
/// <param name="Name">The workload's name, or null for the host's.</param>
/// <param name="HardwareUuid">Given at pairing where the firmware's is not to be used, or null.</param>
/// <param name="Key">The private key, PKCS #8.</param>
/// <param name="Certificate">The agent's certificate, DER.</param>
/// <param name="Authority">The certificate of the controller's CA, DER.</param>
internal sealed record Identity(
    Uri Controller,
    string WorkloadId,
    string? Name,
    string? HardwareUuid,
    byte[] Key,
    byte[] Certificate,
    byte[] Authority)
{
    /// <summary>The code of what is wrong where the file is there and cannot be used.</summary>
    public const string Damaged = "identity-damaged";

    /// <summary>Reads it.</summary>
    /// <exception cref="AgentException">The host is not paired, or the file is damaged.</exception>
    public static Identity Load(StateDirectory state)
    {
        byte[]? content;
        try
        {
            content = DurableFile.Read(state.Identity);
        }
        catch (UnauthorizedAccessException refused)
        {
            throw new AgentException("state-unreadable", $"The agent's identity cannot be read: {refused.Message}", "Run as root.");
        }

        if (content is null && File.Exists(state.Marker))
        {
            throw new AgentException(Damaged, $"{state.Identity} is gone, though this host enforces a policy.", "Pair the host again with 'bulkhead-agent pair'; what it enforces stays in force.");
        }

        if (content is null)
        {
            throw new AgentException("not-paired", $"This host is not paired: there is no {state.Identity}.", "Run 'bulkhead-agent pair' with a pairing key of the controller.");
        }

        try
        {
            var identity = JsonSerializer.Deserialize(content, StateJson.Default.Identity) ?? throw new JsonException("it is empty");
            using var certificate = identity.ToCertificate();
            using var authority = identity.ToAuthority();
            return identity;
        }
        catch (Exception damaged) when (damaged is JsonException or CryptographicException)
        {
            throw new AgentException(Damaged, $"{state.Identity} is damaged: {damaged.Message}", "Pair the host again with 'bulkhead-agent pair'; what it enforces stays in force.");
        }
    }

    /// <summary>Replaces what is on disk.</summary>
    public void Save(StateDirectory state) =>
        DurableFile.Write(state.Identity, JsonSerializer.SerializeToUtf8Bytes(this, StateJson.Default.Identity));

    /// <summary>The certificate together with its key, for TLS.</summary>
    public X509Certificate2 ToCertificate()
    {
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(Key, out _);
        using var certificate = X509CertificateLoader.LoadCertificate(Certificate);
        return certificate.CopyWithPrivateKey(key);
    }

    /// <summary>Where the controller is reached, if the host was paired with an address; null for a name.</summary>
    public ControllerEndpoint? ToEndpoint() =>
        IpAddress.TryParse(Controller.Host.Trim('[', ']'), out var address) ? new ControllerEndpoint(address, (ushort)Controller.Port) : null;

    /// <summary>The CA's certificate: the only one that is trusted.</summary>
    public X509Certificate2 ToAuthority() => X509CertificateLoader.LoadCertificate(Authority);
}
