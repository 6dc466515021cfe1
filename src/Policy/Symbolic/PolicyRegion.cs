using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Symbolic;

/// <summary>A region, and what in the policy it comes from.</summary>
internal sealed record PolicyRegion(Region Region, RegionSource Source);

/// <summary>A rule, or one of the openings that no rule closes.</summary>
/// <param name="Ruleset">The rule's ruleset, or null.</param>
/// <param name="Rule">The rule, or null for an opening.</param>
/// <param name="Opening">What opens, in a few words; null for a rule.</param>
internal sealed record RegionSource(Ruleset? Ruleset, Rule? Rule, string? Opening)
{
    /// <summary>Its place in the policy.</summary>
    public string Path => Rule is null ? "failSafe" : $"rulesets[{Ruleset!.Name}].rules[id={Rule.Id}]";
}

/// <summary>How a condition on an address is read at a workload of which no plan says where its addresses are.</summary>
internal enum Reading
{
    /// <summary>As it stands: the workload may have any address.</summary>
    Exact,

    /// <summary>Met only if every address of a family meets it.</summary>
    Certain,

    /// <summary>Met already if some address of a family meets it.</summary>
    Possible,
}

/// <summary>Regions of one tier at one end, indexed; those that speak of addresses apart, since they are read in three ways.</summary>
internal sealed class RegionLayer
{
    private readonly RegionIndex _plain;
    private readonly RegionIndex[] _networked;

    public RegionLayer(IReadOnlyCollection<PolicyRegion> regions, Func<Region, Reading, IEnumerable<Region>> read)
    {
        _plain = new(regions.Where(r => !r.Region.BindsAddresses));
        var networked = regions.Where(r => r.Region.BindsAddresses).ToList();
        HasNetworks = networked.Count > 0;
        _networked = [.. Enum.GetValues<Reading>().Select(reading =>
            new RegionIndex(reading == Reading.Exact ? networked : networked.SelectMany(r => read(r.Region, reading).Select(region => r with { Region = region }))))];
    }

    /// <summary>Whether any region speaks of addresses.</summary>
    public bool HasNetworks { get; }

    /// <summary>The regions in one reading.</summary>
    public IEnumerable<RegionIndex> this[Reading reading] => [_plain, _networked[(int)reading]];

    /// <summary>The regions that overlap one.</summary>
    public IEnumerable<PolicyRegion> Overlapping(Region region, Reading reading) => this[reading].SelectMany(index => index.Overlapping(region));

    /// <summary>The regions that hold a connection, by rule id.</summary>
    public IEnumerable<PolicyRegion> Holding(Point point, Reading reading) =>
        this[reading].SelectMany(index => index.Holding(point)).OrderBy(r => r.Source.Rule?.Id.Value ?? 0).ThenBy(r => r.Source.Opening, StringComparer.Ordinal);
}
