using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Bulkhead.Agent.Linux.Netlink;

/// <summary>Walks the messages of one datagram; stops at the first one whose length lies.</summary>
/// <param name="datagram">What one receive returned.</param>
public ref struct NetlinkReader(ReadOnlySpan<byte> datagram)
{
    private ReadOnlySpan<byte> _rest = datagram;

    /// <summary>The message that <see cref="Next"/> moved to.</summary>
    public NetlinkMessage Current { get; private set; }

    /// <summary>Moves to the next message; false at the end.</summary>
    public bool Next()
    {
        if (_rest.Length < NetlinkMessage.HeaderLength)
        {
            return false;
        }

        var length = MemoryMarshal.Read<uint>(_rest);
        if (length < NetlinkMessage.HeaderLength || length > _rest.Length)
        {
            return false;
        }

        Current = new NetlinkMessage(_rest[..(int)length]);
        _rest = _rest[Math.Min(_rest.Length, NetlinkMessage.Align((int)length))..];
        return true;
    }
}

/// <summary>One netlink message (struct nlmsghdr and what follows).</summary>
/// <param name="bytes">The message with its header, at least 16 bytes.</param>
public readonly ref struct NetlinkMessage(ReadOnlySpan<byte> bytes)
{
    /// <summary>The length of struct nlmsghdr.</summary>
    public const int HeaderLength = 16;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>The message type; for netfilter, subsystem in the high byte.</summary>
    public ushort Type => MemoryMarshal.Read<ushort>(_bytes[4..]);

    /// <summary>NLM_F_*.</summary>
    public ushort Flags => MemoryMarshal.Read<ushort>(_bytes[6..]);

    /// <summary>The sequence number of the request that it answers.</summary>
    public uint Sequence => MemoryMarshal.Read<uint>(_bytes[8..]);

    /// <summary>The port of the socket whose request caused it.</summary>
    public uint PortId => MemoryMarshal.Read<uint>(_bytes[12..]);

    /// <summary>What follows the header.</summary>
    public ReadOnlySpan<byte> Payload => _bytes[HeaderLength..];

    /// <summary>The attributes behind a fixed part of the payload; none if the payload is shorter.</summary>
    public AttributeReader Attributes(int fixedLength) =>
        new(Payload.Length < fixedLength ? [] : Payload[fixedLength..]);

    internal static int Align(int length) => (length + 3) & ~3;
}

/// <summary>Walks attributes (struct nlattr); stops at the first one whose length lies.</summary>
/// <param name="bytes">The attributes, without what precedes them.</param>
public ref struct AttributeReader(ReadOnlySpan<byte> bytes)
{
    private const int HeaderLength = 4;
    private const ushort TypeMask = 0x3fff;

    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>The type, without the nested and byte-order flags.</summary>
    public ushort Type { get; private set; }

    /// <summary>The value.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Moves to the next attribute; false at the end.</summary>
    public bool Next()
    {
        if (_rest.Length < HeaderLength)
        {
            return false;
        }

        var length = MemoryMarshal.Read<ushort>(_rest);
        if (length < HeaderLength || length > _rest.Length)
        {
            return false;
        }

        Type = (ushort)(MemoryMarshal.Read<ushort>(_rest[2..]) & TypeMask);
        Value = _rest[HeaderLength..length];
        _rest = _rest[Math.Min(_rest.Length, NetlinkMessage.Align(length))..];
        return true;
    }

    /// <summary>The attributes within the current one.</summary>
    public readonly AttributeReader Nested() => new(Value);

    /// <summary>The value as one byte; 0 if it is empty.</summary>
    public readonly byte U8() => Value.Length > 0 ? Value[0] : (byte)0;

    /// <summary>The value as a big-endian number; 0 if it is shorter.</summary>
    public readonly ushort U16Be() => Value.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(Value) : (ushort)0;

    /// <summary>The value as a big-endian number; 0 if it is shorter.</summary>
    public readonly uint U32Be() => Value.Length >= 4 ? BinaryPrimitives.ReadUInt32BigEndian(Value) : 0;

    /// <summary>The value as a big-endian number; 0 if it is shorter.</summary>
    public readonly ulong U64Be() => Value.Length >= 8 ? BinaryPrimitives.ReadUInt64BigEndian(Value) : 0;

    /// <summary>The value as a number in the machine's order; 0 if it is shorter.</summary>
    public readonly uint U32() => Value.Length >= 4 ? MemoryMarshal.Read<uint>(Value) : 0;

    /// <summary>The value as a number in the machine's order; 0 if it is shorter.</summary>
    public readonly ulong U64() => Value.Length >= 8 ? MemoryMarshal.Read<ulong>(Value) : 0;

    /// <summary>The value as text up to its terminating zero.</summary>
    public readonly string Text()
    {
        var end = Value.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? Value : Value[..end]);
    }
}
