using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Bulkhead.Agent.Linux.Netlink;

/// <summary>
/// Writes one request into a buffer of the caller's: header, fixed part, attributes. The buffer must be large enough;
/// running out is a bug and throws <see cref="ArgumentOutOfRangeException"/>.
/// </summary>
public ref struct NetlinkWriter
{
    private const ushort NestedFlag = 0x8000;

    private readonly Span<byte> _buffer;
    private int _length;

    /// <summary>Starts a message.</summary>
    /// <param name="buffer">Where it goes.</param>
    /// <param name="type">The message type.</param>
    /// <param name="flags">NLM_F_*; see <see cref="NetlinkFlags"/>.</param>
    public NetlinkWriter(Span<byte> buffer, ushort type, ushort flags)
    {
        _buffer = buffer;
        buffer[..NetlinkMessage.HeaderLength].Clear();
        MemoryMarshal.Write(buffer[4..], type);
        MemoryMarshal.Write(buffer[6..], flags);
        _length = NetlinkMessage.HeaderLength;
    }

    /// <summary>Starts a netfilter message: its type, and struct nfgenmsg behind the header.</summary>
    public static NetlinkWriter Netfilter(Span<byte> buffer, byte subsystem, byte type, ushort flags, byte family, ushort resource = 0)
    {
        var writer = new NetlinkWriter(buffer, (ushort)((subsystem << 8) | type), flags);
        Span<byte> header = [family, 0, (byte)(resource >> 8), (byte)resource];
        writer.Raw(header);
        return writer;
    }

    /// <summary>Appends a part of fixed layout, padded to four bytes.</summary>
    public void Struct<T>(scoped in T value)
        where T : unmanaged => MemoryMarshal.Write(Take(Unsafe.SizeOf<T>()), value);

    /// <summary>Appends bytes, padded to four.</summary>
    public void Raw(scoped ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>Appends an attribute.</summary>
    public void Attribute(ushort type, scoped ReadOnlySpan<byte> value)
    {
        var at = Open(type);
        Raw(value);
        MemoryMarshal.Write(_buffer[at..], (ushort)(4 + value.Length));
    }

    /// <summary>Appends an attribute of one byte.</summary>
    public void U8(ushort type, byte value) => Attribute(type, [value]);

    /// <summary>Appends a big-endian number.</summary>
    public void U16Be(ushort type, ushort value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        Attribute(type, bytes);
    }

    /// <summary>Appends a big-endian number.</summary>
    public void U32Be(ushort type, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        Attribute(type, bytes);
    }

    /// <summary>Appends text with its terminating zero.</summary>
    public void Text(ushort type, string value) => Attribute(type, Encoding.UTF8.GetBytes(value + "\0"));

    /// <summary>Starts an attribute that holds attributes; its place is to be given to <see cref="Close"/>.</summary>
    public int Nest(ushort type) => Open((ushort)(type | NestedFlag));

    /// <summary>Ends what <see cref="Nest"/> started.</summary>
    public readonly void Close(int nest) => MemoryMarshal.Write(_buffer[nest..], (ushort)(_length - nest));

    /// <summary>The finished message; a socket fills in its sequence number when it sends it.</summary>
    public readonly Span<byte> End()
    {
        MemoryMarshal.Write(_buffer, (uint)_length);
        return _buffer[.._length];
    }

    private int Open(ushort type)
    {
        var at = _length;
        var header = Take(4);
        MemoryMarshal.Write(header[2..], type);
        return at;
    }

    private Span<byte> Take(int length)
    {
        var aligned = NetlinkMessage.Align(length);
        var slot = _buffer.Slice(_length, aligned);
        slot.Clear();
        _length += aligned;
        return slot;
    }
}

/// <summary>Flags of requests and answers (NLM_F_*).</summary>
public static class NetlinkFlags
{
    /// <summary>Every request carries it.</summary>
    public const ushort Request = 0x1;

    /// <summary>The kernel is to answer when it is done, also if it went well.</summary>
    public const ushort Ack = 0x4;

    /// <summary>Return everything that matches.</summary>
    public const ushort Dump = 0x300;

    /// <summary>Fail if it exists.</summary>
    public const ushort Exclusive = 0x200;

    /// <summary>Create it if it does not exist.</summary>
    public const ushort Create = 0x400;

    /// <summary>On a part of a dump: objects changed while it ran.</summary>
    public const ushort DumpInterrupted = 0x10;

    /// <summary>On an error: the request itself is not repeated in it.</summary>
    public const ushort Capped = 0x100;

    /// <summary>On an error or acknowledgement: attributes follow.</summary>
    public const ushort AckAttributes = 0x200;
}
