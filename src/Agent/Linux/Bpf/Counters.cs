namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>Numbers that programs count in a map, read where they lie: an array that may be mapped.</summary>
internal sealed unsafe class Counters : IDisposable
{
    private readonly int _count;
    private readonly nuint _length = (nuint)Environment.SystemPageSize;
    private ulong* _at;

    /// <summary>Maps them.</summary>
    /// <param name="descriptor">The map's.</param>
    /// <param name="count">How many there are; at most a page of them.</param>
    /// <exception cref="BpfException">There is no memory for it.</exception>
    public Counters(int descriptor, int count)
    {
        _count = count;
        _at = (ulong*)MappedPages.Map(_length, descriptor, 0, writable: false);
    }

    /// <summary>A number as it is now.</summary>
    public ulong this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)_count);
            ObjectDisposedException.ThrowIf(_at == null, this);
            return Volatile.Read(ref _at[index]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_at != null)
        {
            MappedPages.Unmap((byte*)_at, _length);
            _at = null;
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Unmaps what nobody disposed of.</summary>
    ~Counters() => Dispose();
}
