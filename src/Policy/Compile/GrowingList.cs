namespace Bulkhead.Policy.Compile;

/// <summary>A list to which one thread at a time appends while others read what was there before.</summary>
internal sealed class GrowingList<T>
{
    private T[] _items = [];
    private int _count;

    /// <summary>The number of items.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>What is there now.</summary>
    public ReadOnlySpan<T> Span
    {
        get
        {
            var count = Volatile.Read(ref _count);
            return Volatile.Read(ref _items).AsSpan(0, count);
        }
    }

    /// <summary>An item that is there.</summary>
    public T this[int index] => Volatile.Read(ref _items)[index];

    /// <summary>Appends; callers take turns.</summary>
    public void Add(T item)
    {
        if (_count == _items.Length)
        {
            var grown = new T[Math.Max(4, _items.Length * 2)];
            _items.CopyTo(grown, 0);
            Volatile.Write(ref _items, grown);
        }

        _items[_count] = item;
        Volatile.Write(ref _count, _count + 1);
    }
}
