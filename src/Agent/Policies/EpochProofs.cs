using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>Checks that the controller's CA itself began an epoch. Form: see <c>EpochProof</c> in agent.proto.</summary>
internal static class EpochProofs
{
    /// <summary>Whether a policy carries a proof of its own epoch that the CA signed.</summary>
    public static bool Holds(HostPolicy policy, X509Certificate2 authority)
    {
        if (policy is not { EpochProof: { } proof, Generation: { } generation } || proof.Epoch != generation.Epoch)
        {
            return false;
        }

        using var key = authority.GetECDsaPublicKey();
        return key is not null && key.VerifyData(
            Text(proof.Epoch), proof.Signature.Span, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    /// <summary>What the CA signs.</summary>
    public static byte[] Text(ulong epoch) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"bulkhead-epoch:{epoch}"));
}
