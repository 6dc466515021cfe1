using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Symbolic;

/// <summary>Connections that an end gives a helper, if they pass.</summary>
internal sealed record HelpingRegion(Region Region, Direction Direction, RuleId Rule, ConnectionHelper Helper);

/// <summary>Connections that may pass though no rule allows them, because a helper expects them.</summary>
internal sealed record ExpectedRegion(Region Region, ConnectionHelper Helper, EquatableArray<RuleId> Rules);

/// <summary>
/// Finds what may pass by the letter only because the ends of a connection that has a helper agree upon it there: between the same two ends, in whichever direction, of
/// whatever process and user. Each end has to let it pass: by its rules, or because it gave the helper itself and no override-deny stops it.
/// </summary>
/// <param name="helping">Who gives helpers.</param>
/// <param name="letter">The policy; what it allows is left out.</param>
internal sealed class ExpectedRegions(IReadOnlyList<HelpingRegion> helping, Letter letter)
{
    /// <summary>All of it, as regions that may overlap, made as they are asked for.</summary>
    public IEnumerable<ExpectedRegion> All() =>
        from one in helping
        from given in letter.Judged(one.Direction, one.Region)
        from parent in letter.Allowed(given)
        from swapped in (bool[])[false, true]
        from found in Expected(one, parent.Region, swapped)
        from piece in letter.Blocked(found.Region)
        select found with { Region = piece };

    /// <summary>What one end lets pass because it gave the helper, and the other for whatever reason.</summary>
    private IEnumerable<ExpectedRegion> Expected(HelpingRegion one, Region parent, bool swapped)
    {
        var other = Opposite(one.Direction);
        var (here, there) = swapped ? (other, one.Direction) : (one.Direction, other);
        foreach (var open in Children(parent, one.Helper, swapped).SelectMany(child => letter.Allowable(here, child)))
        {
            foreach (var piece in letter.PassingAt(there, open))
            {
                yield return new(piece, one.Helper, [one.Rule]);
            }
        }

        // Both ends give it: found from the consumer's.
        foreach (var both in one.Direction == Direction.Outbound ? helping.Where(h => h.Direction == other && h.Helper == one.Helper) : [])
        {
            var pieces = from given in parent.And(both.Region) is { } parents ? letter.Judged(other, parents) : []
                         from child in Children(given, one.Helper, swapped)
                         from passing in letter.Allowable(here, child)
                         from piece in letter.Allowable(there, passing)
                         select piece;
            foreach (var piece in pieces)
            {
                yield return new(piece, one.Helper, new[] { one.Rule, both.Rule }.Distinct().Order().ToEquatableArray());
            }
        }
    }

    private static IEnumerable<Region> Children(Region parent, ConnectionHelper helper, bool swapped) =>
        parent.BetweenSameEnds(swapped).And(Region.Of(PortCodes.Of(helper.Expects))) is { } child ? [child] : [];

    private static Direction Opposite(Direction direction) => direction == Direction.Inbound ? Direction.Outbound : Direction.Inbound;
}
