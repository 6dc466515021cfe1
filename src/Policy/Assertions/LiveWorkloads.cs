using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Assertions;

/// <summary>The real workloads, found by what a region asks of one end. Workloads with equal labels are looked at together.</summary>
internal sealed class LiveWorkloads
{
    private readonly Dictionary<Region, IReadOnlyList<Workload>> _byLabels = [];
    private readonly RegionIndex _index;

    private readonly Func<Workload, IEnumerable<ScopedAddress>> _addresses;

    /// <summary>Indexes workloads; the alphabet must know their labels.</summary>
    /// <param name="workloads">The workloads.</param>
    /// <param name="addresses">The addresses that one holds, which may be fewer than it claims.</param>
    /// <param name="alphabet">The numbers of values.</param>
    public LiveWorkloads(IEnumerable<Workload> workloads, Func<Workload, IEnumerable<ScopedAddress>> addresses, Alphabet alphabet)
    {
        _addresses = addresses;
        foreach (var group in workloads.GroupBy(w => w.Labels))
        {
            _byLabels.Add(RegionOf(group.Key, alphabet), [.. group]);
        }

        var source = new RegionSource(null, null, "live");
        _index = new(_byLabels.Keys.Select(region => new PolicyRegion(region, source)));
    }

    /// <summary>The workloads whose labels one end of a region may have, grouped by their labels as a region of the consumer.</summary>
    public IEnumerable<(Region Labels, IReadOnlyList<Workload> Workloads)> Of(Region region, Side side) =>
        _index.Overlapping(region.LabelsOf(side)).Select(found => (found.Region, _byLabels[found.Region]));

    /// <summary>The parts of a region where one end is a real workload at one of its addresses.</summary>
    public IEnumerable<(Region Part, Workload Workload)> At(Region region, Side side)
    {
        foreach (var (labels, workloads) in Of(region, side))
        {
            foreach (var workload in workloads)
            {
                foreach (var address in _addresses(workload))
                {
                    var code = AddressCodes.Of(address.Address);
                    if (region.Addresses(side).Contains(code)
                        && region.And(labels.ConsumersAs(side))?.And(Region.Of(side, Intervals<UInt128>.Of((code, code)))) is { } part)
                    {
                        yield return (part, workload);
                    }
                }
            }
        }
    }

    private static Region RegionOf(LabelSet labels, Alphabet alphabet)
    {
        var constraints = new List<Constraint>(alphabet.Keys.Count);
        for (var key = 0; key < alphabet.Keys.Count; key++)
        {
            var value = labels[alphabet.Keys[key]] is { } text ? alphabet.Of(text) : Alphabet.Absent;
            constraints.Add(new(Dimension.Label(Side.Consumer, key), ValueSet.Of(value)));
        }

        return Region.Of(constraints, PortCodes.All)!;
    }
}
