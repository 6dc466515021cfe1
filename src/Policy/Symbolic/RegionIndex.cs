using System.Buffers;
using System.Numerics;

namespace Bulkhead.Policy.Symbolic;

/// <summary>
/// Finds, among many regions, those that can overlap another: by the values and single ports that they ask for. For each dimension it holds
/// which regions do not ask for one of a few values, and which ask for each value; a query ANDs what its own values leave over.
/// </summary>
internal sealed class RegionIndex
{
    /// <summary>A set of more values than that is taken as any value.</summary>
    private const int MostValues = 64;
    private const int PortDimension = -1;

    private readonly PolicyRegion[] _regions;
    private readonly Dictionary<int, Postings> _postings = [];

    /// <summary>Indexes regions; the most general come first in every answer.</summary>
    public RegionIndex(IEnumerable<PolicyRegion> regions)
    {
        _regions = [.. regions.OrderBy(r => r.Region.Values.Count(v => !v.Set.IsComplement) + (ReferenceEquals(r.Region.Ports, PortCodes.All) ? 0 : 1))];
        for (var i = 0; i < _regions.Length; i++)
        {
            foreach (var (dimension, values) in FewValues(_regions[i].Region))
            {
                if (!_postings.TryGetValue(dimension, out var postings))
                {
                    _postings.Add(dimension, postings = new(_regions.Length));
                }

                postings.Add(i, values);
            }
        }

        foreach (var postings in _postings.Values)
        {
            postings.Seal();
        }
    }

    /// <summary>The regions, the most general first.</summary>
    public IReadOnlyList<PolicyRegion> Regions => _regions;

    /// <summary>The regions that overlap one, the most general first.</summary>
    public IEnumerable<PolicyRegion> Overlapping(Region region)
    {
        foreach (var i in Candidates(FewValues(region)))
        {
            if (_regions[i].Region.Overlaps(region))
            {
                yield return _regions[i];
            }
        }
    }

    /// <summary>The regions that hold a connection, the most general first.</summary>
    public IEnumerable<PolicyRegion> Holding(Point point)
    {
        var values = _postings.Keys.Select(dimension => (dimension, new[] { dimension == PortDimension ? point.Port : point[dimension] }));
        foreach (var i in Candidates(values))
        {
            if (point.IsIn(_regions[i].Region))
            {
                yield return _regions[i];
            }
        }
    }

    private List<int> Candidates(IEnumerable<(int Dimension, int[] Values)> asked)
    {
        var words = (_regions.Length + 63) / 64;
        var (left, mask) = (ArrayPool<ulong>.Shared.Rent(words), ArrayPool<ulong>.Shared.Rent(words));
        var any = left.AsSpan(0, words);
        any.Fill(ulong.MaxValue);
        foreach (var (dimension, values) in asked)
        {
            if (_postings.TryGetValue(dimension, out var postings))
            {
                var compatible = mask.AsSpan(0, words);
                postings.Compatible(values, compatible);
                for (var i = 0; i < any.Length; i++)
                {
                    any[i] &= compatible[i];
                }
            }
        }

        var found = Bits(any);
        ArrayPool<ulong>.Shared.Return(left);
        ArrayPool<ulong>.Shared.Return(mask);
        return found;
    }

    private List<int> Bits(ReadOnlySpan<ulong> words)
    {
        var bits = new List<int>();
        for (var w = 0; w < words.Length; w++)
        {
            for (var word = words[w]; word != 0; word &= word - 1)
            {
                if ((w * 64) + BitOperations.TrailingZeroCount(word) is var bit && bit < _regions.Length)
                {
                    bits.Add(bit);
                }
            }
        }

        return bits;
    }

    private static IEnumerable<(int Dimension, int[] Values)> FewValues(Region region)
    {
        foreach (var (dimension, set) in region.Values)
        {
            // Nearly every region asks for workloads at both ends, so the kind tells none apart.
            if (!set.IsComplement && set.Ids.Length <= MostValues && dimension > Dimension.Kind(Side.Provider))
            {
                yield return (dimension, set.Ids);
            }
        }

        if (region.Ports.Few(MostValues) is { } ports)
        {
            yield return (PortDimension, ports);
        }
    }

    /// <summary>One dimension: who does not ask for few values, and who asks for each.</summary>
    private sealed class Postings
    {
        private readonly ulong[] _loose;
        private readonly Dictionary<int, List<int>> _byValue = [];
        private readonly Dictionary<int, ulong[]> _dense = [];

        public Postings(int regions)
        {
            _loose = new ulong[(regions + 63) / 64];
            Array.Fill(_loose, ulong.MaxValue);
        }

        public void Add(int region, int[] values)
        {
            _loose[region >> 6] &= ~(1UL << region);
            foreach (var value in values)
            {
                if (!_byValue.TryGetValue(value, out var list))
                {
                    _byValue.Add(value, list = []);
                }

                list.Add(region);
            }
        }

        /// <summary>Keeps long lists as bits, too.</summary>
        public void Seal()
        {
            foreach (var (value, list) in _byValue.Where(pair => pair.Value.Count >= _loose.Length))
            {
                var bits = new ulong[_loose.Length];
                Set(bits, list);
                _dense.Add(value, bits);
            }
        }

        public void Compatible(int[] values, Span<ulong> mask)
        {
            _loose.CopyTo(mask);
            foreach (var value in values)
            {
                if (_dense.TryGetValue(value, out var bits))
                {
                    for (var i = 0; i < mask.Length; i++)
                    {
                        mask[i] |= bits[i];
                    }
                }
                else if (_byValue.TryGetValue(value, out var list))
                {
                    Set(mask, list);
                }
            }
        }

        private static void Set(Span<ulong> mask, List<int> list)
        {
            foreach (var region in list)
            {
                mask[region >> 6] |= 1UL << region;
            }
        }
    }
}
