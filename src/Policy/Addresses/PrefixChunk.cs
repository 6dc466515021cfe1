namespace Bulkhead.Policy.Addresses;

/// <summary>A run of sorted prefixes of one family, packed; never empty.</summary>
internal sealed class PrefixChunk
{
    private readonly uint[]? _v4;
    private readonly UInt128[]? _v6;
    private readonly byte[]? _lengths;

    public PrefixChunk(ReadOnlySpan<IpPrefix> sorted)
    {
        var isV6 = sorted[0].Address.IsV6;
        _v4 = isV6 ? null : new uint[sorted.Length];
        _v6 = isV6 ? new UInt128[sorted.Length] : null;
        for (var i = 0; i < sorted.Length; i++)
        {
            var prefix = sorted[i];
            if (isV6)
            {
                _v6![i] = prefix.Address.Bits;
            }
            else
            {
                _v4![i] = (uint)prefix.Address.Bits;
            }

            if (!prefix.IsHost && _lengths is null)
            {
                _lengths = new byte[sorted.Length];
                _lengths.AsSpan(0, i).Fill((byte)prefix.Address.Width);
            }

            if (_lengths is not null)
            {
                _lengths[i] = (byte)prefix.Length;
            }
        }
    }

    public int Count => _v4?.Length ?? _v6!.Length;

    public IpPrefix this[int index]
    {
        get
        {
            var address = _v4 is null ? IpAddress.V6(_v6![index]) : IpAddress.V4(_v4[index]);
            return _lengths is null ? IpPrefix.Host(address) : IpPrefix.Containing(address, _lengths[index]);
        }
    }

    public UInt128 BitsAt(int index) => _v4 is null ? _v6![index] : _v4[index];

    /// <summary>The place of the last one that begins at an address or below it; -1 if there is none.</summary>
    public int Find(UInt128 bits)
    {
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = BitsAt(middle) <= bits ? (middle + 1, high) : (low, middle);
        }

        return low - 1;
    }

    public List<IpPrefix> ToList()
    {
        var list = new List<IpPrefix>(Count + 1);
        for (var i = 0; i < Count; i++)
        {
            list.Add(this[i]);
        }

        return list;
    }
}
