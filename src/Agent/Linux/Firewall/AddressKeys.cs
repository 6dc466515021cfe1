using System.Buffers.Binary;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>Addresses as keys of nftables' sets, in network order. A prefix of an interval set has two: where it begins, and where what follows it does.</summary>
internal static class AddressKeys
{
    /// <summary>What follows a prefix; null behind the last one of its family.</summary>
    public static UInt128? EndOf(IpPrefix prefix)
    {
        var last = prefix.Last;
        return last.Bits == (last.IsV6 ? UInt128.MaxValue : uint.MaxValue) ? null : last.Bits + 1;
    }

    /// <summary>Writes 4 or 16 bytes; returns them.</summary>
    public static Span<byte> Write(UInt128 bits, bool isV6, Span<byte> into)
    {
        if (isV6)
        {
            BinaryPrimitives.WriteUInt128BigEndian(into, bits);
            return into[..16];
        }

        BinaryPrimitives.WriteUInt32BigEndian(into, (uint)bits);
        return into[..4];
    }

    /// <summary>Reads what <see cref="Write"/> writes; null for another length.</summary>
    public static UInt128? Read(ReadOnlySpan<byte> key, bool isV6) =>
        key.Length != (isV6 ? 16 : 4) ? null
        : isV6 ? BinaryPrimitives.ReadUInt128BigEndian(key)
        : BinaryPrimitives.ReadUInt32BigEndian(key);
}
