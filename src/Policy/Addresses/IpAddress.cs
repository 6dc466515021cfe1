using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Bulkhead.Policy.Addresses;

/// <summary>An IPv4 or IPv6 address as a number; IPv4-mapped IPv6 addresses are normalised to IPv4. Ordered IPv4 first, then numerically.</summary>
public readonly record struct IpAddress : IComparable<IpAddress>
{
    private IpAddress(UInt128 bits, bool isV6) => (Bits, IsV6) = (bits, isV6);

    /// <summary>The address in host order; an IPv4 address fills the low 32 bits.</summary>
    public UInt128 Bits { get; }

    /// <summary>Whether it is an IPv6 address.</summary>
    public bool IsV6 { get; }

    /// <summary>32 or 128.</summary>
    public int Width => IsV6 ? 128 : 32;

    /// <summary>The IPv4 address of a number in host order.</summary>
    public static IpAddress V4(uint bits) => new(bits, false);

    /// <summary>The IPv6 address of a number in host order.</summary>
    public static IpAddress V6(UInt128 bits) => bits >> 32 == 0xffff ? new((uint)bits, false) : new(bits, true);

    /// <summary>Reads 4 or 16 bytes in network order; false for any other length.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out IpAddress address)
    {
        address = bytes.Length switch
        {
            4 => V4(BinaryPrimitives.ReadUInt32BigEndian(bytes)),
            16 => V6(BinaryPrimitives.ReadUInt128BigEndian(bytes)),
            _ => default,
        };
        return bytes.Length is 4 or 16;
    }

    /// <summary>Reads the usual text form; zone indices are refused.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpAddress address)
    {
        address = default;
        // IPAddress accepts "10" and "10.1" as IPv4; people who write that mean something else.
        if (text.IndexOf('%') >= 0 || !IPAddress.TryParse(text, out var parsed)
            || (parsed.AddressFamily == AddressFamily.InterNetwork && text.Count('.') != 3))
        {
            return false;
        }

        return TryRead(parsed.GetAddressBytes(), out address);
    }

    /// <summary>Reads the usual text form.</summary>
    /// <exception cref="FormatException">The text is not an address.</exception>
    public static IpAddress Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not an IP address.");

    /// <summary>The 4 or 16 bytes in network order.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[IsV6 ? 16 : 4];
        if (IsV6)
        {
            BinaryPrimitives.WriteUInt128BigEndian(bytes, Bits);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Bits);
        }

        return bytes;
    }

    /// <summary>The framework's form of it.</summary>
    public IPAddress ToIPAddress() => new(ToBytes());

    /// <summary>Whether a connection to it stays on the host (127.0.0.0/8 or ::1).</summary>
    public bool IsLoopback => IsV6 ? Bits == 1 : Bits >> 24 == 127;

    /// <summary>Whether it is an IPv6 link-local (fe80::/10) or IPv4 link-local (169.254.0.0/16) address.</summary>
    public bool IsLinkLocal => IsV6 ? Bits >> 118 == 0x3fa : Bits >> 16 == 0xa9fe;

    /// <summary>Whether it is a multicast address, or the limited broadcast address.</summary>
    public bool IsMulticast => IsV6 ? Bits >> 120 == 0xff : Bits >> 28 == 0xe || Bits == uint.MaxValue;

    /// <inheritdoc/>
    public int CompareTo(IpAddress other) => IsV6 != other.IsV6 ? (IsV6 ? 1 : -1) : Bits.CompareTo(other.Bits);

    /// <inheritdoc/>
    public override string ToString() => ToIPAddress().ToString();
}
