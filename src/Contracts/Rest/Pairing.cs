namespace Bulkhead.Contracts.Rest;

/// <summary><c>POST /api/v1/pairing-keys</c>.</summary>
/// <param name="Name">For people.</param>
/// <param name="Labels">Given to workloads that pair with it.</param>
/// <param name="Networks">CIDRs within which an agent's addresses count; at least one.</param>
/// <param name="MaxUses">Null for no limit.</param>
/// <param name="Expires">When it stops to work.</param>
/// <param name="AutoAdmit">Whether paired workloads enter others' policy at once, or wait for approval.</param>
public sealed record CreatePairingKey(
    string Name,
    IReadOnlyDictionary<string, string> Labels,
    IReadOnlyList<string> Networks,
    int? MaxUses,
    DateTimeOffset Expires,
    bool AutoAdmit);

/// <summary>A pairing key, without its secret.</summary>
public sealed record PairingKeyView(
    Guid Id,
    string Name,
    IReadOnlyDictionary<string, string> Labels,
    IReadOnlyList<string> Networks,
    int Uses,
    int? MaxUses,
    DateTimeOffset Expires,
    bool AutoAdmit,
    bool Revoked);

/// <summary>The answer to <see cref="CreatePairingKey"/>: the only time that the secret is shown.</summary>
/// <param name="Key">The key.</param>
/// <param name="Secret">To be put into a file that only root reads.</param>
/// <param name="Command">The command that pairs a host, with the name of that file in it.</param>
public sealed record CreatedPairingKey(PairingKeyView Key, string Secret, string Command);
