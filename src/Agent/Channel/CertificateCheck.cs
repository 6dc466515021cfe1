using System.Security.Cryptography;
using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Channel;

/// <summary>An issued certificate is looked at before it replaces anything.</summary>
internal static class CertificateCheck
{
    /// <summary>Refuses a certificate for another key, or an answer that names another CA.</summary>
    /// <exception cref="ChannelException">It is refused.</exception>
    public static void Require(Identity issued, SigningKey key, byte[] pinned, byte[] named)
    {
        if (issued.WorkloadId.Length == 0)
        {
            throw ChannelException.Malformed("The controller gave no workload id.");
        }

        if (!pinned.AsSpan().SequenceEqual(named))
        {
            throw ChannelException.Malformed("The controller named another CA than the pinned one.");
        }

        try
        {
            if (!key.Matches(issued.Certificate))
            {
                throw ChannelException.Malformed("The controller issued a certificate for another key.");
            }
        }
        catch (CryptographicException malformed)
        {
            throw ChannelException.Malformed($"The controller issued something that is no certificate: {malformed.Message}");
        }
    }
}
