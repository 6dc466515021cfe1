using System.Runtime.InteropServices;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>Is given each record of a ring; the bytes are valid until it returns.</summary>
internal delegate void RingRecord(ReadOnlySpan<byte> record);

/// <summary>
/// The reading end of a ring that programs write to (linux/bpf.h, BPF_MAP_TYPE_RINGBUF): a page with the reader's position, one with the writers', then the
/// records, each behind a header of its length and two flags. Mapped once, not twice as libbpf does, since its pages count as ours. For one thread.
/// </summary>
internal sealed unsafe class EventRing : IDisposable
{
    private const uint Busy = 1U << 31;
    private const uint Discarded = 1U << 30;
    private const int Header = 8;
    private const int Longest = 512;

    private readonly int _size;
    private readonly nuint _page = (nuint)Environment.SystemPageSize;
    private byte* _reader;
    private byte* _writers;

    /// <summary>Maps it.</summary>
    /// <param name="descriptor">The map's.</param>
    /// <param name="size">Bytes of records; a power of two.</param>
    /// <exception cref="BpfException">There is no memory for it.</exception>
    public EventRing(int descriptor, int size)
    {
        (Descriptor, _size) = (descriptor, size);
        _reader = MappedPages.Map(_page, descriptor, 0, writable: true);
        _writers = MappedPages.Map(_page + (nuint)size, descriptor, (nint)_page, writable: false);
    }

    /// <summary>What poll(2) is to be asked about it.</summary>
    public int Descriptor { get; }

    /// <summary>Gives every record that is complete to a handler, and makes room for others.</summary>
    /// <returns>How many there were.</returns>
    public int Read(RingRecord handler)
    {
        var position = *(ulong*)_reader;
        var written = Volatile.Read(ref *(ulong*)_writers);
        if (position == written)
        {
            return 0;
        }

        var count = Read(new(_writers + _page, _size), ref position, written, handler);
        Volatile.Write(ref *(ulong*)_reader, position);
        return count;
    }

    /// <summary>Reads records from one position to another; stops at one that is still being written, or whose length lies.</summary>
    public static int Read(ReadOnlySpan<byte> records, ref ulong position, ulong written, RingRecord handler)
    {
        Span<byte> whole = stackalloc byte[Longest];
        var mask = (ulong)records.Length - 1;
        var count = 0;
        while (written - position is >= Header and var left && left <= (ulong)records.Length)
        {
            var at = (int)(position & mask);
            ref var header = ref MemoryMarshal.AsRef<uint>(MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(records[at..]), sizeof(uint)));
            var value = Volatile.Read(ref header);
            var length = (int)(value & ~(Busy | Discarded));
            if ((value & Busy) != 0 || (ulong)Aligned(length) + Header > left)
            {
                break;
            }

            if ((value & Discarded) == 0 && length <= Longest)
            {
                handler(Record(records, (int)((position + Header) & mask), length, whole));
                count++;
            }

            position += (ulong)Aligned(length) + Header;
        }

        return count;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_reader != null)
        {
            MappedPages.Unmap(_reader, _page);
            MappedPages.Unmap(_writers, _page + (nuint)_size);
            _reader = _writers = null;
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Unmaps what nobody disposed of.</summary>
    ~EventRing() => Dispose();

    private static long Aligned(int length) => (length + 7L) & ~7L;

    private static ReadOnlySpan<byte> Record(ReadOnlySpan<byte> records, int at, int length, Span<byte> whole)
    {
        if (at + length <= records.Length)
        {
            return records.Slice(at, length);
        }

        records[at..].CopyTo(whole);
        records[..(length - (records.Length - at))].CopyTo(whole[(records.Length - at)..]);
        return whole[..length];
    }
}
