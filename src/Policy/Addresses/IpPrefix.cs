namespace Bulkhead.Policy.Addresses;

/// <summary>A CIDR prefix whose host bits are zero; a single address is a prefix of full length. Ordered by address, then shorter first.</summary>
public readonly record struct IpPrefix : IComparable<IpPrefix>
{
    private IpPrefix(IpAddress address, int length) => (Address, Length) = (address, length);

    /// <summary>The first address.</summary>
    public IpAddress Address { get; }

    /// <summary>The number of leading bits that are fixed, 0 to 32 or 128.</summary>
    public int Length { get; }

    /// <summary>Whether it holds exactly one address.</summary>
    public bool IsHost => Length == Address.Width;

    /// <summary>The last address.</summary>
    public IpAddress Last => With(Address, Address.Bits | HostMask(Address.Width, Length));

    /// <summary>All of IPv4.</summary>
    public static IpPrefix AllV4 { get; } = new(IpAddress.V4(0), 0);

    /// <summary>All of IPv6.</summary>
    public static IpPrefix AllV6 { get; } = new(IpAddress.V6(0), 0);

    /// <summary>The prefix that holds just one address.</summary>
    public static IpPrefix Host(IpAddress address) => new(address, address.Width);

    /// <summary>False if the length is out of range or bits beyond it are set.</summary>
    public static bool TryCreate(IpAddress address, int length, out IpPrefix prefix)
    {
        var valid = length >= 0 && length <= address.Width && (address.Bits & HostMask(address.Width, length)) == 0;
        prefix = valid ? new(address, length) : default;
        return valid;
    }

    /// <summary>The prefix of a length that holds an address, with the host bits cleared.</summary>
    public static IpPrefix Containing(IpAddress address, int length) =>
        new(With(address, address.Bits & ~HostMask(address.Width, length)), length);

    /// <summary>Whether an address lies in it.</summary>
    public bool Contains(IpAddress address) =>
        address.IsV6 == Address.IsV6 && ((address.Bits ^ Address.Bits) & ~HostMask(Address.Width, Length)) == 0;

    /// <summary>Whether the two share an address; for prefixes, one then contains the other.</summary>
    public bool Overlaps(IpPrefix other) => Contains(other.Address) || other.Contains(Address);

    /// <inheritdoc/>
    public int CompareTo(IpPrefix other) =>
        Address.CompareTo(other.Address) is var order and not 0 ? order : Length.CompareTo(other.Length);

    /// <inheritdoc/>
    public override string ToString() => IsHost ? Address.ToString() : $"{Address}/{Length}";

    private static UInt128 HostMask(int width, int length) =>
        length == width ? UInt128.Zero : UInt128.MaxValue >> (128 - width + length);

    private static IpAddress With(IpAddress like, UInt128 bits) => like.IsV6 ? IpAddress.V6(bits) : IpAddress.V4((uint)bits);
}
