using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Bulkhead.Controller.Access;

/// <summary>Random secrets of 256 bits; only their hashes are kept. They need no salt or slow hash: nobody can guess them.</summary>
public static class Secrets
{
    /// <summary>What API keys start with.</summary>
    public const string ApiKeyPrefix = "bhk_";

    /// <summary>What pairing keys start with.</summary>
    public const string PairingKeyPrefix = "bhp_";

    /// <summary>A new secret.</summary>
    public static string New(string prefix = "") => prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>SHA-256, hex: what is stored and looked up.</summary>
    public static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <summary>A password that people can type: 20 letters and digits in groups, about 100 bits.</summary>
    public static string NewPassword() =>
        string.Join('-', RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz23456789", 20).Chunk(5).Select(chunk => new string(chunk)));
}
