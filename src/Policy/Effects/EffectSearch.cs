using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Effects;

/// <summary>
/// Finds what one policy allows and another does not: by their letter, or in the modes that they assign. A connection that changes lies in a region that
/// only one of the two policies has, so only what differs is looked at.
/// </summary>
internal sealed class EffectSearch
{
    private readonly bool _inForce;
    private readonly Alphabet _alphabet = new();
    private readonly PolicyRegions _before;
    private readonly PolicyRegions _after;
    private readonly List<Region> _changed;
    private readonly List<HelpingRegion> _helpedBefore;
    private readonly List<HelpingRegion> _helpedAfter;

    public EffectSearch(PolicyModel before, PolicyModel after, DateTimeOffset now, bool inForce)
    {
        _inForce = inForce;
        (_before, _after) = (new(before, now, _alphabet), new(after, now, _alphabet));
        (_helpedBefore, _helpedAfter) = ([.. _before.Helping(before, now)], [.. _after.Helping(after, now)]);
        var (gone, come) = (Unlike(before, after, now), Unlike(after, before, now));
        _changed = [.. Regions(_before, gone, come), .. Regions(_after, come, gone)];
        if (before.FailSafe != after.FailSafe)
        {
            _changed.AddRange(new[] { _before, _after }.SelectMany(p => p.Openings(Direction.Inbound)[Reading.Exact]).SelectMany(index => index.Regions)
                .Where(r => r.Region.BindsAddresses).Select(r => r.Region));
        }

        if (inForce)
        {
            var assigned = before.Modes.Except(after.Modes).Concat(after.Modes.Except(before.Modes)).Select(modes => modes.Selector).Distinct();
            _changed.AddRange(assigned.SelectMany(selector => Enum.GetValues<Side>().Select(side => _before.Selected(selector, side))).OfType<Region>());
        }
    }

    /// <summary>The texts of values.</summary>
    public Alphabet Alphabet => _alphabet;

    /// <summary>What is allowed after and was not before, as disjoint regions.</summary>
    public IEnumerable<AllowedRegion> Opened(Effort effort) => Gained(_before, _after, effort);

    /// <summary>What was allowed before and is not after, as disjoint regions.</summary>
    public IEnumerable<AllowedRegion> Closed(Effort effort) => Gained(_after, _before, effort);

    /// <summary>What may be agreed upon after and could not be before, and what could be before and cannot pass after; each as disjoint regions.</summary>
    public (IEnumerable<ExpectedRegion> Come, IEnumerable<ExpectedRegion> Gone) Expected(Effort effort)
    {
        if (_changed.Count == 0)
        {
            return ([], []);
        }

        ExpectedRegion[] before = [.. ExpectedBy(_before, _helpedBefore, effort)], after = [.. ExpectedBy(_after, _helpedAfter, effort)];
        var blocking = LetterOf(_after, effort);
        return (Outside(after, before, effort), Outside(before.SelectMany(one => blocking.Blocked(one.Region).Select(piece => one with { Region = piece })), after, effort));
    }

    private IEnumerable<ExpectedRegion> ExpectedBy(PolicyRegions policy, List<HelpingRegion> helped, Effort effort) =>
        helped.Count == 0 ? [] : new ExpectedRegions(helped, LetterOf(policy, effort)).All();

    private static IEnumerable<ExpectedRegion> Outside(IEnumerable<ExpectedRegion> regions, IEnumerable<ExpectedRegion> others, Effort effort)
    {
        var told = others.Select(other => other.Region).ToList();
        foreach (var region in regions)
        {
            foreach (var piece in RegionSearch.Outside(region.Region, [.. told], effort))
            {
                told.Add(piece);
                yield return region with { Region = piece };
            }
        }
    }

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

    private Letter LetterOf(PolicyRegions policy, Effort effort) => new(policy, Reading.Exact, Reading.Exact, essential: false, effort, _inForce);

    /// <summary>The rules in force that the other policy does not have with the same id, by what they say.</summary>
    private ILookup<(EquatableArray<Scope> Scopes, Rule Rule), (Ruleset Set, Rule Rule)> Unlike(PolicyModel policy, PolicyModel other, DateTimeOffset now)
    {
        var others = other.Rulesets.SelectMany(set => set.Rules.Select(rule => (Set: set, Rule: rule))).ToDictionary(r => r.Rule.Id);
        var unlike = from set in policy.Rulesets
                     from rule in set.Rules
                     where (_inForce || rule.Action != RuleAction.Deny) && !(rule.Expires <= now)
                     where !others.TryGetValue(rule.Id, out var same) || !(ReferenceEquals(same.Rule, rule) || same.Rule == rule) || same.Set.Scopes != set.Scopes
                     select (set, rule);
        return unlike.ToLookup(r => (r.set.Scopes, Words(r.rule)));
    }

    /// <summary>What a rule says by the letter, whatever its id.</summary>
    private static Rule Words(Rule rule) =>
        rule with { Id = default, Expires = null, ConsumerBestEffort = false, UnidentifiedMatches = false, SkipWhereUnenforceable = false };

    /// <summary>The regions of rules that the other policy does not have in the same words.</summary>
    private static IEnumerable<Region> Regions(
        PolicyRegions policy, ILookup<(EquatableArray<Scope> Scopes, Rule Rule), (Ruleset Set, Rule Rule)> unlike, ILookup<(EquatableArray<Scope> Scopes, Rule Rule), (Ruleset Set, Rule Rule)> others) =>
        unlike.Where(words => !others.Contains(words.Key)).Select(words => words.First()).SelectMany(r => policy.Of(r.Set, r.Rule)).Select(r => r.Region.Region);
}
