using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Compile;

/// <summary>
/// The canonical bytes of a host policy, of which digests are made: equal policies have equal bytes, different ones different bytes. Peer
/// sets stand by name; their members are digested apart. Counts and lengths are written in groups of seven bits, lowest first; texts are UTF-8.
/// </summary>
internal static class HostPolicyBytes
{
    /// <summary>The bytes of an entry.</summary>
    public static byte[] Of(HostEntry entry)
    {
        var writer = new ArrayBufferWriter<byte>(96);
        writer.Write([(byte)entry.Direction, (byte)entry.Action]);
        Write(writer, (ulong)entry.Rule.Value);
        Write(writer, entry.Peers);
        Write(writer, (ulong)entry.Ports.Count);
        foreach (var port in entry.Ports)
        {
            Write(writer, port);
        }

        Write(writer, entry.Process?.Path);
        Write(writer, entry.Process?.Unit);
        Write(writer, (ulong)entry.Users.Count);
        foreach (var user in entry.Users)
        {
            Write(writer, user);
        }

        writer.Write([(byte)((entry.UnidentifiedMatches ? 1 : 0) | (entry.Stateless ? 2 : 0) | (entry.Helper is null ? 0 : 4))]);
        if (entry.Helper is { } helper)
        {
            Write(writer, helper.Name);
        }

        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Writes all that precedes the entries, except the generation.</summary>
    public static void WriteHeader(IBufferWriter<byte> writer, HostPolicy policy)
    {
        writer.Write([(byte)policy.Modes.Inbound, (byte)policy.Modes.Outbound, policy.Quarantined ? (byte)1 : (byte)0]);
        Write(writer, (ulong)policy.RequiredFeatures.Count);
        foreach (var feature in policy.RequiredFeatures)
        {
            Write(writer, feature);
        }

        Write(writer, policy.Responders);
        Write(writer, policy.QuarantinedPeers);
        Write(writer, (ulong)policy.Controllers.Count);
        foreach (var controller in policy.Controllers)
        {
            Write(writer, IpPrefix.Host(controller.Address));
            Write(writer, (ulong)controller.Port);
        }

        Write(writer, (ulong)policy.FailSafe.Count);
        foreach (var entry in policy.FailSafe)
        {
            Write(writer, entry.Sources);
            Write(writer, (ulong)entry.Ports.Count);
            foreach (var port in entry.Ports)
            {
                Write(writer, port);
            }
        }
    }

    private static void Write(IBufferWriter<byte> writer, EquatableArray<IpPrefix> prefixes)
    {
        Write(writer, (ulong)prefixes.Count);
        foreach (var prefix in prefixes)
        {
            Write(writer, prefix);
        }
    }

    private static void Write(IBufferWriter<byte> writer, IpPrefix prefix)
    {
        writer.Write([prefix.Address.IsV6 ? (byte)6 : (byte)4, (byte)prefix.Length]);
        BinaryPrimitives.WriteUInt128LittleEndian(writer.GetSpan(16), prefix.Address.Bits);
        writer.Advance(16);
    }

    private static void Write(IBufferWriter<byte> writer, PortMatch port)
    {
        var span = writer.GetSpan(5);
        span[0] = port.Protocol;
        BinaryPrimitives.WriteUInt16LittleEndian(span[1..], port.First);
        BinaryPrimitives.WriteUInt16LittleEndian(span[3..], port.Last);
        writer.Advance(5);
    }

    private static void Write(IBufferWriter<byte> writer, ulong number)
    {
        var span = writer.GetSpan(10);
        var length = 0;
        for (; number >= 0x80; number >>= 7)
        {
            span[length++] = (byte)(number | 0x80);
        }

        span[length++] = (byte)number;
        writer.Advance(length);
    }

    /// <summary>A text behind its length plus one; no text at all is 0.</summary>
    private static void Write(IBufferWriter<byte> writer, string? text)
    {
        Write(writer, text is null ? 0 : 1 + (ulong)Encoding.UTF8.GetByteCount(text));
        if (text is not null)
        {
            Encoding.UTF8.GetBytes(text, writer);
        }
    }
}
