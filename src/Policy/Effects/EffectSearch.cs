using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Effects;

/// <summary>
/// Finds what one policy allows by its letter and another does not. A connection that changes lies in a region that only one of the two policies
/// has, so only what differs is looked at.
/// </summary>
internal sealed class EffectSearch
{
    private readonly Alphabet _alphabet = new();
    private readonly PolicyRegions _before;
    private readonly PolicyRegions _after;
    private readonly List<Region> _changed;

    public EffectSearch(PolicyModel before, PolicyModel after, DateTimeOffset now)
    {
        (_before, _after) = (new(before, now, _alphabet), new(after, now, _alphabet));
        _changed = [.. Changed(before, after, _before), .. Changed(after, before, _after)];
        if (before.FailSafe != after.FailSafe)
        {
            _changed.AddRange(new[] { _before, _after }.SelectMany(p => p.Openings(Direction.Inbound)[Reading.Exact]).SelectMany(index => index.Regions)
                .Where(r => r.Region.BindsAddresses).Select(r => r.Region));
        }
    }

    /// <summary>The texts of values.</summary>
    public Alphabet Alphabet => _alphabet;

    /// <summary>What is allowed after and was not before, as disjoint regions.</summary>
    public IEnumerable<AllowedRegion> Opened(Effort effort) => Gained(_before, _after, effort);

    /// <summary>What was allowed before and is not after, as disjoint regions.</summary>
    public IEnumerable<AllowedRegion> Closed(Effort effort) => Gained(_after, _before, effort);

    /// <summary>The letter of the policy after.</summary>
    public Letter After(Effort effort) => LetterOf(_after, effort);

    private IEnumerable<AllowedRegion> Gained(PolicyRegions without, PolicyRegions with, Effort effort)
    {
        var (blocking, allowing) = (LetterOf(without, effort), LetterOf(with, effort));
        var told = new List<Region>();
        foreach (var changed in _changed.SelectMany(region => PolicyRegions.Everything.Select(region.And)).OfType<Region>())
        {
            foreach (var allowed in allowing.Allowed(changed))
            {
                foreach (var piece in blocking.Blocked(allowed.Region).SelectMany(piece => RegionSearch.Outside(piece, [.. told], effort)))
                {
                    told.Add(piece);
                    yield return allowed with { Region = piece };
                }
            }
        }
    }

    private static Letter LetterOf(PolicyRegions policy, Effort effort) => new(policy, Reading.Exact, Reading.Exact, essential: false, effort);

    /// <summary>The regions of rules that the other policy does not have in the same words.</summary>
    private static IEnumerable<Region> Changed(PolicyModel policy, PolicyModel other, PolicyRegions regions)
    {
        var others = other.Rulesets.SelectMany(set => set.Rules.Select(rule => (Set: set, Rule: rule))).ToDictionary(r => r.Rule.Id);
        foreach (var ruleset in policy.Rulesets)
        {
            foreach (var rule in ruleset.Rules.Where(rule => rule.Action != RuleAction.Deny))
            {
                if (!others.TryGetValue(rule.Id, out var same) || !(ReferenceEquals(same.Rule, rule) || same.Rule == rule) || same.Set.Scopes != ruleset.Scopes)
                {
                    foreach (var region in regions.Of(ruleset, rule).Select(r => r.Region.Region).Distinct())
                    {
                        yield return region;
                    }
                }
            }
        }
    }
}
