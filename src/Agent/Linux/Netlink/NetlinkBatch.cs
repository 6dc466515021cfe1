using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Agent.Linux.Netlink;

/// <summary>Slots for receiving many datagrams with one system call (recvmmsg); reused from call to call.</summary>
public sealed unsafe class NetlinkBatch : IDisposable
{
    private readonly int _slotLength;
    private byte* _memory;
    private int _count;

    /// <summary>Reserves the slots, outside the collected heap.</summary>
    /// <param name="capacity">How many datagrams at once.</param>
    /// <param name="slotLength">Bytes for each; longer datagrams are cut, and <see cref="NetlinkReader"/> then leaves out their cut last message.</param>
    public NetlinkBatch(int capacity = 256, int slotLength = 2048)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(slotLength);
        (Capacity, _slotLength) = (capacity, slotLength);
        _memory = (byte*)NativeMemory.AllocZeroed((nuint)capacity, (nuint)(sizeof(Libc.BatchHeader) + sizeof(Libc.IoVector) + slotLength));
        for (var i = 0; i < capacity; i++)
        {
            Vectors[i] = new() { Base = Slots + ((nint)i * slotLength), Length = (nuint)slotLength };
            Headers[i] = new() { Header = new() { Vectors = Vectors + i, VectorCount = 1 } };
        }
    }

    /// <summary>How many datagrams fit.</summary>
    public int Capacity { get; }

    /// <summary>A datagram of the last receive.</summary>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)_count);
            return new(Slots + ((nint)index * _slotLength), (int)Headers[index].Received);
        }
    }

    private Libc.BatchHeader* Headers => (Libc.BatchHeader*)_memory;

    private Libc.IoVector* Vectors => (Libc.IoVector*)(Headers + Capacity);

    private byte* Slots => (byte*)(Vectors + Capacity);

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
        _count = 0;
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the slots of a batch that nobody disposed of.</summary>
    ~NetlinkBatch() => NativeMemory.Free(_memory);

    internal int Receive(SafeFileHandle fd, int flags)
    {
        ObjectDisposedException.ThrowIf(_memory is null, this);
        var received = Libc.ReceiveMany(fd, Headers, (uint)Capacity, flags, null);
        _count = Math.Max(received, 0);
        return received;
    }
}
