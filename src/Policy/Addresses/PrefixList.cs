using System.Collections;

namespace Bulkhead.Policy.Addresses;

/// <summary>
/// Sorted, disjoint prefixes of one family, packed in chunks. A list that is made from another by changing some elements shares the chunks that it does not
/// change, and comparing the two costs what differs. An IPv4 address takes 4 bytes, an IPv6 address 16, and one more each where not all are single addresses.
/// </summary>
public sealed class PrefixList : IReadOnlyList<IpPrefix>, IEquatable<PrefixList>
{
    private const int LongestChunk = 512;

    private readonly PrefixChunk[] _chunks;
    private readonly int[] _starts;

    private PrefixList(PrefixChunk[] chunks)
    {
        _chunks = chunks;
        _starts = new int[chunks.Length];
        foreach (var (i, chunk) in chunks.Index())
        {
            _starts[i] = Count;
            Count += chunk.Count;
        }
    }

    /// <summary>The list without elements.</summary>
    public static PrefixList Empty { get; } = new([]);

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>The element at a place in the order of <see cref="IpPrefix"/>.</summary>
    public IpPrefix this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
            var at = Array.BinarySearch(_starts, index);
            var chunk = at >= 0 ? at : ~at - 1;
            return _chunks[chunk][index - _starts[chunk]];
        }
    }

    /// <summary>Packs prefixes, which must be sorted, disjoint and of one family.</summary>
    public static PrefixList Of(IEnumerable<IpPrefix> sorted) =>
        new([.. sorted.Chunk(LongestChunk).Select(part => new PrefixChunk(part))]);

    /// <summary>The place of the last element that begins at an address or below it, given as its bits; -1 if there is none.</summary>
    public int Find(UInt128 bits)
    {
        var (low, high) = (0, _chunks.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _chunks[middle].BitsAt(0) <= bits ? (middle + 1, high) : (low, middle);
        }

        return low == 0 ? -1 : _starts[low - 1] + _chunks[low - 1].Find(bits);
    }

    /// <summary>Whether an address of the list's family lies in an element.</summary>
    public bool Contains(IpAddress address) => Find(address.Bits) is var at and >= 0 && this[at].Contains(address);

    /// <summary>
    /// The list without some elements and with others, both sorted and of its family; null if it lacks one of those to be taken out or would hold two that
    /// overlap.
    /// </summary>
    public PrefixList? With(IReadOnlyList<IpPrefix> removed, IReadOnlyList<IpPrefix> added)
    {
        if (removed.Count + added.Count == 0)
        {
            return this;
        }

        var chunks = new List<PrefixChunk>(_chunks.Length + 1);
        var (gone, come) = (0, 0);
        for (var i = 0; i < Math.Max(_chunks.Length, 1); i++)
        {
            var (lost, won) = (Upto(removed, gone, i + 1), Upto(added, come, i + 1));
            if (lost == gone && won == come)
            {
                chunks.AddRange(_chunks.AsSpan(i, Math.Min(1, _chunks.Length)));
                continue;
            }

            var held = _chunks.Length == 0 ? [] : _chunks[i].ToList();
            for (; gone < lost; gone++)
            {
                if (held.BinarySearch(removed[gone]) is var at and >= 0)
                {
                    held.RemoveAt(at);
                }
                else
                {
                    return null;
                }
            }

            for (; come < won; come++)
            {
                if (held.BinarySearch(added[come]) is var at and < 0)
                {
                    held.Insert(~at, added[come]);
                }
                else
                {
                    return null;
                }
            }

            var parts = (held.Count + LongestChunk - 1) / LongestChunk;
            chunks.AddRange(parts == 0 ? [] : held.Chunk((held.Count + parts - 1) / parts).Select(part => new PrefixChunk(part)));
        }

        var list = new PrefixList([.. chunks]);
        return added.Any(list.Overlaps) ? null : list;
    }

    /// <summary>Gives what two lists do not share to handlers, in order.</summary>
    public static void Compare(PrefixList before, PrefixList after, Action<IpPrefix> removed, Action<IpPrefix> added)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var (i, atI, j, atJ) = (0, 0, 0, 0);
        while (i < before._chunks.Length || j < after._chunks.Length)
        {
            var old = i < before._chunks.Length ? before._chunks[i] : null;
            var now = j < after._chunks.Length ? after._chunks[j] : null;
            if (ReferenceEquals(old, now) && atI + atJ == 0)
            {
                (i, j) = (i + 1, j + 1);
                continue;
            }

            var order = old is null ? 1 : now is null ? -1 : old[atI].CompareTo(now[atJ]);
            if (order < 0)
            {
                removed(old![atI]);
            }
            else if (order > 0)
            {
                added(now![atJ]);
            }

            (i, atI) = order > 0 ? (i, atI) : atI + 1 < old!.Count ? (i, atI + 1) : (i + 1, 0);
            (j, atJ) = order < 0 ? (j, atJ) : atJ + 1 < now!.Count ? (j, atJ + 1) : (j + 1, 0);
        }
    }

    /// <inheritdoc/>
    public IEnumerator<IpPrefix> GetEnumerator()
    {
        foreach (var chunk in _chunks)
        {
            for (var i = 0; i < chunk.Count; i++)
            {
                yield return chunk[i];
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(PrefixList? other)
    {
        if (other is null || Count != other.Count)
        {
            return false;
        }

        var same = true;
        Compare(this, other, _ => same = false, _ => same = false);
        return same;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PrefixList);

    /// <inheritdoc/>
    public override int GetHashCode() => Count == 0 ? 0 : HashCode.Combine(Count, this[0], this[Count - 1]);

    /// <summary>Whether an element overlaps the one before or behind it.</summary>
    private bool Overlaps(IpPrefix element)
    {
        var at = Find(element.Address.Bits);
        return (at > 0 && this[at - 1].Overlaps(element)) || (at + 1 < Count && this[at + 1].Overlaps(element)) || this[at] != element;
    }

    /// <summary>How many changes belong to chunks before one; the first chunk takes what lies below it, and the last what lies above.</summary>
    private int Upto(IReadOnlyList<IpPrefix> changes, int from, int chunk)
    {
        while (from < changes.Count && (chunk >= _chunks.Length || changes[from].CompareTo(_chunks[chunk][0]) < 0))
        {
            from++;
        }

        return from;
    }
}
