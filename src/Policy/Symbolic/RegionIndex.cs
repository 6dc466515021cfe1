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

    private IEnumerable<int> Candidates(IEnumerable<(int Dimension, int[] Values)> asked)
    {
        ulong[]? left = null;
        foreach (var (dimension, values) in asked)
        {
            if (_postings.TryGetValue(dimension, out var postings))
            {
                var mask = postings.Compatible(values);
                if (left is null)
                {
                    left = mask;
                    continue;
                }

                for (var i = 0; i < left.Length; i++)
                {
                    left[i] &= mask[i];
                }
            }
        }

        return left is null ? Enumerable.Range(0, _regions.Length) : Bits(left);
    }

    private static IEnumerable<int> Bits(ulong[] words)
    {
        for (var w = 0; w < words.Length; w++)
        {
            for (var word = words[w]; word != 0; word &= word - 1)
            {
                yield return (w * 64) + System.Numerics.BitOperations.TrailingZeroCount(word);
            }
        }
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
            if (regions % 64 != 0)
            {
                _loose[^1] = (1UL << (regions % 64)) - 1;
            }
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

        public ulong[] Compatible(int[] values)
        {
            var mask = (ulong[])_loose.Clone();
            foreach (var value in values)
            {
                if (_byValue.TryGetValue(value, out var list))
                {
                    Or(mask, value, list);
                }
            }

            return mask;
        }

        private void Or(ulong[] mask, int value, List<int> list)
        {
            // A long list is kept as bits, once it has been asked for.
            if (list.Count < mask.Length)
            {
                Set(mask, list);
                return;
            }

            if (!_dense.TryGetValue(value, out var bits))
            {
                Set(bits = new ulong[mask.Length], list);
                _dense.Add(value, bits);
            }

            for (var i = 0; i < mask.Length; i++)
            {
                mask[i] |= bits[i];
            }
        }

        private static void Set(ulong[] mask, List<int> list)
        {
            foreach (var region in list)
            {
                mask[region >> 6] |= 1UL << region;
            }
        }
    }
}
