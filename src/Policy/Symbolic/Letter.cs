using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Symbolic;

/// <summary>
/// Decides by the letter of a policy: one connection, or which connections of a region are allowed or not. With networks read loosely it
/// says what holds wherever the workloads without a plan have their addresses.
/// </summary>
/// <param name="policy">The policy.</param>
/// <param name="allows">How allows and openings read addresses.</param>
/// <param name="denies">How override-denies read addresses.</param>
/// <param name="essential">Whether DHCP passes though no rule allows it. It does; but no policy can forbid it, so nobody is to be blamed for it.</param>
/// <param name="effort">Counts the steps of searches.</param>
/// <param name="inForce">Whether workloads are in the modes that the policy assigns to them, instead of in full.</param>
internal sealed class Letter(PolicyRegions policy, Reading allows, Reading denies, bool essential, Effort effort, bool inForce = false)
{
    /// <summary>What one end decides of a connection: whether it passes, and by what; null by what means the default.</summary>
    public (bool Passes, RegionSource? By) Decide(Direction direction, Point point)
    {
        if (Openings(direction).SelectMany(layer => layer.Holding(point, allows)).FirstOrDefault() is { } opening)
        {
            return (true, opening.Source);
        }

        if (policy[direction, RuleAction.OverrideDeny].Holding(point, denies).FirstOrDefault() is { } bar)
        {
            return (false, bar.Source);
        }

        if (policy[direction, RuleAction.Allow].Holding(point, allows).FirstOrDefault() is { } allow)
        {
            return (true, allow.Source);
        }

        // The default of full blocks too; but who reads of it wants the rule.
        var deny = policy[direction, RuleAction.Deny].Holding(point, denies).FirstOrDefault();
        return deny is null && inForce && policy.Selective(direction).Holding(point, allows).FirstOrDefault() is { } selective
            ? (true, selective.Source)
            : (false, deny?.Source);
    }

    /// <summary>Whether workloads that keep to their plans can make a connection, and it passes at both ends.</summary>
    public bool IsAllowed(Point point) => IsPossible(point) && Decide(Direction.Outbound, point).Passes && Decide(Direction.Inbound, point).Passes;

    /// <summary>Whether workloads that keep to their plans can make a connection, and it does not pass.</summary>
    public bool IsBlocked(Point point) => IsPossible(point) && !(Decide(Direction.Outbound, point).Passes && Decide(Direction.Inbound, point).Passes);

    /// <summary>The connections of a region that are allowed, as regions that may overlap, made as they are asked for; each with what lets it pass.</summary>
    public IEnumerable<AllowedRegion> Allowed(Region region) =>
        from outbound in Passing(Direction.Outbound, region)
        where RegionSearch.Outside(outbound.Region, Bars(Direction.Outbound, outbound), effort).Any()
        from inbound in Passing(Direction.Inbound, outbound.Region).OrderBy(i => !ReferenceEquals(i.Source, outbound.Source))
        from piece in RegionSearch.Outside(inbound.Region, [.. Bars(Direction.Outbound, outbound), .. Bars(Direction.Inbound, inbound), .. policy.Impossible[Reading.Exact]], effort)
        select new AllowedRegion(piece, outbound.Source, inbound.Source);

    /// <summary>The connections of a region that are not allowed, as regions that may overlap, made as they are asked for.</summary>
    public IEnumerable<Region> Blocked(Region region)
    {
        foreach (var direction in (Direction[])[Direction.Outbound, Direction.Inbound])
        {
            RegionIndex[] open = [.. Openings(direction).SelectMany(layer => layer[allows]), .. policy.Impossible[Reading.Exact]];
            RegionIndex[] allowed = [.. open, .. policy[direction, RuleAction.Allow][allows]];
            foreach (var piece in RegionSearch.Outside(region, [.. allowed, .. inForce ? policy.Selective(direction)[allows] : []], effort))
            {
                yield return piece;
            }

            foreach (var bar in inForce ? policy[direction, RuleAction.Deny].Overlapping(region, denies) : [])
            {
                foreach (var piece in RegionSearch.Outside(region.And(bar.Region)!, allowed, effort))
                {
                    yield return piece;
                }
            }

            foreach (var bar in policy[direction, RuleAction.OverrideDeny].Overlapping(region, denies))
            {
                foreach (var piece in RegionSearch.Outside(region.And(bar.Region)!, open, effort))
                {
                    yield return piece;
                }
            }
        }
    }

    /// <summary>The connections of a region that pass at one end, as regions that may overlap.</summary>
    public IEnumerable<Region> PassingAt(Direction direction, Region region) =>
        Passing(direction, region).SelectMany(passing => RegionSearch.Outside(passing.Region, Bars(direction, passing), effort));

    /// <summary>The connections of a region that would pass at one end if an allow held them, as regions that may overlap.</summary>
    public IEnumerable<Region> Allowable(Direction direction, Region region) =>
        RegionSearch.Outside(region, policy[direction, RuleAction.OverrideDeny][denies], effort)
            .Concat(Openings(direction).SelectMany(layer => layer.Overlapping(region, allows)).Select(opening => region.And(opening.Region)!));

    /// <summary>The connections of a region of which rules decide at one end.</summary>
    public IEnumerable<Region> Judged(Direction direction, Region region) =>
        RegionSearch.Outside(region, Openings(direction).SelectMany(layer => layer[allows]), effort);

    /// <summary>What passes at one end, each part with what lets it pass; override-denies are not yet taken out, but where they bar all.</summary>
    private IEnumerable<PolicyRegion> Passing(Direction direction, Region region)
    {
        var passing = Openings(direction).SelectMany(layer => layer.Overlapping(region, allows));
        if (RegionSearch.Outside(region, policy[direction, RuleAction.OverrideDeny][denies], effort).Any())
        {
            passing = passing.Concat(policy[direction, RuleAction.Allow].Overlapping(region, allows)).Concat(inForce ? policy.Selective(direction).Overlapping(region, allows) : []);
        }

        return passing.Select(p => p with { Region = region.And(p.Region)! });
    }

    private IEnumerable<RegionLayer> Openings(Direction direction) =>
        [policy.Openings(direction), .. essential ? [policy.Essential(direction)] : Array.Empty<RegionLayer>(), .. inForce ? [policy.Visible(direction)] : Array.Empty<RegionLayer>()];

    private IEnumerable<RegionIndex> Bars(Direction direction, PolicyRegion passing) =>
        ReferenceEquals(passing.Source, PolicyRegions.InSelective) ? [.. policy[direction, RuleAction.OverrideDeny][denies], .. policy[direction, RuleAction.Deny][denies]]
        : passing.Source.Rule is null ? [] : policy[direction, RuleAction.OverrideDeny][denies];

    private bool IsPossible(Point point) => !policy.Impossible.Holding(point, Reading.Exact).Any();
}

/// <summary>A region of allowed connections, and what lets them pass at each end.</summary>
internal sealed record AllowedRegion(Region Region, RegionSource Outbound, RegionSource Inbound);
