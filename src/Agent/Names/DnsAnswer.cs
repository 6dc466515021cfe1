using System.Buffers.Binary;
using System.Text;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Names;

/// <summary>An address that a DNS answer gives for what was asked.</summary>
/// <param name="Address">The address.</param>
/// <param name="Seconds">For how long that holds.</param>
internal readonly record struct NamedAddress(IpAddress Address, uint Seconds);

/// <summary>
/// Reads DNS answers (RFC 1035, section 4) with the addresses that they give for the one name asked for, through CNAMEs too. Bounded in time and
/// memory whatever the bytes are; what is not understood is left out.
/// </summary>
internal static class DnsAnswer
{
    private const int Header = 12;
    private const int MostRecords = 64;
    private const int LongestName = 253;
    private const int MostLabels = 128;
    private const ushort TypeA = 1;
    private const ushort TypeAaaa = 28;
    private const ushort ClassInternet = 1;

    /// <summary>Reads a message; null if it is not an answer without error to one question for addresses.</summary>
    /// <param name="message">The DNS message, perhaps cut.</param>
    /// <param name="found">Gets the addresses.</param>
    /// <returns>The name that was asked for, in lower case, without the last dot.</returns>
    public static string? Read(ReadOnlySpan<byte> message, List<NamedAddress> found)
    {
        found.Clear();
        if (message.Length < Header
            || (message[2] & 0xf8) != 0x80 // a response to a standard query
            || (message[3] & 0x0f) != 0 // no error
            || U16(message, 4) != 1)
        {
            return null;
        }

        var at = Header;
        if (ReadName(message, ref at) is not { Length: > 0 } name || at + 4 > message.Length || U16(message, at) is not (TypeA or TypeAaaa) || U16(message, at + 2) != ClassInternet)
        {
            return null;
        }

        at += 4;
        var records = Math.Min((int)U16(message, 6), MostRecords);
        for (var i = 0; i < records && SkipName(message, ref at) && at + 10 <= message.Length; i++)
        {
            var (type, kind, seconds, length) = (U16(message, at), U16(message, at + 2), BinaryPrimitives.ReadUInt32BigEndian(message[(at + 4)..]), U16(message, at + 8));
            at += 10;
            if (at + length > message.Length)
            {
                break;
            }

            if (kind == ClassInternet && (type, length) is (TypeA, 4) or (TypeAaaa, 16) && IpAddress.TryRead(message.Slice(at, length), out var address))
            {
                found.Add(new(address, seconds));
            }

            at += length;
        }

        return found.Count > 0 ? name : null;
    }

    /// <summary>The name at a place, which is then behind it; null if it is none that a host has. It may not point elsewhere, as a question's never does.</summary>
    private static string? ReadName(ReadOnlySpan<byte> message, ref int at)
    {
        var name = new StringBuilder();
        while (at < message.Length)
        {
            int length = message[at++];
            if (length == 0)
            {
                return name.ToString();
            }

            if (length > 63 || at + length > message.Length || name.Length + length + 1 > LongestName)
            {
                return null;
            }

            if (name.Length > 0)
            {
                name.Append('.');
            }

            foreach (var letter in message.Slice(at, length))
            {
                if (!char.IsAsciiLetterOrDigit((char)letter) && letter is not ((byte)'-' or (byte)'_'))
                {
                    return null;
                }

                name.Append(char.ToLowerInvariant((char)letter));
            }

            at += length;
        }

        return null;
    }

    private static bool SkipName(ReadOnlySpan<byte> message, ref int at)
    {
        for (var labels = 0; at < message.Length && labels < MostLabels; labels++)
        {
            int length = message[at++];
            switch (length >> 6)
            {
                case 0 when length == 0:
                    return true;
                case 0:
                    at += length;
                    break;
                case 3: // a pointer ends a name
                    at++;
                    return at <= message.Length;
                default:
                    return false;
            }
        }

        return false;
    }

    private static ushort U16(ReadOnlySpan<byte> message, int at) => BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
}
