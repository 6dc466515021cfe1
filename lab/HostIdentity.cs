using System.Security.Cryptography;
using System.Text;

namespace Bulkhead.Lab;

/// <summary>Identities of lab hosts, derived from names: the same host is the same machine each time it comes up.</summary>
internal static class HostIdentity
{
    public static Guid Of(string lab, string host, string purpose) =>
        new(SHA256.HashData(Encoding.UTF8.GetBytes($"bulkhead-lab/{lab}/{host}/{purpose}")).AsSpan(0, 16));
}
