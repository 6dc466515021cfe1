using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Effects;

/// <summary>Which way connections change.</summary>
public enum EffectKind
{
    /// <summary>Allowed after, not before.</summary>
    NewlyAllowed,

    /// <summary>Allowed before, not after.</summary>
    NewlyBlocked,

    /// <summary>May pass after only because a helper expects them, and could not before.</summary>
    NewlyExpected,

    /// <summary>Could pass before only because a helper expected them, and cannot pass after.</summary>
    NoLongerExpected,
}

/// <summary>Connections that a change of policy allows or blocks, by the letter: between all workloads that could exist.</summary>
/// <param name="Kind">Which way.</param>
/// <param name="Connections">Which, in the words of policy: <c>role=web → role=db on tcp/5432</c>.</param>
/// <param name="Rules">The rules that allow them, or give the helper, in the policy that does, one for each end; sorted. Empty if openings do.</param>
/// <param name="Message">A sentence for people.</param>
public sealed record PolicyEffect(EffectKind Kind, string Connections, EquatableArray<RuleId> Rules, string Message);

/// <summary>What a change of policy does, by the letter.</summary>
/// <param name="Effects">Regions of connections; none overlaps another of its kind. Empty exactly if nothing changes.</param>
/// <param name="IsComplete">Whether that is all; false if there was more than was asked for, or than could be found in bounds.</param>
public sealed record EffectReport(IReadOnlyList<PolicyEffect> Effects, bool IsComplete);

/// <summary>An observed connection whose verdict changes.</summary>
/// <param name="Connection">The connection.</param>
/// <param name="Before">The verdict under the policy before.</param>
/// <param name="After">The verdict under the policy after.</param>
public sealed record EdgeEffect(Connection Connection, Verdict Before, Verdict After);

/// <summary>Says what a change of policy does, instead of what it says. What no policy can cut (IGMP, neighbour discovery, DHCP, …) is left aside.</summary>
public static class PolicyEffects
{
    /// <summary>How many steps each direction of a comparison may take; then it is not complete.</summary>
    public const int MostSteps = 2_000_000;

    /// <summary>
    /// Compares two policies by their letter: what would be allowed and blocked if every workload that could exist were managed and in full. Rules
    /// that are the same in both are not looked at on their own.
    /// </summary>
    /// <param name="before">The one policy.</param>
    /// <param name="after">The other.</param>
    /// <param name="now">Rules that have expired by then do not apply.</param>
    /// <param name="most">How many regions of each kind are wanted.</param>
    /// <param name="inForce">
    /// Whether workloads are in the modes that each policy assigns to their labels, as they will be, instead of in full: then changed modes have effects,
    /// and denies where the mode is selective.
    /// </param>
    public static EffectReport Compare(PolicyModel before, PolicyModel after, DateTimeOffset now, int most = 100, bool inForce = false)
    {
        var search = new EffectSearch(before, after, now, inForce);
        var (opening, closing, expecting) = (new Effort(MostSteps), new Effort(MostSteps), new Effort(MostSteps));
        // One more than is wanted tells whether there are more.
        var opened = search.Opened(opening).Take(most + 1).ToList();
        var closed = search.Closed(closing).Take(most + 1).ToList();
        var (come, gone) = search.Expected(expecting);
        var (agreed, disagreed) = (come.Take(most + 1).ToList(), gone.Take(most + 1).ToList());
        var (text, chooser) = (new RegionText(search.Alphabet), new PointChooser(search.Alphabet));
        return new(
            [
                .. opened.Take(most).Select(o => Tell(EffectKind.NewlyAllowed, o, text, "")),
                .. closed.Take(most).Select(c => Tell(EffectKind.NewlyBlocked, c, text, Blocker(search.After(closing), chooser.Choose(c.Region)))),
                .. agreed.Take(most).Select(a => Tell(EffectKind.NewlyExpected, a, text)),
                .. disagreed.Take(most).Select(d => Tell(EffectKind.NoLongerExpected, d, text)),
            ],
            !opening.IsSpent && !closing.IsSpent && !expecting.IsSpent && new[] { opened.Count, closed.Count, agreed.Count, disagreed.Count }.Max() <= most);
    }

    /// <summary>The connections whose combined verdict two policies see differently, in the order given. Modes count here: it is what would happen.</summary>
    public static IReadOnlyList<EdgeEffect> Compare(PolicyEvaluator before, PolicyEvaluator after, IReadOnlyList<Connection> connections)
    {
        var (then, now) = (before.JudgeAll(connections), after.JudgeAll(connections));
        return [.. Enumerable.Range(0, connections.Count).Where(i => then[i].Kind != now[i].Kind)
            .Select(i => new EdgeEffect(connections[i], before.Judge(connections[i]), after.Judge(connections[i])))];
    }

    private static PolicyEffect Tell(EffectKind kind, AllowedRegion region, RegionText text, string blocker)
    {
        var sources = new[] { region.Outbound, region.Inbound };
        var rules = sources.Where(s => s.Rule is not null).Select(s => s.Rule!.Id).Distinct().Order().ToEquatableArray();
        var openings = sources.Where(s => s is { Opening: not null } && s != PolicyRegions.Unjudged).Select(s => s.Opening!).Distinct();
        var by = string.Join(" and ", rules.Select(r => $"rule {r}").Concat(openings));
        var connections = text.Of(region.Region);
        return new(kind, connections, rules, kind == EffectKind.NewlyAllowed
            ? $"{connections}: newly allowed by {by}"
            : $"{connections}: no longer allowed (was by {by}); {blocker}");
    }

    private static PolicyEffect Tell(EffectKind kind, ExpectedRegion region, RegionText text)
    {
        var connections = text.Of(region.Region);
        var by = $"{region.Helper} of rule{(region.Rules.Count == 1 ? "" : "s")} {string.Join(" and ", region.Rules)}";
        return new(kind, connections, region.Rules, kind == EffectKind.NewlyExpected
            ? $"{connections}: may be agreed upon, by {by}"
            : $"{connections}: can no longer be agreed upon (could by {by})");
    }

    /// <summary>What blocks a connection of the region; others of it may be blocked by other rules.</summary>
    private static string Blocker(Letter letter, Point point)
    {
        var decisions = new[] { letter.Decide(Direction.Outbound, point), letter.Decide(Direction.Inbound, point) };
        var rule = decisions.Where(d => !d.Passes).Select(d => d.By?.Rule?.Id).FirstOrDefault(id => id is not null);
        return rule is { } id ? $"rule {id} blocks" : "no rule allows it";
    }
}
