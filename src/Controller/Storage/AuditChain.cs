using System.Security.Cryptography;
using System.Text.Json;
using Bulkhead.Controller.Storage.Rows;

namespace Bulkhead.Controller.Storage;

/// <summary>
/// The hash chain of the audit log: an entry's hash is the SHA-256 of the JSON array of the hash before it (empty at the start) and the entry's own
/// columns, in order. Whoever removes or alters an entry must rewrite every later one.
/// </summary>
public static class AuditChain
{
    /// <summary>Numbers and hashes entries that follow another.</summary>
    public static IReadOnlyList<AuditRow> Append(AuditRow? last, IReadOnlyList<AuditRow> entries)
    {
        foreach (var entry in entries)
        {
            entry.Sequence = (last?.Sequence ?? 0) + 1;
            entry.Hash = Hash(last?.Hash ?? "", entry);
            last = entry;
        }

        return entries;
    }

    /// <summary>The first entry at which a log, read from its start, was altered; null if it is whole.</summary>
    public static long? FirstBroken(IEnumerable<AuditRow> log)
    {
        var (sequence, hash) = (0L, "");
        foreach (var entry in log)
        {
            if (entry.Sequence != sequence + 1 || entry.Hash != Hash(hash, entry))
            {
                return sequence + 1;
            }

            (sequence, hash) = (entry.Sequence, entry.Hash);
        }

        return null;
    }

    private static string Hash(string before, AuditRow entry) => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(
        new object?[] { before, entry.Sequence, entry.At.ToUnixTimeMilliseconds(), entry.Actor, entry.Action, entry.Subject, entry.Detail, entry.Before })));
}
